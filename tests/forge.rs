//! The doors that Forge calls by itself, from outside: installing, events, the hourly call, the uninstall, and who is refused there.

mod attacks;
mod events;
mod life;
mod moving;
mod tokens;
mod unset;

//! `installed` and `uninstalled`: who may change what, and what stays when Bitbucket or the network fails.

mod first_install;
mod purge;
mod registered;
mod reinstall;
mod single_use;
mod uninstall;

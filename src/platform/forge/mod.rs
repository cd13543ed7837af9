//! The doors that Forge itself calls, and what every door of the Forge app reads its callers with. The panel's and the settings page's
//! doors use [`caller`] and [`Refused`] as well.

pub mod caller;
pub mod events;
pub mod lifecycle;
mod refused;

pub use caller::{PanelCaller, PlatformCaller, SettingsCaller};
pub use refused::{ForgeResult, Refused};

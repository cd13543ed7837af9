//! The doors that Forge itself calls and that of the app's settings page, and what every door of the Forge app reads its callers with
//! and answers with; the panel's door uses that as well.

pub mod caller;
pub mod events;
pub mod lifecycle;
mod refused;
pub mod settings;
mod shown;

pub use caller::{PanelCaller, PlatformCaller, SettingsCaller};
pub use refused::{ForgeResult, Refused};
pub use shown::shown;

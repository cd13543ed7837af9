//! Forge beside Connect: installations, invocation tokens and the keys they are signed with, events, and the proxy that carries
//! the calls of an app's pages to its remote. [`token`] and [`invocation`] sign, [`delivery`] and [`remote`] call.
//!
//! Source: <https://developer.atlassian.com/platform/forge/remote/essentials/>.

pub(crate) mod access_token;
mod delivery;
mod installation;
mod invocation;
mod key;
pub(crate) mod key_set;
mod lifecycle;
mod payload;
mod remote;
mod state;
mod token;

pub use installation::{ForgeInstall, ForgeInstallation, ForgePage, ForgeRoutes};
pub use invocation::ForgeCaller;
pub use remote::{RemoteAnswer, RemoteFailed, RemoteRequest};
pub(crate) use state::Forge;
pub use token::ForgeToken;

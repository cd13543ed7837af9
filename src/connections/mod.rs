//! Every way a Bitbucket workspace is connected: installations, OAuth grants and tokens; their secrets, claiming, the credential for a
//! purpose, disconnecting, purging. Doors and jobs call it.

pub mod actions;
pub mod attention;
mod belonging;
mod budgets;
pub mod calls;
pub mod changing;
pub mod checking;
pub mod choosing;
pub mod claims;
pub mod closing;
pub mod consent;
pub mod consumer_removal;
pub mod consumers;
pub mod credentials;
pub mod describe;
pub mod disconnect;
pub mod discovery;
pub mod entry;
pub mod faring;
pub mod forge_installations;
pub mod grants;
pub mod health;
pub mod hooks;
pub mod install_codes;
pub mod installations;
pub mod keys;
pub mod lifecycle;
pub mod overview;
pub mod panel_state;
pub mod purge;
pub mod purposes;
pub mod refresh;
pub mod removal;
pub mod repositories;
pub mod retirement;
pub mod scopes;
mod secrets;
pub mod self_test;
pub mod standing;
pub mod system_tokens;
pub mod tokens;
pub mod workspace_members;

use std::sync::Arc;

use crate::bitbucket::Client;
use crate::config::Config;
use crate::storage::Database;
use crate::storage::seal::Keyring;

/// The server's parts that whoever asks Bitbucket on a connection needs: `App::parts` and every job has them.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// The database.
    pub database: &'a Database,
    /// The client of the Bitbucket API.
    pub bitbucket: &'a Client,
    /// The keys that secrets are sealed under.
    pub keyring: &'a Arc<Keyring>,
    /// The settings.
    pub config: &'a Arc<Config>,
}

impl std::fmt::Debug for Parts<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Parts")
    }
}

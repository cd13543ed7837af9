//! Every way a Bitbucket workspace is connected: installations, their secrets, claiming, disconnecting, purging. Doors and jobs call it.

pub mod claims;
pub mod credentials;
pub mod describe;
pub mod disconnect;
pub mod entry;
pub mod forge_installations;
pub mod health;
pub mod install_codes;
pub mod installations;
pub mod keys;
pub mod lifecycle;
pub mod overview;
pub mod panel_state;
pub mod purge;
pub mod removal;
pub mod retirement;
pub mod self_test;
pub mod system_tokens;
pub mod workspace_members;

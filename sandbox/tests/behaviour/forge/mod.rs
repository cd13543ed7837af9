//! Forge: tokens, events, installations and the proxy, as a remote sees them.

mod access;
mod events;
mod pages;
mod proxy;
mod remote;
mod tokens;

use crate::app::AMARA;
use bitbucket_sandbox::{ForgeCaller, ForgeInstall, ForgeInstallation, Options, Sandbox};
use remote::TinyRemote;

const APP: &str = "ari:cloud:ecosystem::app/8a7b6c5d-0000-4000-8000-000000000001";
const UPDATED: &str = "avi:bitbucket:updated:pullrequest";
const PANEL: ForgeCaller<'_> = ForgeCaller::Panel { viewer: AMARA, repository: "checkout", pull_request: 412 };

/// A sandbox with the app in the workspace lumenpay, and its remote.
async fn installed() -> (Sandbox, TinyRemote, ForgeInstallation) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let remote = TinyRemote::start();
    let installation = sandbox.install_forge(&install(&remote)).await.unwrap();
    (sandbox, remote, installation)
}

fn install(remote: &TinyRemote) -> ForgeInstall {
    ForgeInstall::new("lumenpay", APP, &remote.url, AMARA)
}

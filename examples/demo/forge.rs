//! The Forge app beside the Connect app, when its page is built.

use std::path::{Path, PathBuf};

use bitbucket_sandbox::{ForgeInstall, ForgeInstallation, ForgePage, Sandbox, percent_encode};
use clarityloop_bitbucket::server::Running;

use super::{BITBUCKET_WORKSPACE, Failed, SECURE_FRAME, account_of};

/// The stand-in's own app.
pub(super) const APP: &str = "ari:cloud:ecosystem::app/8a7b6c5d-0000-4000-8000-000000000001";
/// Where `npm run build` leaves the page.
const BUILT: &str = "descriptor/forge/build";

/// Installs the Forge app where the Connect app works already, which it joins; `None` while its page is not built.
pub(super) async fn install(server: &Running, sandbox: &Sandbox, admin: &str) -> Result<Option<ForgeInstallation>, Failed> {
    let Some(folder) = built() else { return Ok(None) };
    let page = ForgePage { folder, title: "ClarityLoop".to_owned(), action: "Add to ClarityLoop".to_owned() };
    let install = ForgeInstall::new(BITBUCKET_WORKSPACE, APP, &server.app.config.public_url.text, admin);
    Ok(Some(sandbox.install_forge(&ForgeInstall { page: Some(page), ..install }).await?))
}

fn built() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(BUILT);
    folder.join("index.html").is_file().then_some(folder)
}

#[expect(clippy::print_stdout, reason = "a demo says on standard output what to open")]
pub(super) fn tell(sandbox: &Sandbox, installation: Option<&ForgeInstallation>) {
    let bitbucket = sandbox.url();
    let viewer = |name: &str| percent_encode(&account_of(name).unwrap_or_default());
    match installation {
        Some(installation) => println!(
            "The Forge app is installed beside the Connect app. Its panel stands under the reviewers, its action is the second \
             \"Add to ClarityLoop\" of this pull request:
  {bitbucket}/{repository}/pull-requests/{id}?as={amara}
Its settings page, as Ingrid the owner sees it; the Connect app can be retired there:
  {bitbucket}/{BITBUCKET_WORKSPACE}/workspace/settings/forge/{installation}?as={ingrid}
",
            repository = SECURE_FRAME.0,
            id = SECURE_FRAME.1,
            amara = viewer("Amara Okafor"),
            installation = installation.id,
            ingrid = viewer("Ingrid Solberg"),
        ),
        None => println!(
            "To see the Forge app here too, build its page (Node.js 20.19 or newer) and start the demo again:
  (cd descriptor/forge && npm ci && npm run build)
"
        ),
    }
    println!("Ctrl-C stops both. The next start begins afresh.");
}

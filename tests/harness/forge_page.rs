//! The page of the Forge app as it is deployed, built from `descriptor/forge` by its own tools.
//!
//! Without Node.js 20 and npm the tests that ask go without and say so on standard error, unless `CLARITYLOOP_TEST_REQUIRE` (names
//! separated by commas) holds `node`: then they fail.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Once};

use bitbucket_sandbox::{ForgeInstall, ForgeInstallation, ForgePage};

use super::Test;

/// Built once for all tests.
static BUILT: LazyLock<Result<PathBuf, String>> = LazyLock::new(build);

/// The folder of the built page; `None` when it cannot be built here.
///
/// # Panics
/// When it is required and cannot be built.
pub fn built() -> Option<&'static Path> {
    match BUILT.as_ref() {
        Ok(folder) => Some(folder),
        Err(reason) => {
            let required = std::env::var("CLARITYLOOP_TEST_REQUIRE").unwrap_or_default();
            if required.split(',').any(|name| name.trim() == "node") {
                panic!("Node.js is required (CLARITYLOOP_TEST_REQUIRE) and the Forge app's page cannot be built: {reason}");
            }
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                writeln!(std::io::stderr(), "tests of the Forge app's page skipped: {reason}").ok();
            });
            None
        }
    }
}

impl Test {
    /// Installs the Forge app in `lumenpay` with its page, and has it described.
    pub async fn install_forge_with(&self, folder: &Path) -> ForgeInstallation {
        let page =
            ForgePage { folder: folder.to_owned(), title: "ClarityLoop".to_owned(), action: "Add to ClarityLoop".to_owned() };
        let install = ForgeInstall { page: Some(page), ..self.to_install_forge() };
        let installation = self.sandbox.install_forge(&install).await.expect("the Forge app installs");
        self.run_jobs().await;
        installation
    }
}

fn build() -> Result<PathBuf, String> {
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("descriptor/forge");
    if !app.join("node_modules").is_dir() {
        run(&app, "npm", &["ci", "--no-audit", "--no-fund"])?;
    }
    run(&app, "npm", &["run", "build"])?;
    Ok(app.join("build"))
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    Err(format!("{program} {}: {}: {said}", arguments.join(" "), output.status))
}

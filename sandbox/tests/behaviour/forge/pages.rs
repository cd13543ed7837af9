//! The windows around an app's built page: where it is framed, what is put into it, and how its calls go to the remote.

use super::{APP, install, remote::TinyRemote};
use crate::app::{AMARA, client};
use bitbucket_sandbox::{ForgeInstall, ForgeInstallation, ForgePage, Options, Sandbox, percent_encode};
use serde_json::{Value, json};
use std::{env, fs, path::PathBuf};

/// A folder with a page in it, removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = env::temp_dir().join(format!("sandbox-page-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("index.html"), "<!doctype html><html><head></head><body>Here.</body></html>").unwrap();
        fs::write(folder.join("page.js"), "callBridge()").unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

async fn with_page() -> (Sandbox, TinyRemote, ForgeInstallation, Folder) {
    let (sandbox, remote, folder) = (Sandbox::start(Options::default()).await.unwrap(), TinyRemote::start(), Folder::new());
    let page = ForgePage { folder: folder.0.clone(), title: "Tiny <page>".to_owned(), action: "Tiny action".to_owned() };
    let installation = sandbox.install_forge(&ForgeInstall { page: Some(page), ..install(&remote) }).await.unwrap();
    (sandbox, remote, installation, folder)
}

async fn text(sandbox: &Sandbox, path: &str) -> (u16, String) {
    let answer = client().get(format!("{}{path}", sandbox.url())).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn pull_requests_and_settings_frame_the_page_with_the_signed_context() {
    let (sandbox, _remote, installation, _folder) = with_page().await;
    let viewer = percent_encode(AMARA);
    let (_, page) = text(&sandbox, &format!("/lumenpay/checkout/pull-requests/412?as={viewer}")).await;
    assert!(page.contains("<h2>Tiny &lt;page&gt;</h2><iframe id=\"forge-panel\""), "{page}");
    assert!(page.contains("data-dialog=\"forge-dialog\">Tiny action</button>"), "{page}");
    for module in ["repoPullRequestOverviewPanel", "repoPullRequestAction"] {
        assert!(page.contains(&format!("&quot;type&quot;:&quot;bitbucket:{module}&quot;")), "{module}");
    }
    let settings = format!("/lumenpay/workspace/settings/forge/{}?as={viewer}", installation.id);
    assert!(text(&sandbox, &settings).await.1.contains("<iframe id=\"forge-settings\""));
    let apps = "/lumenpay/workspace/settings/addon-management";
    assert!(text(&sandbox, apps).await.1.contains(&format!("/settings/forge/{}", installation.id)));
    let fields = [("installation", installation.id.as_str())];
    client().post(format!("{}{apps}/remove-forge", sandbox.url())).form(&fields).send().await.unwrap();
    assert!(sandbox.forge_installations().iter().all(|it| !it.active), "{APP} is removed");
    assert_eq!(text(&sandbox, &settings).await.0, 404);
    assert!(!text(&sandbox, "/lumenpay/checkout/pull-requests/412").await.1.contains("<iframe"));
}

#[tokio::test]
async fn files_of_the_page_have_the_bridge_and_a_policy_and_nothing_outside_is_served() {
    let (sandbox, _remote, installation, folder) = with_page().await;
    fs::write(folder.0.with_extension("secret"), "outside").unwrap();
    let base = format!("/sandbox/forge/{}/page", installation.id);
    let (_, page) = text(&sandbox, &format!("{base}/index.html")).await;
    assert!(
        page.contains(&format!("<head><script src=\"{}/sandbox/forge_bridge.js\"></script></head>", sandbox.url())),
        "{page}"
    );
    let answer = client().get(format!("{}{base}/page.js", sandbox.url())).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains(&format!("frame-ancestors {}", sandbox.url())) && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.text().await.unwrap(), "callBridge()");
    let outside = folder.0.with_extension("secret");
    for name in [".", "..", "nothing.js", "..%2Fx", &percent_encode(&outside.display().to_string())] {
        assert_eq!(text(&sandbox, &format!("{base}/{name}")).await.0, 404, "{name}");
    }
    fs::remove_file(outside).unwrap();
}

#[tokio::test]
async fn what_a_frame_invokes_is_signed_for_its_viewer_anew() {
    let (sandbox, remote, installation, _folder) = with_page().await;
    remote.answers(403, "application/json", r#"{"detail":"No."}"#);
    let query = format!("module=panel&as={}&repository=lumenpay%2Fcheckout&id=412", percent_encode(AMARA));
    let url = format!("{}/sandbox/forge/{}/invoke?{query}", sandbox.url(), installation.id);
    let invoked = json!({ "path": "/forge/panel", "method": "POST", "headers": { "X-Own": "kept" }, "body": { "a": 1 } });
    let invoke = async || -> Value { client().post(&url).json(&invoked).send().await.unwrap().json().await.unwrap() };
    let said = invoke().await;
    assert_eq!((&said["status"], &said["body"]), (&json!(403), &json!({ "detail": "No." })));
    assert_eq!(said["headers"]["content-type"], json!(["application/json"]));
    let first = remote.last();
    assert_eq!(
        (first.path.as_str(), first.body.clone(), first.header("x-own")),
        ("/forge/panel", json!({ "a": 1 }), vec!["kept"])
    );
    assert_eq!(
        (&first.claims()["principal"], &first.claims()["context"]["extension"]["pullRequest"]["id"]),
        (&json!(AMARA), &json!(412))
    );
    invoke().await;
    assert_ne!(first.claims()["jti"], remote.last().claims()["jti"]);
    remote.answers(401, "application/json", "{}");
    assert_eq!(invoke().await["error"], "Remote could not verify the Forge Invocation Token");
}

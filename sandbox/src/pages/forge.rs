//! Forge's part of the pages: frames of an app's built Custom UI, its files, and the door through which a frame's calls go to the app's
//! remote, signed anew each time. `forge_host.js` answers the frames, `forge_bridge.js` is what Forge puts into them.

use super::{layout, refused};
use crate::{
    bitbucket::Bitbucket,
    forge::{ForgeCaller, RemoteAnswer, RemoteFailed, RemoteRequest},
    html::escape,
    percent::percent_encode,
};
use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::{self, Data, Json, Path, Query, ServiceConfig},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What a request names: a page is somebody's, and on a pull request unless it is the settings page.
#[derive(Deserialize)]
struct Calling {
    /// `panel`, `action` or `settings`.
    module: String,
    /// Account id of the viewer.
    #[serde(rename = "as")]
    viewer: String,
    #[serde(default)]
    repository: String,
    #[serde(default)]
    id: u64,
}

/// What the bridge passes on of `invokeRemote`.
#[derive(Deserialize)]
struct Invoked {
    path: String,
    method: String,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Value>,
}

/// Who looks at the settings page.
#[derive(Deserialize)]
struct Viewing {
    /// Account id.
    #[serde(rename = "as")]
    viewer: Option<String>,
}

/// A module of an app, as a page shows it.
pub(super) struct Shown {
    pub(super) title: String,
    source: String,
    context: String,
    invoke: String,
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/sandbox/forge/{installation}/invoke").post(invoke))
        .service(web::resource("/sandbox/forge/{installation}/page/{file}").get(file))
        .service(web::resource("/{workspace}/workspace/settings/forge/{installation}").get(settings));
}

impl Shown {
    /// `None` when the app has no page or the viewer does not see it.
    pub(super) fn of(bitbucket: &Bitbucket, installation: &str, caller: ForgeCaller<'_>) -> Option<Self> {
        let page = bitbucket.forge_page(installation)?;
        let context = bitbucket.forge_token(installation, caller).ok()?.claims().get("context")?.to_string();
        let query = match caller {
            ForgeCaller::Panel { viewer, repository, pull_request } => query("panel", viewer, repository, pull_request),
            ForgeCaller::Action { viewer, repository, pull_request } => query("action", viewer, repository, pull_request),
            ForgeCaller::Settings { viewer } => query("settings", viewer, "", 0),
            ForgeCaller::Trigger | ForgeCaller::ScheduledTrigger | ForgeCaller::PreUninstall => return None,
        };
        Some(Self {
            title: if matches!(caller, ForgeCaller::Action { .. }) { page.action } else { page.title },
            source: format!("{}/sandbox/forge/{installation}/page/index.html", origin_of_pages(bitbucket)),
            context,
            invoke: format!("/sandbox/forge/{installation}/invoke?{query}"),
        })
    }

    /// The frame; `source` is the attribute that holds the address, as for [`layout::frame`].
    pub(super) fn frame(&self, identifier: &str, source: &str) -> String {
        format!(
            "<iframe id=\"{identifier}\" title=\"{}\" {source}=\"{}\" data-forge-context=\"{}\" data-forge-invoke=\"{}\" \
             sandbox=\"allow-downloads allow-forms allow-modals allow-same-origin allow-scripts\"></iframe>",
            escape(&self.title),
            escape(&self.source),
            escape(&self.context),
            escape(&self.invoke),
        )
    }
}

fn query(module: &str, viewer: &str, repository: &str, id: u64) -> String {
    format!("module={module}&as={}&repository={}&id={id}", percent_encode(viewer), percent_encode(repository))
}

/// Forge serves the pages of apps from elsewhere, so that they cannot reach into Bitbucket's. On loopback the other name of this machine is
/// elsewhere enough for a browser.
fn origin_of_pages(bitbucket: &Bitbucket) -> String {
    bitbucket.url().replace("//127.0.0.1:", "//localhost:")
}

/// `POST /sandbox/forge/{installation}/invoke`: what `invokeRemote` of a frame becomes.
async fn invoke(
    bitbucket: Data<Bitbucket>,
    installation: Path<String>,
    calling: Query<Calling>,
    invoked: Json<Invoked>,
) -> HttpResponse {
    let Calling { module, viewer, repository, id } = calling.into_inner();
    let caller = match module.as_str() {
        "panel" => ForgeCaller::Panel { viewer: &viewer, repository: &repository, pull_request: id },
        "action" => ForgeCaller::Action { viewer: &viewer, repository: &repository, pull_request: id },
        _ => ForgeCaller::Settings { viewer: &viewer },
    };
    let Invoked { path, method, headers, body } = invoked.into_inner();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let headers = headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    let answer = bitbucket.invoke_remote(&installation, caller, &RemoteRequest { method, path, headers, body }).await;
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(said(answer))
}

/// What the frame is told: the answer, or why the promise is rejected.
fn said(answer: Result<RemoteAnswer, RemoteFailed>) -> Value {
    let error = match answer {
        Ok(RemoteAnswer { status, headers, body }) => {
            let headers: Map<String, Value> = headers.into_iter().map(|(name, value)| (name, json!([value]))).collect();
            return json!({ "status": status, "headers": headers, "body": body });
        }
        Err(RemoteFailed::Missing(missing)) => missing.to_string(),
        Err(RemoteFailed::Refused(part)) => format!("the bridge does not take this {part}"),
        Err(RemoteFailed::Unverified) => "Remote could not verify the Forge Invocation Token".to_owned(),
        Err(RemoteFailed::Redirected) => "the remote redirects".to_owned(),
        Err(RemoteFailed::Unreadable) => "the remote's answer cannot be read".to_owned(),
        Err(RemoteFailed::Unanswered) => "the remote does not answer".to_owned(),
    };
    json!({ "error": error })
}

/// `GET /sandbox/forge/{installation}/page/{file}`: a file of the page, under the policy that Forge sends with it.
async fn file(bitbucket: Data<Bitbucket>, path: Path<(String, String)>) -> HttpResponse {
    let (installation, name) = path.into_inner();
    let is_plain = !name.starts_with('.') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let read =
        bitbucket.forge_page(&installation).filter(|_| is_plain).map(|page| std::fs::read_to_string(page.folder.join(&name)));
    let Some(Ok(text)) = read else {
        return refused(StatusCode::NOT_FOUND, "There is no such file.");
    };
    let host = bitbucket.url();
    let (kind, text) = match name.rsplit('.').next() {
        Some("html") => {
            ("text/html", text.replace("<head>", &format!("<head><script src=\"{host}/sandbox/forge_bridge.js\"></script>")))
        }
        Some("css") => ("text/css", text),
        _ => ("text/javascript", text),
    };
    let policy = format!(
        "default-src 'self'; script-src 'self' {host}; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors {host}"
    );
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_SECURITY_POLICY, policy)).insert_header((header::CACHE_CONTROL, "no-store"));
    response.content_type(format!("{kind}; charset=utf-8")).body(text)
}

/// `GET /{workspace}/workspace/settings/forge/{installation}?as={account_id}`.
async fn settings(bitbucket: Data<Bitbucket>, path: Path<(String, String)>, viewing: Query<Viewing>) -> HttpResponse {
    let (workspace, installation) = path.into_inner();
    let (viewer, people) = bitbucket.world(|world| {
        let viewer = layout::viewer(world, viewing.viewer.as_deref());
        let people = layout::people(world, &viewer);
        (viewer, people)
    });
    let shown = Shown::of(&bitbucket, &installation, ForgeCaller::Settings { viewer: &viewer });
    let here = bitbucket.world(|world| world.workspace(&workspace).map(|workspace| workspace.uuid.clone()));
    let is_here = bitbucket.forge_installations().into_iter().any(|it| it.id == installation && Some(it.workspace) == here);
    let Some(shown) = shown.filter(|_| is_here) else {
        return refused(StatusCode::NOT_FOUND, "There is no such app in this workspace.");
    };
    let title = escape(&shown.title);
    let main = format!(
        "<nav aria-label=\"Breadcrumb\" class=\"faint\"><a href=\"/{workspace}/workspace/settings/addon-management\">Installed apps</a></nav>\
         <h1>{title}</h1><form method=\"get\" class=\"viewing\"><label>Viewing as <select name=\"as\">{people}</select></label>\
         <button>Switch</button></form>{frame}",
        workspace = escape(&workspace),
        frame = shown.frame("forge-settings", "src"),
    );
    layout::page(StatusCode::OK, &shown.title, &main)
}

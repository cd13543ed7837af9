//! The install page: an app sends a person here, who chooses a workspace and grants; the app is called, then the person goes back.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/install-an-app-from-your-site/>.

use super::{layout, refused, see_other};
use crate::{
    bitbucket::Bitbucket,
    descriptor::Descriptor,
    html::escape,
    installation::{App, Installation},
    lifecycle::{ClientKey, Install},
    percent::with_parameter,
    world::Workspace,
};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Form, Query},
};
use serde::Deserialize;

/// Which app, and where to go afterwards; exactly one of the first two stands there.
#[derive(Deserialize)]
pub(crate) struct Asked {
    descriptor_uri: Option<String>,
    addon_key: Option<String>,
    redirect_uri: Option<String>,
}

/// The person's answer.
#[derive(Deserialize)]
pub(crate) struct Granted {
    #[serde(flatten)]
    asked: Asked,
    workspace: String,
    /// Account id.
    #[serde(rename = "as")]
    actor: String,
    answer: String,
}

/// `GET /site/addons/authorize`.
pub(crate) async fn page(bitbucket: Data<Bitbucket>, asked: Query<Asked>) -> HttpResponse {
    match read(&bitbucket, &asked).await {
        Ok((_, _, descriptor)) => layout::page(StatusCode::OK, &descriptor.name, &question(&bitbucket, &asked, &descriptor)),
        Err(sentence) => refused(StatusCode::BAD_REQUEST, &sentence),
    }
}

/// `POST /site/addons/authorize`: installs before it sends the person back.
pub(crate) async fn grant(bitbucket: Data<Bitbucket>, granted: Form<Granted>) -> HttpResponse {
    let Granted { asked, workspace, actor, answer } = granted.into_inner();
    let (descriptor_url, app) = match read(&bitbucket, &asked).await {
        Ok((descriptor_url, app, _)) => (descriptor_url, app),
        Err(sentence) => return refused(StatusCode::BAD_REQUEST, &sentence),
    };
    if answer != "grant" {
        let back = asked.redirect_uri.map(|address| with_parameter(&address, "error", "access_denied"));
        return see_other(back.as_deref().unwrap_or("/"));
    }
    // Seen in the wild: registered apps have a clientKey of the ARI shape, installs by address a numbered one.
    let client_key = if app == App::Unregistered { ClientKey::Connection } else { ClientKey::Ari };
    let install = Install { client_key, app, ..Install::new(&workspace, &descriptor_url, &actor) };
    match bitbucket.install(&install).await {
        Ok(installation) => see_other(&way_back(&bitbucket, &installation, asked.redirect_uri.as_deref(), &workspace)),
        Err(failed) => refused(StatusCode::BAD_GATEWAY, &failed.to_string()),
    }
}

/// The app that is asked for, and its descriptor; the sentence says what is wrong with the request.
async fn read(bitbucket: &Bitbucket, asked: &Asked) -> Result<(String, App, Descriptor), String> {
    let (descriptor_url, app) = match (&asked.descriptor_uri, &asked.addon_key) {
        (Some(address), None) => (address.clone(), App::Unregistered),
        (None, Some(key)) => {
            let registered = bitbucket.registered_app(key).ok_or("No app is registered under this key.")?;
            (registered.descriptor_url, App::Registered { secret: registered.secret })
        }
        _ => return Err("Exactly one of descriptor_uri and addon_key must be there.".to_owned()),
    };
    let descriptor = bitbucket.fetch_descriptor(&descriptor_url).await.map_err(|failed| failed.to_string())?;
    let is_within = |address: &str| {
        let rest = address.strip_prefix(&descriptor.base_url);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    };
    if asked.redirect_uri.as_deref().is_some_and(|address| !is_within(address)) {
        return Err("redirect_uri must start with the app's baseUrl.".to_owned());
    }
    Ok((descriptor_url, app, descriptor))
}

fn question(bitbucket: &Bitbucket, asked: &Asked, descriptor: &Descriptor) -> String {
    let state = bitbucket.state();
    let hidden = |name: &str, value: &Option<String>| match value {
        Some(value) => format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value)),
        None => String::new(),
    };
    let option =
        |workspace: &Workspace| format!("<option value=\"{}\">{}</option>", escape(&workspace.uuid), escape(&workspace.name));
    format!(
        "<h1>{name} asks for access</h1><p>It will be able to use:</p><ul>{scopes}</ul><form method=\"post\" class=\"question\">{fields}\
         <label>Workspace <select name=\"workspace\">{workspaces}</select></label>\
         <label>You are <select name=\"as\">{people}</select></label>\
         <div class=\"actions\"><button name=\"answer\" value=\"grant\" class=\"primary\">Grant access</button>\
         <button name=\"answer\" value=\"cancel\">Cancel</button></div></form>",
        name = escape(&descriptor.name),
        scopes = descriptor.scopes.iter().map(|scope| format!("<li><code>{}</code></li>", escape(scope))).collect::<String>(),
        fields = hidden("descriptor_uri", &asked.descriptor_uri)
            + &hidden("addon_key", &asked.addon_key)
            + &hidden("redirect_uri", &asked.redirect_uri),
        workspaces = state.world.workspaces.iter().map(option).collect::<String>(),
        people = layout::people(&state.world, ""),
    )
}

/// Back to the app with `client_key` and a token over the whole address, or else to the installed apps.
fn way_back(bitbucket: &Bitbucket, installation: &Installation, redirect_uri: Option<&str>, workspace: &str) -> String {
    let Some(address) = redirect_uri else {
        let slug = bitbucket.world(|world| world.workspace(workspace).map(|it| it.slug.clone())).unwrap_or_default();
        return format!("/{slug}/workspace/settings/addon-management");
    };
    let address = with_parameter(address, "client_key", &installation.client_key);
    match bitbucket.sign(&installation.client_key, "GET", &address) {
        Ok(token) => with_parameter(&address, "jwt", &token),
        Err(_) => address,
    }
}

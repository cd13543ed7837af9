//! The consent page: a consumer sends a person here, who says who they are and grants or denies, and goes back.

use super::{layout, refused, see_other};
use crate::{bitbucket::Bitbucket, html::escape, oauth::Consumer, percent::with_parameter};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Form, Query},
};
use serde::Deserialize;

/// Who asks for what.
#[derive(Clone, Deserialize)]
pub(crate) struct Asked {
    client_id: Option<String>,
    response_type: Option<String>,
    state: Option<String>,
    scope: Option<String>,
    redirect_uri: Option<String>,
}

/// The person's answer.
#[derive(Deserialize)]
pub(crate) struct Answered {
    #[serde(flatten)]
    asked: Asked,
    /// Account id.
    #[serde(rename = "as")]
    person: String,
    answer: String,
}

/// `GET /site/oauth2/authorize`.
pub(crate) async fn page(bitbucket: Data<Bitbucket>, asked: Query<Asked>) -> HttpResponse {
    match read(&bitbucket, &asked) {
        Ok(consumer) => layout::page(StatusCode::OK, "Confirm access", &question(&bitbucket, &asked, &consumer)),
        Err(sentence) => refused(StatusCode::BAD_REQUEST, sentence),
    }
}

/// `POST /site/oauth2/authorize`.
pub(crate) async fn answer(bitbucket: Data<Bitbucket>, answered: Form<Answered>) -> HttpResponse {
    let Answered { asked, person, answer } = answered.into_inner();
    let consumer = match read(&bitbucket, &asked) {
        Ok(consumer) => consumer,
        Err(sentence) => return refused(StatusCode::BAD_REQUEST, sentence),
    };
    let back = asked.redirect_uri.clone().unwrap_or_else(|| consumer.callback_url.clone());
    let back = if answer == "grant" {
        let code = bitbucket.grant(&consumer, asked.redirect_uri.clone(), &person, &scopes(&asked));
        with_parameter(&back, "code", &code)
    } else {
        let back = with_parameter(&back, "error", "access_denied");
        with_parameter(&back, "error_description", "The resource owner denied the request.")
    };
    see_other(&asked.state.map_or_else(|| back.clone(), |state| with_parameter(&back, "state", &state)))
}

fn read(bitbucket: &Bitbucket, asked: &Asked) -> Result<Consumer, &'static str> {
    let consumer = asked.client_id.as_deref().and_then(|client_id| bitbucket.consumer(client_id));
    let consumer = consumer.ok_or("Invalid client_id.")?;
    if asked.response_type.as_deref() != Some("code") {
        return Err("Invalid response_type.");
    }
    if asked.redirect_uri.as_deref().is_some_and(|address| !consumer.allows_callback(address)) {
        return Err("Invalid redirect_uri.");
    }
    if scopes(asked).iter().any(|scope| !consumer.scopes.contains(scope)) {
        return Err("Invalid scope.");
    }
    Ok(consumer)
}

fn scopes(asked: &Asked) -> Vec<String> {
    asked.scope.as_deref().unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn question(bitbucket: &Bitbucket, asked: &Asked, consumer: &Consumer) -> String {
    let state = bitbucket.state();
    let hidden = |name: &str, value: &Option<String>| match value {
        Some(value) => format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value)),
        None => String::new(),
    };
    let asked_scopes = if asked.scope.is_some() { scopes(asked) } else { consumer.scopes.clone() };
    format!(
        "<h1>Confirm access to your account</h1><p>The consumer <code>{consumer}</code> will be able to use:</p><ul>{scopes}</ul>\
         <form method=\"post\" class=\"question\">{fields}<label>You are <select name=\"as\">{people}</select></label>\
         <div class=\"actions\"><button name=\"answer\" value=\"grant\" class=\"primary\">Grant access</button>\
         <button name=\"answer\" value=\"deny\">Deny</button></div></form>",
        consumer = escape(&consumer.client_id),
        scopes = asked_scopes.iter().map(|scope| format!("<li><code>{}</code></li>", escape(scope))).collect::<String>(),
        fields = hidden("client_id", &asked.client_id)
            + &hidden("response_type", &asked.response_type)
            + &hidden("state", &asked.state)
            + &hidden("scope", &asked.scope)
            + &hidden("redirect_uri", &asked.redirect_uri),
        people = layout::people(&state.world, ""),
    )
}

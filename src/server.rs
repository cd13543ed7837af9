//! The whole route table and the table of job handlers; start and graceful stop. `main`, tests, benches and the demo use it.

mod observe;
mod regular;
mod start;

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, Resource, web};
use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;

pub use start::{Options, Running, StartError, start};

use crate::activity::{looking, refresh};
use crate::app::App;
use crate::config::Now;
use crate::connections::hooks::{farewell, keeping};
use crate::connections::repositories::listing;
use crate::connections::{describe, entry, purge, refresh as grant_refresh, removal, workspace_members};
use crate::error::{Error, Kind, Result};
use crate::jobs::{Handler, Runner};
use crate::people::pull_requests;
use crate::web::identities::IDENTITIES;
use crate::web::repositories::REPOSITORIES;
use crate::web::settings::connections::{consent, consumer, ending as closing, token};
use crate::web::settings::{self, ending, retiring};
use crate::{api, panel, platform, web as pages};

/// Every route of the public listener. Forge's are there when a Forge app is configured.
fn routes(serves_forge: bool) -> impl Fn(&mut web::ServiceConfig) + Copy {
    move |config| {
        if serves_forge {
            forge_routes(config);
        }
        other_routes(config);
    }
}

/// What Forge calls, for itself and for the pages of the app.
fn forge_routes(config: &mut web::ServiceConfig) {
    config
        .service(resource("/forge/lifecycle").post(platform::forge::lifecycle::receive))
        .service(resource("/forge/events").post(platform::forge::events::receive))
        .service(resource("/forge/refresh").post(platform::forge::lifecycle::refresh))
        .service(resource("/forge/uninstall").post(platform::forge::lifecycle::uninstall))
        .service(resource("/forge/panel").post(panel::forge::show))
        .service(resource("/forge/panel/form").post(panel::forge::open_form))
        .service(resource("/forge/panel/links").post(panel::forge::attach))
        .service(resource("/forge/panel/links/remove").post(panel::forge::remove))
        .service(resource("/forge/panel/code").post(panel::forge::link_account))
        .service(resource("/forge/panel/join").post(panel::forge::join))
        .service(resource("/forge/panel/hide").post(panel::forge::hide))
        .service(resource("/forge/panel/show").post(panel::forge::show_again))
        .service(resource("/forge/settings").post(platform::forge::settings::show))
        .service(resource("/forge/settings/quick-action").post(platform::forge::settings::switch))
        .service(resource("/forge/settings/retire/ask").post(platform::forge::settings::ask_to_retire))
        .service(resource("/forge/settings/retire").post(platform::forge::settings::retire));
}

fn other_routes(config: &mut web::ServiceConfig) {
    config.app_data(web::QueryConfig::default().error_handler(|error, request| {
        let detail = "This address has parameters that cannot be read. Check it, or begin at the start page.";
        in_the_callers_face(request, Error::new(Kind::Invalid, "query_malformed", detail).because(error))
    }));
    // What operators ask.
    config.service(resource("/health/live").get(live)).service(resource("/health/ready").get(ready));
    // What Bitbucket itself calls.
    config
        .service(resource("/atlassian-connect.json").get(platform::descriptor::of_registered_app))
        .service(resource("/connect/installed").post(platform::lifecycle::installed))
        .service(resource("/connect/uninstalled").post(platform::lifecycle::uninstalled))
        .service(resource("/connect/webhooks").post(platform::webhooks::receive))
        .service(resource("/hooks/bitbucket/{id}").post(platform::hooks::receive))
        .service(resource("/connect/configure").get(platform::configure::show))
        .service(resource("/connect/panel").get(panel::connect::show))
        .service(resource("/connect/panel/links").post(panel::connect::attach))
        .service(resource("/connect/panel/links/{id}/remove").post(panel::connect::remove))
        .service(resource("/connect/panel/form").post(panel::connect::open_form))
        .service(resource("/connect/panel/code").post(panel::connect::link_account))
        .service(resource("/connect/panel/join").post(panel::connect::join))
        .service(resource("/connect/panel/hide").post(panel::connect::hide))
        .service(resource("/connect/panel/show").post(panel::connect::show_again))
        .service(resource("/connect/{install_code}/descriptor.json").get(platform::descriptor::of_code))
        .service(resource("/connect/{install_code}/installed").post(platform::lifecycle::installed_by_code));
    // What people open.
    let below = |path: &str| format!("{}{path}", settings::PATH);
    config
        .service(resource("/").get(pages::home::show))
        .service(resource("/sign-in").get(pages::sign_in::page))
        .service(resource("/sign-in/bitbucket").get(pages::bitbucket_sign_in::ways_in).post(pages::bitbucket_sign_in::start))
        .service(resource("/sign-in/bitbucket/callback").get(pages::bitbucket_sign_in::come_back))
        .service(
            resource("/sign-in/bitbucket/choose").get(pages::bitbucket_sign_in::choices).post(pages::bitbucket_sign_in::choose),
        )
        .service(resource("/sign-in/bitbucket/callback/consent").get(consent::come_back))
        .service(resource("/sign-in/{link}").get(pages::sign_in::open_link).post(pages::sign_in::use_link))
        .service(resource("/sign-out").post(pages::sign_in::sign_out))
        .service(resource("/profile").get(pages::profile::show))
        .service(resource("/profile/code").post(pages::profile::new_code))
        .service(resource("/profile/account/remove").post(pages::profile::remove_account))
        .service(resource("/profile/grant").post(consent::begin_own))
        .service(resource("/profile/grant/end").post(consent::end_own))
        .service(resource("/profile/sessions/end-others").post(pages::profile::end_other_sessions))
        .service(resource("/profile/sessions/{id}/end").post(pages::profile::end_session))
        .service(resource("/profile/tokens").get(pages::tokens::list).post(pages::tokens::make))
        .service(resource("/profile/tokens/{id}/revoke").get(pages::tokens::ask_to_revoke).post(pages::tokens::revoke))
        .service(resource("/bitbucket/call").get(pages::calls::show).post(pages::calls::call))
        .service(resource("/claim/{link}").get(pages::claim::ask).post(pages::claim::accept))
        .service(resource(settings::PATH).get(settings::show))
        .service(resource(&below("/quick-action")).post(settings::switch))
        .service(resource(&below("/install-code")).get(settings::install_code::ask).post(settings::install_code::replace))
        .service(resource(&below("/installations/{id}/confirm")).post(settings::confirm))
        .service(resource(&below("/installations/{id}/test")).post(settings::test))
        .service(resource(&below("/installations/{id}/refuse")).get(ending::ask_to_refuse).post(ending::refuse))
        .service(resource(&below("/installations/{id}/disconnect")).get(ending::ask_to_disconnect).post(ending::disconnect))
        .service(resource(&below("/installations/{id}/remove")).post(ending::remove_again))
        .service(resource(&below("/changes")).get(settings::changes::show).post(settings::changes::save))
        .service(resource(&below("/installations/{id}/retire")).get(retiring::ask).post(retiring::retire))
        .service(resource(&below("/connections")).get(settings::connections::show))
        .service(resource(&below("/connections/consent")).post(consent::begin))
        .service(resource(&below("/connections/consumer")).post(consent::enter))
        .service(resource(&below("/connections/consumer/connect")).post(consent::connect_consumer))
        .service(resource(&below("/connections/consumer/remove")).get(consumer::ask).post(consumer::remove))
        .service(resource(&below("/connections/token")).get(token::ask).post(token::connect))
        .service(resource(&below("/connections/{id}")).get(settings::connections::ask_change).post(settings::connections::change))
        .service(resource(&below("/connections/{id}/consent")).post(consent::again))
        .service(resource(&below("/connections/{id}/workspace")).get(consent::offer).post(consent::choose))
        .service(resource(&below("/connections/{id}/token")).get(token::ask_replace).post(token::replace))
        .service(resource(&below("/connections/{id}/check")).post(settings::connections::check))
        .service(resource(&below("/connections/{id}/hooks/rotate")).post(settings::connections::listening::rotate))
        .service(resource(&below("/connections/{id}/disconnect")).get(closing::ask).post(closing::end))
        .service(resource("/settings/audit").get(settings::audit::show))
        .service(resource("/settings/audit.csv").get(settings::export::send))
        .service(resource("/feedback").get(pages::feedback_list::show).post(pages::feedback_list::begin))
        .service(resource("/feedback/{id}").get(pages::feedback::show))
        .service(resource("/feedback/{id}/share").post(pages::feedback::share))
        .service(resource("/feedback/{id}/body").post(pages::feedback::write))
        .service(resource("/feedback/{id}/withdraw").get(pages::feedback::ask_withdraw).post(pages::feedback::withdraw))
        .service(resource("/requests").get(pages::request_list::show).post(pages::request_list::ask))
        .service(resource("/requests/{id}").get(pages::requests::show))
        .service(resource("/requests/{id}/answer").post(pages::requests::answer))
        .service(resource("/requests/{id}/decline").post(pages::requests::decline))
        .service(resource("/requests/{id}/close").post(pages::requests::close))
        .service(resource("/one-on-ones").get(pages::one_on_ones::list).post(pages::one_on_ones::plan))
        .service(resource("/one-on-ones/{id}").get(pages::one_on_ones::show))
        .service(one_on_one("/change").get(pages::one_on_ones::change::ask).post(pages::one_on_ones::change::change))
        .service(one_on_one("/cancel").post(pages::one_on_ones::change::cancel))
        .service(one_on_one("/notes").post(pages::one_on_ones::agenda::write_notes))
        .service(one_on_one("/carry").post(pages::one_on_ones::agenda::carry))
        .service(one_on_one("/agenda").post(pages::one_on_ones::agenda::add))
        .service(one_on_one("/agenda/{item}").get(pages::one_on_ones::agenda::ask_change).post(pages::one_on_ones::agenda::write))
        .service(one_on_one("/agenda/{item}/tick").post(pages::one_on_ones::agenda::tick))
        .service(one_on_one("/agenda/{item}/remove").post(pages::one_on_ones::agenda::remove))
        .service(resource("/goals").get(pages::goals::list).post(pages::goals::form::create))
        .service(resource("/goals/new").get(pages::goals::form::ask))
        .service(resource("/goals/{id}").get(pages::goals::show))
        .service(resource("/goals/{id}/change").get(pages::goals::form::ask_change).post(pages::goals::form::change))
        .service(resource("/goals/{id}/progress").post(pages::goals::set_progress))
        .service(resource("/goals/{id}/close").post(pages::goals::close))
        .service(resource("/goals/{id}/open").post(pages::goals::open))
        .service(resource("/goals/{id}/remove").get(pages::goals::ask_remove).post(pages::goals::remove))
        .service(conversation("/links").get(pages::conversation_links::show).post(pages::conversation_links::attach))
        .service(conversation("/links/{link}/remove").post(pages::conversation_links::detach))
        .service(conversation("/links/{link}/again").post(pages::conversation_links::attach_again))
        .service(resource(IDENTITIES).get(pages::identities::list))
        .service(resource(&format!("{IDENTITIES}/account")).get(pages::identities::account))
        .service(resource(&format!("{IDENTITIES}/read")).post(pages::identities::read_again))
        .service(resource(&format!("{IDENTITIES}/bind")).post(pages::identities::bind))
        .service(resource(&format!("{IDENTITIES}/unbind")).post(pages::identities::unbind))
        .service(resource(&format!("{IDENTITIES}/not-a-member")).post(pages::identities::mark_not_a_member))
        .service(resource(&format!("{IDENTITIES}/undo")).post(pages::identities::unmark))
        .service(resource(REPOSITORIES).get(pages::repositories::show))
        .service(resource(&format!("{REPOSITORIES}/read")).post(pages::repositories::read_again))
        .service(resource(&format!("{REPOSITORIES}/choose")).post(pages::repositories::choose))
        .service(resource(&format!("{REPOSITORIES}/all")).post(pages::repositories::choose_all))
        .service(resource(&format!("{REPOSITORIES}/rule")).post(pages::repositories::set_rule))
        .service(resource(&format!("{REPOSITORIES}/propose")).post(pages::repositories::propose))
        .service(resource(&format!("{REPOSITORIES}/proposals/{{id}}/approve")).post(pages::repositories::approve))
        .service(resource(&format!("{REPOSITORIES}/proposals/{{id}}/refuse")).post(pages::repositories::refuse))
        .service(resource("/people").get(pages::people::list).post(pages::people::invite))
        .service(resource("/people/joining/{id}").get(pages::people::joining::ask))
        .service(resource("/people/joining/{id}/approve").post(pages::people::joining::approve))
        .service(resource("/people/joining/{id}/refuse").post(pages::people::joining::refuse))
        .service(resource("/people/{id}").get(pages::people::member::show))
        .service(resource("/people/{id}/role").post(pages::people::member::role))
        .service(resource("/people/{id}/manager").post(pages::people::member::manager))
        .service(resource("/people/{id}/link").post(pages::people::member::new_link))
        .service(resource("/people/{id}/remove").get(pages::people::removal::ask).post(pages::people::removal::remove))
        .service(resource("/static/{hash}/{name}").get(pages::static_files::show));
    // What programs call.
    config.configure(api::configure);
    config.default_service(web::to(nothing_here));
}

/// Every job, by its kind.
fn job_handlers(app: &web::Data<App>) -> HashMap<&'static str, Handler> {
    macro_rules! handler {
        ($handle:expr) => {{
            let app = app.clone();
            Arc::new(move |payload: String, now: Now| {
                let app = app.clone();
                async move {
                    let payload = parse(&payload)?;
                    $handle(&app.database, &app.bitbucket, &app.keyring, &app.config, payload, &now).await
                }
                .boxed()
            }) as Handler
        }};
    }
    let database = app.database.clone();
    let prove_purge: Handler = Arc::new(move |payload: String, now: Now| {
        let database = database.clone();
        async move { purge::handle(&database, parse(&payload)?, &now).await }.boxed()
    });
    HashMap::from([
        (pull_requests::REFRESH, handler!(refresh::handle)),
        (looking::LOOK, handler!(looking::handle)),
        (describe::DESCRIBE, handler!(describe::handle)),
        (workspace_members::READ_MEMBERS, handler!(workspace_members::handle)),
        (listing::READ_REPOSITORIES, handler!(listing::handle)),
        (entry::UPDATE_ENTRY, handler!(entry::handle)),
        (removal::REMOVE_APP, handler!(removal::handle)),
        (grant_refresh::REFRESH, handler!(grant_refresh::handle)),
        (keeping::KEEP_HOOKS, handler!(keeping::handle)),
        (farewell::REMOVE_HOOKS, handler!(farewell::handle)),
        (purge::PROVE_PURGE, prove_purge),
    ])
}

fn parse<T: DeserializeOwned>(payload: &str) -> Result<T> {
    serde_json::from_str(payload)
        .map_err(|error| Error::new(Kind::Invalid, "payload_malformed", "A job's payload cannot be read.").because(error))
}

/// The loop that works the queue off.
fn runner(app: &web::Data<App>) -> Runner {
    Runner::new(app.database.clone(), job_handlers(app), app.clock(), app.metrics.clone(), Arc::clone(&app.jobs_waiting))
}

/// A resource that answers a wrong method with a problem document.
fn resource(path: &str) -> Resource {
    web::resource(path.to_owned()).default_service(web::to(wrong_method))
}

/// A resource below a 1:1.
fn one_on_one(path: &str) -> Resource {
    resource(&format!("/one-on-ones/{{id}}{path}"))
}

/// A resource below a conversation of any kind.
fn conversation(path: &str) -> Resource {
    resource(&format!("/{}/{{id}}{path}", pages::conversations::PLACES))
}

async fn live() -> &'static str {
    "alive\n"
}

async fn ready(app: web::Data<App>) -> Result<&'static str> {
    match app.database.is_current().await {
        Ok(true) => Ok("ready\n"),
        Ok(false) => Err(Error::new(Kind::Busy, "migrations_pending", "The database waits for migrations. Run `migrate`.")),
        Err(error) => Err(Error::new(Kind::Busy, "database_unreachable", "The database does not answer.").because(error)),
    }
}

async fn wrong_method(request: HttpRequest) -> Result<HttpResponse, actix_web::Error> {
    let error = Error::new(
        Kind::MethodNotAllowed,
        "method_not_allowed",
        "This address does not take this method. Begin at the start page.",
    );
    Err(in_the_callers_face(&request, error))
}

async fn nothing_here(request: HttpRequest) -> Result<HttpResponse, actix_web::Error> {
    let error =
        Error::new(Kind::NotFound, "not_found", "There is nothing at this address. Check it, or begin at the start page.");
    Err(in_the_callers_face(&request, error))
}

/// A page for a browser, a problem document for a program.
fn in_the_callers_face(request: &HttpRequest, error: Error) -> actix_web::Error {
    let accept = request.headers().get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default();
    // As below, with the path of the public address in front or without it.
    if request.path().contains("/forge/") {
        return platform::forge::Refused::from(error).into();
    }
    let wants_page = accept.contains("text/html") && !request.path().starts_with("/api/");
    if wants_page { pages::failure::Failure::from(error).into() } else { error.into() }
}

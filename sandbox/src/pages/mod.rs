//! The pages for a browser: pull requests that frame the app's panel, the install page, the installed apps; and the host script.

mod apps_on_page;
mod authorize;
mod consent;
mod forge;
mod index;
mod layout;
mod management;
mod pull_request;
mod review;

use actix_web::{
    HttpResponse, Resource,
    http::{StatusCode, header},
    web::{self, ServiceConfig},
};

/// Everything that is not the API.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/").get(index::page))
        .service(web::resource("/atlassian-connect/all.js").get(|| asset("text/javascript", include_str!("all.js"))))
        .service(web::resource("/sandbox/style.css").get(|| asset("text/css", include_str!("style.css"))))
        .service(web::resource("/sandbox/host.js").get(|| asset("text/javascript", include_str!("host.js"))))
        .service(web::resource("/sandbox/forge_host.js").get(|| asset("text/javascript", include_str!("forge_host.js"))))
        .service(web::resource("/sandbox/forge_bridge.js").get(|| asset("text/javascript", include_str!("forge_bridge.js"))))
        .configure(forge::routes)
        .service(web::resource("/sandbox/item").get(apps_on_page::open_item))
        .service(web::resource("/site/addons/authorize").get(authorize::page).post(authorize::grant))
        .service(web::resource("/{workspace}/workspace/settings/addon-management").get(management::page))
        .service(web::resource("/{workspace}/workspace/settings/addon-management/configure").get(management::configure))
        .service(web::resource("/{workspace}/workspace/settings/addon-management/remove").post(management::remove))
        .service(web::resource("/{workspace}/workspace/settings/addon-management/remove-forge").post(management::remove_forge))
        .service(web::resource("/{workspace}/{repository}/pull-requests/{id}").get(pull_request::page))
        .service(web::resource("/{workspace}/{repository}/pull-requests/{id}/{action}").post(review::act));
}

/// The one page below `/site/oauth2`, which is otherwise the API's.
pub(crate) fn consent() -> Resource {
    web::resource("/site/oauth2/authorize").get(consent::page).post(consent::answer)
}

async fn asset(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(format!("{kind}; charset=utf-8")).body(text)
}

fn see_other(address: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, address)).finish()
}

fn refused(status: StatusCode, sentence: &str) -> HttpResponse {
    layout::page(status, "Not possible", &format!("<h1>Not possible</h1><p role=\"alert\">{}</p>", crate::html::escape(sentence)))
}

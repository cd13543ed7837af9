//! The table of everything that the sandbox answers.

use crate::{api, bitbucket::Bitbucket, forge::key_set, pages, record::record, storage};
use actix_web::{
    App, HttpServer,
    dev::Server,
    middleware::from_fn,
    web::{self, Data, PayloadConfig},
};
use std::{io, net::TcpListener};

/// Larger bodies are refused.
const LARGEST_BODY_BYTES: usize = 8 * 1024 * 1024;

pub(crate) fn run(listener: TcpListener, bitbucket: Data<Bitbucket>) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(bitbucket.clone())
            .app_data(PayloadConfig::new(LARGEST_BODY_BYTES))
            .service(pages::consent())
            .service(web::scope("/2.0").wrap(from_fn(record)).configure(api::routes))
            .service(web::scope("/site/oauth2").wrap(from_fn(record)).configure(api::oauth_routes))
            .service(
                web::scope("/forge")
                    .wrap(from_fn(record))
                    .route("/.well-known/jwks.json", web::get().to(key_set::serve))
                    .default_service(web::to(api::no_such_endpoint)),
            )
            .service(
                web::scope("/storage")
                    .wrap(from_fn(record))
                    .route("/{kind}/{place}/{name}", web::get().to(storage::serve))
                    .default_service(web::to(api::no_such_endpoint)),
            )
            .configure(pages::routes)
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

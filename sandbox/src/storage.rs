//! The storage that Bitbucket sends callers to for logs and downloads: another host, which knows the signature in the address and refuses
//! whoever brings a credential, as Amazon S3 does.

use crate::{bitbucket::Bitbucket, percent::percent_decode};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Path},
};

/// `GET /storage/{kind}/{place}/{name}`.
pub(crate) async fn serve(
    request: HttpRequest,
    bitbucket: Data<Bitbucket>,
    path: Path<(String, String, String)>,
) -> HttpResponse {
    if request.headers().contains_key(header::AUTHORIZATION) || request.headers().contains_key(header::COOKIE) {
        return HttpResponse::BadRequest().body("<Error><Code>InvalidArgument</Code></Error>");
    }
    let (kind, place, name) = path.into_inner();
    let (place, name) = (percent_decode(&place), percent_decode(&name));
    match kind.as_str() {
        "logs" => HttpResponse::Ok().content_type("text/plain").body(log(&place, &name)),
        _ => match bitbucket.download(&place, &name) {
            Some(found) => HttpResponse::Ok().content_type("application/octet-stream").body(found.bytes),
            None => HttpResponse::NotFound().body("<Error><Code>NoSuchKey</Code></Error>"),
        },
    }
}

/// What a step has printed.
pub(crate) fn log(pipeline: &str, step: &str) -> String {
    format!("+ umask 000\n+ cargo test\nstep {step} of {pipeline}\ntest result: ok\n")
}

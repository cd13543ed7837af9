//! The bench as a process of its own: the bare page it compares with, and the server with nobody working its queue off. For the
//! bench only.

use std::env;
use std::process::Command;

use actix_web::{App, HttpResponse, HttpServer, web};
use clarityloop_bitbucket::config;
use clarityloop_bitbucket::server::{self, Options};

use super::process::{Process, Program};

const BARE: &str = "--bare-page";
const WITHOUT_JOBS: &str = "--without-jobs";
const WORKERS: usize = 2;

/// Does what this process was started for; false when that is the bench itself.
pub fn run() -> bool {
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some(BARE) => serve_bare_page(),
        Some(WITHOUT_JOBS) => serve_without_jobs(),
        _ => return false,
    }
    true
}

/// The bare page, on the address of `program`.
pub fn start_bare_page(program: &Program) -> Process {
    program.serve_with(this(BARE))
}

/// The server of `program`, with jobs staying where they are.
pub fn start_without_jobs(program: &Program) -> Process {
    program.serve_with(this(WITHOUT_JOBS))
}

/// This program again.
fn this(mode: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.arg(mode);
    command
}

fn serve_bare_page() {
    let (config, _) = config::load(None, &env::vars().collect::<Vec<_>>()).unwrap();
    actix_web::rt::System::new().block_on(async move {
        let page = "x".repeat(2048);
        let app = move || {
            let page = page.clone();
            let bare = move || {
                let page = page.clone();
                async move { HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page) }
            };
            App::new().route("/health/ready", web::get().to(HttpResponse::Ok)).default_service(web::to(bare))
        };
        HttpServer::new(app).workers(WORKERS).bind(config.listen).unwrap().run().await.unwrap();
    });
}

fn serve_without_jobs() {
    let (config, _) = config::load(None, &env::vars().collect::<Vec<_>>()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = Options { works_jobs: false, ..Options::default() };
        let _running = server::start(config, options).await.unwrap();
        std::future::pending::<()>().await;
    });
}

//! Starting and stopping: listeners, workers and the job loop, with what they need handed in. Used through `server`.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, HttpServer, web};
use chrono::Utc;
use tokio::task::JoinHandle;

use super::observe::observe;
use super::{regular, routes, runner};
use crate::app::{App, Clock};
use crate::config::Config;
use crate::jobs::Runner;
use crate::platform::frame::Frame;
use crate::web::assets::{Asset, asset_path};

/// Why the server did not start; a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

/// What a start may be given beyond the settings.
pub struct Options {
    /// Tells the time.
    pub clock: Clock,
    /// Whether the server works its queue off by itself; a test may rather do it step by step.
    pub works_jobs: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { clock: Arc::new(Utc::now), works_jobs: true }
    }
}

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where /metrics is served, if anywhere.
    pub metrics_address: Option<SocketAddr>,
    /// Its parts.
    pub app: web::Data<App>,
    /// Works its queue off; a test may call single steps.
    pub runner: Runner,
    server: ServerHandle,
    metrics_server: Option<ServerHandle>,
    serving: JoinHandle<std::io::Result<()>>,
    jobs: Option<JoinHandle<()>>,
    grace: Duration,
}

/// Opens the database, binds the listeners and starts to serve.
///
/// # Errors
/// A sentence for the operator.
pub async fn start(config: Config, options: Options) -> Result<Running, StartError> {
    let listener = TcpListener::bind(config.listen).map_err(|error| StartError(format!("listen: {}: {error}", config.listen)))?;
    let metrics_listener = bind_metrics(&config)?;
    let address = listener.local_addr().map_err(|error| StartError(error.to_string()))?;
    let frame = Frame::new(&config, asset_path(Asset::Tokens), asset_path(Asset::Looks), asset_path(Asset::PanelScript));
    let frame = web::Data::new(frame.map_err(|error| StartError(format!("bitbucket.web_url: {error}")))?);
    let grace = Duration::from_secs(config.shutdown_seconds);
    let workers = if config.workers == 0 { std::thread::available_parallelism().map_or(2, usize::from) } else { config.workers };

    // Opening the database blocks; the runtime's own threads must go on.
    let opened = tokio::task::spawn_blocking(move || App::open(config, options.clock)).await;
    let app = opened.map_err(|error| StartError(error.to_string()))?.map_err(StartError)?;
    let app = web::Data::new(app);
    let runner = runner(&app);

    let served = app.clone();
    let server = HttpServer::new(move || {
        let path = served.config.public_url.path.clone();
        let routes = routes(served.forge.is_some());
        let server = actix_web::App::new().app_data(served.clone()).app_data(frame.clone()).wrap(from_fn(observe));
        // A proxy may or may not cut the path of the public address off: both find the routes.
        server
            .configure(|config| {
                if !path.is_empty() {
                    config.service(web::scope(&path).configure(routes));
                }
            })
            .configure(routes)
    })
    .workers(workers)
    .client_request_timeout(Duration::from_secs(5))
    .client_disconnect_timeout(Duration::from_secs(2))
    .keep_alive(Duration::from_secs(75))
    .shutdown_timeout(grace.as_secs())
    .disable_signals()
    .listen(listener)
    .map_err(|error| StartError(format!("listen: {error}")))?
    .run();
    let handle = server.handle();
    let serving = tokio::spawn(server);
    let (worker, looked_after) = (runner.clone(), app.clone());
    // Both end together: what is found due is worked off by the same server or another.
    let jobs = options.works_jobs.then(|| tokio::spawn(async { tokio::join!(worker.run(), regular::run(looked_after)).0 }));
    let (metrics_server, metrics_address) = serve_metrics(metrics_listener, &app)?;
    Ok(Running { address, metrics_address, app, runner, server: handle, metrics_server, serving, jobs, grace })
}

/// A port that is taken stops the start only when somebody chose it.
fn bind_metrics(config: &Config) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = config.metrics_listen else { return Ok(None) };
    match TcpListener::bind(address) {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if config.metrics_listen_is_chosen => Err(StartError(format!("metrics_listen: {address}: {error}"))),
        Err(error) => {
            tracing::warn!(%address, %error, "metrics are not served; set metrics_listen to another address");
            Ok(None)
        }
    }
}

type MetricsServer = (Option<ServerHandle>, Option<SocketAddr>);

fn serve_metrics(listener: Option<TcpListener>, app: &web::Data<App>) -> Result<MetricsServer, StartError> {
    let Some(listener) = listener else { return Ok((None, None)) };
    let failed = |error: std::io::Error| StartError(format!("metrics_listen: {error}"));
    let address = listener.local_addr().map_err(failed)?;
    let app = app.clone();
    let server = HttpServer::new(move || actix_web::App::new().app_data(app.clone()).route("/metrics", web::get().to(metrics)))
        .workers(1)
        .disable_signals()
        .listen(listener)
        .map_err(failed)?
        .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok((Some(handle), Some(address)))
}

async fn metrics(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(app.metrics.render())
}

impl Running {
    /// Lets requests in flight finish for at most `shutdown_seconds`, then ends. Jobs that were begun are taken up again by
    /// whoever runs next.
    pub async fn stop(self) {
        if let Some(jobs) = &self.jobs {
            jobs.abort();
        }
        if let Some(metrics) = &self.metrics_server {
            metrics.stop(false).await;
        }
        // One second on top: actix itself ends connections when its own time is up.
        if tokio::time::timeout(self.grace + Duration::from_secs(1), self.server.stop(true)).await.is_err() {
            self.server.stop(false).await;
        }
        if let Err(error) = self.serving.await {
            tracing::warn!(%error, "the server ended abnormally");
        }
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

//! Tracing, request ids and metrics. Anyone may use it.

use std::io::IsTerminal as _;

use prometheus::{
    Encoder as _, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

tokio::task_local! {
    /// The id of the request that the current task answers.
    static REQUEST_ID: String;
}

/// Runs `work` as the answer to the request `id`: error bodies made inside carry it.
pub async fn with_request_id<T>(id: String, work: impl Future<Output = T>) -> T {
    REQUEST_ID.scope(id, work).await
}

/// The id of the request that is being answered, or empty outside of one.
pub fn request_id() -> String {
    REQUEST_ID.try_with(String::clone).unwrap_or_default()
}

/// Starts logging as the settings say. A second call changes nothing, which is what tests in one process need.
pub fn init(config: &Config) {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_error| EnvFilter::new("info"));
    let human = match config.log_format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error here means that logging has been started already.
    let _already_started = if human {
        builder.with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
}

/// What this server counts, served in the Prometheus text format at `/metrics`.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests by `route` (the pattern, never the path), `method` and `status`.
    pub requests: IntCounterVec,
    /// Seconds to answer, by `route`.
    pub request_seconds: HistogramVec,
    /// Refused tokens, by stable `code`.
    pub token_refusals: IntCounterVec,
    /// Lifecycle calls, by `event` and `outcome`.
    pub lifecycle_events: IntCounterVec,
    /// Webhooks, by `event` and `outcome`.
    pub webhooks: IntCounterVec,
    /// Calls to Bitbucket, by `operation` and `outcome`.
    pub bitbucket_calls: IntCounterVec,
    /// Seconds a Bitbucket call took, by `operation`.
    pub bitbucket_seconds: HistogramVec,
    /// Calls to Bitbucket that were not made because their turn or budget was too far away, by `operation` and `urgency`.
    pub bitbucket_held_back: IntCounterVec,
    /// Seconds a call to Bitbucket waited for its turn and budget, by `urgency`.
    pub bitbucket_wait_seconds: HistogramVec,
    /// Calls to Bitbucket that were saved because the same one was under way, by `operation`.
    pub bitbucket_shared: IntCounterVec,
    /// Calls to Bitbucket that were made once more, by `operation`.
    pub bitbucket_repeats: IntCounterVec,
    /// Jobs finished, by `kind` and `outcome`.
    pub jobs: IntCounterVec,
    /// Database work waiting in the queue, by `door` (read or write).
    pub database_waiting: IntGaugeVec,
    /// Seconds that database work waited and ran, by `door`.
    pub database_seconds: HistogramVec,
    /// Database work refused because the queue was full.
    pub database_refused: IntGauge,
    /// Statements sent to the database by pieces of work: what a page costs is what it adds here.
    pub database_statements: IntCounter,
    /// Database connections, by `state` (open or idle).
    pub database_connections: IntGaugeVec,
}

impl Metrics {
    /// A registry of its own, so that two servers in one process do not share their counts.
    ///
    /// # Errors
    /// When two metrics have one name, which is a mistake in this file.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(format!("clarityloop_{name}"), help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let gauge = IntGaugeVec::new(Opts::new(format!("clarityloop_{name}"), help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let histogram = |name: &str, help: &str, labels: &[&str]| {
            let buckets = vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
            let histogram = HistogramVec::new(HistogramOpts::new(format!("clarityloop_{name}"), help).buckets(buckets), labels)?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        let database_refused =
            IntGauge::new("clarityloop_database_refused", "Database work refused because its queue was full.")?;
        registry.register(Box::new(database_refused.clone()))?;
        let database_statements = IntCounter::new("clarityloop_database_statements_total", "Statements sent to the database.")?;
        registry.register(Box::new(database_statements.clone()))?;
        Ok(Self {
            requests: counter("requests_total", "Requests answered.", &["route", "method", "status"])?,
            request_seconds: histogram("request_seconds", "Seconds to answer a request.", &["route"])?,
            token_refusals: counter("token_refusals_total", "Tokens refused.", &["code"])?,
            lifecycle_events: counter("lifecycle_events_total", "Lifecycle calls.", &["event", "outcome"])?,
            webhooks: counter("webhooks_total", "Webhooks received.", &["event", "outcome"])?,
            bitbucket_calls: counter("bitbucket_calls_total", "Calls to Bitbucket.", &["operation", "outcome"])?,
            bitbucket_seconds: histogram("bitbucket_seconds", "Seconds a call to Bitbucket took.", &["operation"])?,
            bitbucket_held_back: counter(
                "bitbucket_held_back_total",
                "Calls to Bitbucket not made for want of a turn or budget.",
                &["operation", "urgency"],
            )?,
            bitbucket_wait_seconds: histogram(
                "bitbucket_wait_seconds",
                "Seconds a call to Bitbucket waited for its turn and budget.",
                &["urgency"],
            )?,
            bitbucket_shared: counter(
                "bitbucket_shared_total",
                "Calls to Bitbucket saved because the same one was under way.",
                &["operation"],
            )?,
            bitbucket_repeats: counter("bitbucket_repeats_total", "Calls to Bitbucket made once more.", &["operation"])?,
            jobs: counter("jobs_total", "Jobs worked off.", &["kind", "outcome"])?,
            database_waiting: gauge("database_waiting", "Database work waiting for a connection.", &["door"])?,
            database_seconds: histogram("database_seconds", "Seconds database work waited and ran.", &["door"])?,
            database_refused,
            database_statements,
            database_connections: gauge("database_connections", "Connections to the database.", &["state"])?,
            registry,
        })
    }

    /// The counts in the Prometheus text format.
    pub fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "metrics could not be rendered");
        }
        text
    }
}

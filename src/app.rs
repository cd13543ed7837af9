//! What every handler is handed: settings, database, client, keys, metrics and the clock. Doors use it; rules get its parts.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use crate::bitbucket::{self, Client};
use crate::config::{Config, Now, Random};
use crate::connections::Parts;
use crate::connections::calls::Permissions;
use crate::connections::keys::{self, KeyCache};
use crate::error::Result;
use crate::forge::verifier::Verifier;
use crate::storage::seal::Keyring;
use crate::storage::{AnyConnection, Database, Manager};
use crate::telemetry::Metrics;

/// Tells the time: the system's in production, a set one in tests.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The server's parts.
pub struct App {
    /// The settings.
    pub config: Arc<Config>,
    /// The database.
    pub database: Database,
    /// The client of the Bitbucket API.
    pub bitbucket: Client,
    /// The keys that secrets are sealed under.
    pub keyring: Arc<Keyring>,
    /// The keys that signed calls are verified with.
    pub keys: KeyCache,
    /// What Bitbucket said lately of who may what in which repository.
    pub permissions: Permissions,
    /// The keys of panel tokens, the newest first.
    pub panel_keys: Vec<[u8; 32]>,
    /// Verifies the calls of the Forge app; none when no Forge app is configured.
    pub forge: Option<Verifier>,
    /// What is counted.
    pub metrics: Metrics,
    /// Notified when a job may have been enqueued, so that it need not wait for the next look at the queue.
    pub jobs_waiting: Arc<Notify>,
    clock: Clock,
}

impl App {
    /// Opens the database and makes the parts.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn open(config: Config, clock: Clock) -> std::result::Result<Self, String> {
        let metrics = Metrics::new().map_err(|error| error.to_string())?;
        let database = Database::open(&config, &metrics).map_err(|error| error.to_string())?;
        let mut connection = database.manager().connect_writer().map_err(|error| error.to_string())?;
        let keyring = Arc::new(Keyring::open(&config, &mut connection)?);
        let resealed = Manager::write(&mut connection, |connection| keys::seal_anew(connection, &keyring));
        match resealed.map_err(|error| error.to_string())? {
            0 => {}
            count => tracing::info!(count, "sealed secrets anew under the newest key"),
        }
        let (told, random) = (Arc::clone(&clock), config.random.clone());
        let bitbucket_clock: bitbucket::Clock = Arc::new(move || Now::new(told(), random.clone()));
        let bitbucket =
            Client::new(&config.bitbucket_api_url, metrics.clone(), bitbucket_clock).map_err(|error| error.to_string())?;
        let forge = Verifier::new(&config.forge).map_err(|error| error.to_string())?;
        Ok(Self {
            panel_keys: keyring.derive("panel token"),
            config: Arc::new(config),
            database,
            bitbucket,
            keyring,
            keys: KeyCache::default(),
            permissions: Permissions::default(),
            forge,
            metrics,
            jobs_waiting: Arc::new(Notify::new()),
            clock,
        })
    }

    /// The moment it is.
    pub fn now(&self) -> Now {
        Now::new((self.clock)(), self.config.random.clone())
    }

    /// The clock and the randomness, for what lives as long as the server.
    pub fn clock(&self) -> Arc<dyn Fn() -> Now + Send + Sync> {
        let (clock, random): (Clock, Random) = (Arc::clone(&self.clock), self.config.random.clone());
        Arc::new(move || Now::new(clock(), random.clone()))
    }

    /// What whoever asks Bitbucket on a connection needs.
    pub fn parts(&self) -> Parts<'_> {
        Parts { database: &self.database, bitbucket: &self.bitbucket, keyring: &self.keyring, config: &self.config }
    }

    /// [`Database::read`].
    ///
    /// # Errors
    /// What `work` returns, or `busy` (503).
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.database.read(work).await
    }

    /// [`Database::write`], and then has the queue looked at: the write may have enqueued a job.
    ///
    /// # Errors
    /// What `work` returns, or `busy` (503).
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.looking_at_the_queue(self.database.write(work).await)
    }

    /// [`Database::write_at_once`], and then has the queue looked at.
    ///
    /// # Errors
    /// What either returns, or `busy` (503).
    pub async fn write_at_once<T: Send + 'static>(
        &self,
        statement: impl FnOnce(&mut AnyConnection) -> Result<Option<T>> + Send + 'static,
        otherwise: impl FnOnce(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.looking_at_the_queue(self.database.write_at_once(statement, otherwise).await)
    }

    fn looking_at_the_queue<T>(&self, answer: Result<T>) -> Result<T> {
        if answer.is_ok() {
            self.jobs_waiting.notify_one();
        }
        answer
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("App").field("config", &self.config).finish_non_exhaustive()
    }
}

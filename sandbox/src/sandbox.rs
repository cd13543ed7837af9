//! Starting and stopping the stand-in: it runs on a thread of its own, so that it works under any runtime of a test.

use crate::{bitbucket::Bitbucket, server, world::World};
use actix_web::{dev::ServerHandle, rt::System, web::Data};
use chrono::Utc;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Deref,
    sync::Arc,
    thread,
};
use tokio::sync::oneshot;

/// How to start.
pub struct Options {
    /// Where to listen; the default is a free port on loopback.
    pub listen: SocketAddr,
    /// What there is at the start; the default is [`World::demo`].
    pub world: World,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), world: World::demo(Utc::now()) }
    }
}

/// A running stand-in. Dropping it stops it. What it can do is on [`Bitbucket`], to which it dereferences.
pub struct Sandbox {
    bitbucket: Arc<Bitbucket>,
    server: ServerHandle,
}

impl Sandbox {
    /// Starts a stand-in; when this returns, it accepts connections.
    ///
    /// # Errors
    /// The address is taken, or no thread can be had.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen)?;
        let url = format!("http://{}", listener.local_addr()?);
        let bitbucket = Arc::new(Bitbucket::new(url, options.world).map_err(io::Error::other)?);
        let (started, handle) = oneshot::channel();
        let shared = Data::from(Arc::clone(&bitbucket));
        thread::Builder::new().name("bitbucket-sandbox".to_owned()).spawn(move || {
            System::new().block_on(async move {
                let server = match server::run(listener, shared) {
                    Ok(server) => server,
                    Err(error) => return started.send(Err(error)).is_ok(),
                };
                started.send(Ok(server.handle())).is_ok() && server.await.is_ok()
            })
        })?;
        let server = handle.await.map_err(io::Error::other)??;
        Ok(Self { bitbucket, server })
    }
}

impl Deref for Sandbox {
    type Target = Bitbucket;

    fn deref(&self) -> &Bitbucket {
        &self.bitbucket
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The command is sent by the call; only the wait for its end would need a runtime.
        drop(self.server.stop(false));
    }
}

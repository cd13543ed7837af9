//! Starting and stopping.

use bitbucket_sandbox::{Options, Sandbox};
use std::{net::TcpStream, thread::sleep, time::Duration};

#[tokio::test]
async fn a_dropped_sandbox_stops_listening() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let address = sandbox.url().strip_prefix("http://").unwrap().to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    drop(sandbox);
    let is_gone = (0..200).any(|_| {
        sleep(Duration::from_millis(10));
        TcpStream::connect(&address).is_err()
    });
    assert!(is_gone);
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error() {
    let first = Sandbox::start(Options::default()).await.unwrap();
    let listen = first.url().strip_prefix("http://").unwrap().parse().unwrap();
    assert!(Sandbox::start(Options { listen, ..Options::default() }).await.is_err());
}

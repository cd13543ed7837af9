//! A server of one test: it answers by a rule and remembers what it was asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::bitbucket::{Client, Credential};
use crate::config::{Now, Random, Secret};
use crate::telemetry::Metrics;

/// What was asked.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    pub authorization: String,
    pub body: String,
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Clone)]
pub struct Stub {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

type Rule = dyn Fn(&Seen, usize) -> Reply + Send + Sync;

impl Reply {
    pub fn json(body: &str) -> Self {
        Self::status(200, body)
    }

    pub fn status(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    pub fn to(location: &str) -> Self {
        Self::status(302, "").with("location", location)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Stub {
    /// Answers by `rule`, which is told what was asked and how many requests came before.
    pub async fn start(rule: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (seen, rule): (Arc<Mutex<Vec<Seen>>>, Arc<Rule>) = (Arc::default(), Arc::new(rule));
        let connections = Arc::new(AtomicUsize::new(0));
        let stub = Self { url, seen: Arc::clone(&seen), connections: Arc::clone(&connections) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&rule)));
            }
        });
        stub
    }

    pub fn client(&self) -> Client {
        let clock = Arc::new(|| Now::new(Utc::now(), Random::system()));
        Client::new(&self.url, Metrics::new().unwrap(), clock).unwrap()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections were opened.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.target).collect()
    }
}

pub fn credential() -> Credential {
    Credential::bearer("connection:1", Secret::new("s3cret"))
}

async fn serve(mut stream: TcpStream, all: Arc<Mutex<Vec<Seen>>>, rule: Arc<Rule>) -> Option<()> {
    loop {
        let seen = read(&mut stream).await?;
        let before = {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(seen.clone());
            all.len() - 1
        };
        let reply = rule(&seen, before);
        // Status 0 is no answer at all.
        if reply.status == 0 {
            return None;
        }
        let mut head = format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(&reply.body).await.ok()?;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        line.map(|line| line[name.len() + 1..].trim().to_owned()).unwrap_or_default()
    };
    let length: usize = header("content-length").parse().unwrap_or(0);
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let mut line = head.split(' ');
    Some(Seen {
        method: line.next()?.to_owned(),
        target: line.next()?.to_owned(),
        authorization: header("authorization"),
        body: String::from_utf8_lossy(&bytes[end..]).into_owned(),
    })
}

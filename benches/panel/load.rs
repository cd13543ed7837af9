//! The load: as many keep-alive connections as are asked for on two threads, each sending one request after the other and reading
//! just enough of the answer to judge it. For the bench only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Clients at once, in every measurement.
pub const CONNECTIONS: usize = 64;
const THREADS: usize = 2;

/// What is sent, and which answers count.
#[derive(Clone)]
pub struct Load {
    pub address: SocketAddr,
    /// Complete requests, head and body.
    pub requests: Arc<Vec<Vec<u8>>>,
    /// Whether the requests are sent again and again; else each is sent once.
    pub repeats: bool,
    /// Whether an answer, by its status and body, is the one that was asked for.
    pub accepts: fn(u16, &[u8]) -> bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub per_second: f64,
    pub p50_milliseconds: f64,
    pub p99_milliseconds: f64,
    /// Answers that were not accepted; anything but 0 spoils the figures.
    pub unexpected: usize,
}

impl Measured {
    /// From the time each answer took.
    pub fn new(mut took: Vec<Duration>, unexpected: usize, elapsed: Duration) -> Self {
        took.sort_unstable();
        let percentile = |percent: usize| took.get(took.len() * percent / 100).map_or(0.0, |took| took.as_secs_f64() * 1000.0);
        Self {
            per_second: took.len() as f64 / elapsed.as_secs_f64(),
            p50_milliseconds: percentile(50),
            p99_milliseconds: percentile(99),
            unexpected,
        }
    }

    /// The median of each figure by itself.
    pub fn median(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure).collect());
        Self {
            per_second: of(|round| round.per_second),
            p50_milliseconds: of(|round| round.p50_milliseconds),
            p99_milliseconds: of(|round| round.p99_milliseconds),
            unexpected: rounds.iter().map(|round| round.unexpected).sum(),
        }
    }
}

/// The one in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

struct Shared {
    load: Load,
    next: AtomicUsize,
    until: Instant,
}

impl Load {
    /// Sends for so long, or until every request has been sent once.
    pub fn run(&self, duration: Duration) -> Measured {
        let begun = Instant::now();
        let shared = Arc::new(Shared { load: self.clone(), next: AtomicUsize::new(0), until: begun + duration });
        let run = || {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || connect_and_send(&shared))
        };
        let threads: Vec<_> = (0..THREADS).map(|_| run()).collect();
        let (mut took, mut unexpected) = (Vec::new(), 0);
        for thread in threads {
            let (of_thread, not_accepted) = thread.join().unwrap();
            took.extend(of_thread);
            unexpected += not_accepted;
        }
        Measured::new(took, unexpected, begun.elapsed())
    }
}

fn connect_and_send(shared: &Arc<Shared>) -> (Vec<Duration>, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let mut connections = JoinSet::new();
        for _ in 0..CONNECTIONS / THREADS {
            connections.spawn(send_on_one_connection(Arc::clone(shared)));
        }
        let mut all = (Vec::new(), 0);
        for (took, unexpected) in connections.join_all().await {
            all.0.extend(took);
            all.1 += unexpected;
        }
        all
    })
}

async fn send_on_one_connection(shared: Arc<Shared>) -> (Vec<Duration>, usize) {
    let load = &shared.load;
    let mut stream = TcpStream::connect(load.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut took, mut unexpected) = (Vec::with_capacity(1 << 14), 0);
    let mut answer = Vec::with_capacity(1 << 15);
    while Instant::now() < shared.until {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        if !load.repeats && number >= load.requests.len() {
            break;
        }
        let begun = Instant::now();
        stream.write_all(&load.requests[number % load.requests.len()]).await.unwrap();
        let (status, body_at) = read(&mut stream, &mut answer).await;
        took.push(begun.elapsed());
        unexpected += usize::from(!(load.accepts)(status, &answer[body_at..]));
    }
    (took, unexpected)
}

/// Reads one answer; tells its status and where its body begins. A connection that ends has the status 0.
async fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) -> (u16, usize) {
    answer.clear();
    loop {
        if stream.read_buf(answer).await.unwrap_or(0) == 0 {
            return (0, answer.len());
        }
        if let Some((status, body_at, length)) = head(answer)
            && answer.len() >= body_at + length
        {
            return (status, body_at);
        }
    }
}

/// Status, where the body begins and how long it will be, once the head is complete.
fn head(answer: &[u8]) -> Option<(u16, usize, usize)> {
    let head_ends = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..head_ends]).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(Some(0), |text| text.parse().ok())?;
    Some((status, head_ends + 4, length))
}

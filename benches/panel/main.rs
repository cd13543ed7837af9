//! What the server bears, on this machine, now: the signed panel beside a bare page of the same web framework, writes beside a loop
//! of inserts, sizes, and the time to become ready. Client and server share the machine, so ratios say more than figures.
//!
//! `cargo bench --bench panel` measures with 100 and 100,000 links, `cargo bench --bench panel -- --full` with 1,000,000 too. It
//! never fails on a figure.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints what it measures and fails by panicking"
)]
#![expect(clippy::cast_precision_loss, reason = "no count here comes near the limit")]

mod load;
mod modes;
#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../../tests/harness/postgres/mod.rs"]
mod postgres;
#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../../tests/harness/process.rs"]
mod process;
mod seed;
mod stage;
mod writes;

use std::time::{Duration, Instant};

use load::{Load, Measured, median};
use process::{Process, Program};
use stage::{Stage, memory_mebibytes};
use writes::Writes;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BINARY: &str = env!("CARGO_BIN_EXE_clarityloop-bitbucket");
const MEASURED_FOR: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;

fn main() {
    if modes::run() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(bench());
}

async fn bench() {
    let sizes: &[usize] =
        if std::env::args().any(|word| word == "--full") { &[100, 100_000, 1_000_000] } else { &[100, 100_000] };
    // With fsync, as a database that keeps what it has acknowledged.
    let cluster = postgres::Server::crash_safe();
    let mut stages = vec![Stage::set_up("SQLite", BINARY, None).await];
    if let Some(cluster) = &cluster {
        stages.push(Stage::set_up("PostgreSQL", BINARY, Some(cluster.fresh_database())).await);
    }
    print_head();
    measure_panels(&mut stages, sizes);
    for stage in &stages {
        print_writes(stage.name, &writes::measure(stage).await);
    }
    print_sizes(&stages);
}

/// For each size the bare page and every panel in turn, several times.
fn measure_panels(stages: &mut [Stage], sizes: &[usize]) {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::new(BINARY, "", folder.path(), "http://127.0.0.1:1");
    let _bare = modes::start_bare_page(&program);
    for &links in sizes {
        stages.iter_mut().for_each(|stage| stage.grow_to(links));
        let _servers: Vec<Process> = stages.iter().map(Stage::serve).collect();
        let panels: Vec<Load> = stages.iter().map(Stage::panels).collect();
        let bare_page = bare_load(&program, &panels[0]);
        let (mut bare, mut rounds) = (Vec::new(), vec![Vec::new(); stages.len()]);
        for _ in 0..ROUNDS {
            bare.push(bare_page.run(MEASURED_FOR));
            for (panel, measured) in panels.iter().zip(&mut rounds) {
                measured.push(panel.run(MEASURED_FOR));
            }
        }
        let bare = Measured::median(&bare);
        print_line(&format!("bare page, beside {links} links"), &measured_text(&bare), "");
        for (stage, measured) in stages.iter().zip(&rounds) {
            print_panel(stage.name, links, &Measured::median(measured), &bare);
        }
    }
}

/// The very requests of a panel, sent to the bare page.
fn bare_load(program: &Program, panel: &Load) -> Load {
    let address = program.url.trim_start_matches("http://").parse().unwrap();
    Load { address, accepts: |status, body| status == 200 && body.len() == 2048, ..panel.clone() }
}

fn print_sizes(stages: &[Stage]) {
    let binary = std::fs::metadata(BINARY).map_or(f64::NAN, |file| file.len() as f64 / 1024.0 / 1024.0);
    print_line("binary", &format!("{binary:.1} MB"), "< 40 MB");
    for stage in stages {
        let ready = median((0..ROUNDS).map(|_| ready_seconds(stage)).collect());
        print_line(&format!("ready, {}", stage.name), &format!("{ready:.3} s"), "< 0.3 s");
        let server = stage.serve();
        let resident = |figure| format!("{:.1} MB", memory_mebibytes(&server, figure));
        print_line(&format!("memory idle, {}", stage.name), &resident("VmRSS"), "< 40 MB");
        stage.panels().run(MEASURED_FOR * 2);
        let loaded = format!("{} at most, of it {} mapped files", resident("VmHWM"), resident("RssFile"));
        print_line(&format!("memory at full load, {}", stage.name), &loaded, "< 120 MB");
    }
}

fn ready_seconds(stage: &Stage) -> f64 {
    let begun = Instant::now();
    let _server = stage.serve();
    begun.elapsed().as_secs_f64()
}

fn print_head() {
    print_line(&format!("{} connections, medians of {ROUNDS} rounds", load::CONNECTIONS), "measured", "target");
}

fn print_panel(database: &str, links: usize, panel: &Measured, bare: &Measured) {
    let target = if database == "SQLite" { "≥ 0.40" } else { "≥ 0.16" };
    let ratio = panel.per_second / bare.per_second;
    let text = format!("{ratio:.2} of the bare page: {}", measured_text(panel));
    print_line(&format!("panel, {database}, {links} links"), &text, &format!("{target}, p99 < 8 ms"));
}

fn print_writes(database: &str, writes: &Writes) {
    print_line(&format!("one-insert writes, {database}"), &measured_text(&writes.inserts), "");
    let ratio = writes.webhooks.per_second / writes.inserts.per_second;
    let text = format!("{ratio:.2} of them: {}", measured_text(&writes.webhooks));
    print_line(&format!("webhooks that enqueue a job, {database}"), &text, "≥ 0.75");
    print_line(&format!("saves in the panel, {database}"), &measured_text(&writes.saves), "");
}

fn measured_text(measured: &Measured) -> String {
    let Measured { per_second, p50_milliseconds, p99_milliseconds, unexpected } = measured;
    let spoilt = if *unexpected == 0 { String::new() } else { format!(", {unexpected} UNEXPECTED ANSWERS") };
    format!("{per_second:.0}/s, p50 {p50_milliseconds:.2} ms, p99 {p99_milliseconds:.2} ms{spoilt}")
}

fn print_line(what: &str, measured: &str, target: &str) {
    println!("{what:<46} {measured:<68} {target}");
}

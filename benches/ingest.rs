//! Durable interactions per second through the whole HTTP API: parse, sample, commit, answer.
//!
//! `cargo bench --bench ingest` measures SQLite in a temp folder, and Postgres too when
//! `SEAMARK_BENCH_DATABASE_URL` names a database that may be filled. The daemon runs in this
//! process with the hashing embedder, so that embedding competes as little as possible.

#![expect(clippy::print_stdout, reason = "the table is what a bench is for")]
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use seamark::app::{Daemon, Launch};
use seamark::config::Config;
use seamark::egress::LoopbackClient;
use seamark::embed::HashingEmbedder;
use serde_json::{Value, json};

/// How long each figure is measured.
const MEASURE: Duration = Duration::from_secs(4);

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("| engine | senders × batch | interactions/s | p50 ms | p99 ms |");
    println!("|---|---|---|---|---|");
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(bench("sqlite", format!("sqlite://{}/bench.db", folder.path().display())));
    match postgres_url() {
        Some(url) => runtime.block_on(bench("postgres", url)),
        None => println!("SEAMARK_BENCH_DATABASE_URL is not set: Postgres was not measured"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the bench's own setting, not the program's")]
fn postgres_url() -> Option<String> {
    std::env::var("SEAMARK_BENCH_DATABASE_URL").ok()
}

async fn bench(engine: &str, url: String) {
    let mut config = Config::default();
    config.server.bind = "127.0.0.1:0".parse().unwrap();
    config.store.url = url;
    let launch = Launch { embedder: Some(Arc::new(HashingEmbedder::new())), ..Launch::default() };
    let daemon = Daemon::start(config, launch).await.unwrap();
    let client = LoopbackClient::new(daemon.address, daemon.first_key.clone()).unwrap();
    for (senders, batch) in [(1, 1), (16, 1), (64, 1), (1, 100), (8, 100), (2, 1000)] {
        measure(engine, &client, senders, batch).await;
    }
    daemon.stop().await;
}

async fn measure(engine: &str, client: &LoopbackClient, senders: usize, batch: usize) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..senders {
        let client = client.clone();
        tasks.spawn(async move {
            let mut times = Vec::new();
            while start.elapsed() < MEASURE {
                let first = NEXT.fetch_add(batch, Ordering::Relaxed);
                let body: Vec<Value> = (first..first + batch).map(interaction).collect();
                let before = Instant::now();
                let answer = client.post("/v1/interactions", &json!(body)).await.unwrap();
                times.push(before.elapsed().as_secs_f64() * 1000.0);
                assert_eq!(answer["accepted"].as_u64(), Some(batch as u64), "{answer}");
            }
            times
        });
    }
    let mut times: Vec<f64> = tasks.join_all().await.concat();
    let rate = (times.len() * batch) as f64 / start.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let (p50, p99) = (at(0.5), at(0.99));
    println!("| {engine} | {senders} × {batch} | {rate:.0} | {p50:.1} | {p99:.1} |");
}

/// About 1.2 kB, as a chat turn is.
fn interaction(i: usize) -> Value {
    json!({
        "id": format!("{}-{i}", std::process::id()),
        "query": format!("How do I activate prepaid data bundle {i} on my phone? {}", "Please help. ".repeat(25)),
        "response": "Dial the code and choose the bundle you want. ".repeat(17),
        "session_id": format!("session-{}", i / 4),
        "attributes": {"channel": "whatsapp"},
    })
}

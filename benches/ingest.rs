//! Durable interactions per second through the whole HTTP API: parse, sample, commit, answer.
//!
//! `cargo bench --bench ingest` measures SQLite in a temp folder, and Postgres too when
//! `SEAMARK_BENCH_DATABASE_URL` names a database that may be filled. The daemon runs in this
//! process with the hashing embedder, so that embedding competes as little as possible.
//!
//! A second table shows what the real model does to others: twenty times two requests a second while it works
//! through a backlog on every core, its threads placed in different ways.

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
    println!("\n| embedder | threads | POST p50 ms | p99 ms | GET p50 ms | p99 ms | texts/s |");
    println!("|---|---|---|---|---|---|---|");
    for (threads, nice, pin, backlog) in [
        ("idle", 0, false, 0),
        ("like any others", 0, false, BACKLOG),
        ("nice 10", 10, false, BACKLOG),
        ("pinned", 0, true, BACKLOG),
        ("nice 10, pinned", 10, true, BACKLOG),
    ] {
        runtime.block_on(responsiveness(threads, nice, pin, backlog));
    }
}

/// Interactions that wait for their embeddings: some twenty seconds of work on two cores.
const BACKLOG: usize = 5000;

async fn responsiveness(name: &str, nice: u8, pin: bool, backlog: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.server.bind = "127.0.0.1:0".parse().unwrap();
    config.store.url = format!("sqlite://{}/bench.db", folder.path().display());
    config.embedding.models_dir = concat!(env!("CARGO_MANIFEST_DIR"), "/models").into();
    config.embedding.cache_mib = 0;
    (config.embedding.nice, config.embedding.pin) = (nice, pin);
    let daemon = Daemon::start(config, Launch::default()).await.unwrap();
    let client = LoopbackClient::new(daemon.address, daemon.first_key.clone()).unwrap();
    for first in (0..backlog).step_by(500) {
        let body: Vec<Value> = (first..first + 500).map(interaction).collect();
        client.post("/v1/interactions", &json!(body)).await.unwrap();
    }
    let (mut posts, mut gets) = (Vec::new(), Vec::new());
    let mut beat = tokio::time::interval(Duration::from_millis(50));
    let start = Instant::now();
    let metrics = format!("http://{}/metrics", daemon.address);
    let key = daemon.first_key.clone().unwrap();
    let texts = embedded(&metrics, &key).await;
    for i in 0..200 {
        let due = beat.tick().await;
        let body = json!([interaction(1_000_000 + i)]);
        client.post("/v1/interactions", &body).await.unwrap();
        posts.push(due.elapsed().as_secs_f64() * 1000.0);
        let before = Instant::now();
        client.get("/v1/monitors").await.unwrap();
        gets.push(before.elapsed().as_secs_f64() * 1000.0);
    }
    let rate = (embedded(&metrics, &key).await - texts) / start.elapsed().as_secs_f64();
    let at = |times: &mut Vec<f64>, share: f64| {
        times.sort_by(f64::total_cmp);
        times[((times.len() - 1) as f64 * share) as usize]
    };
    let (state, threads) = if backlog == 0 { ("idle", "-") } else { ("saturated", name) };
    println!(
        "| {state} | {threads} | {:.1} | {:.1} | {:.1} | {:.1} | {rate:.0} |",
        at(&mut posts, 0.5),
        at(&mut posts, 0.99),
        at(&mut gets, 0.5),
        at(&mut gets, 0.99),
    );
    daemon.stop().await;
}

/// Texts embedded so far.
#[expect(clippy::disallowed_methods, reason = "a request to the bench's own daemon")]
async fn embedded(metrics: &str, key: &str) -> f64 {
    let request = reqwest::Client::new().get(metrics).bearer_auth(key);
    let text = request.send().await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("seamark_embed_texts_total "));
    line.and_then(|count| count.parse().ok()).unwrap()
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

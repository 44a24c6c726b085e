//! Durable inserts and claims per second on both engines.
//!
//! `cargo bench --bench store` measures SQLite in a temp folder, and Postgres too when
//! `SEAMARK_BENCH_DATABASE_URL` names a database that may be filled.

#![expect(clippy::print_stdout, reason = "the table is what a bench is for")]
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::clock::Timestamp;
use seamark::id::ProjectId;
use seamark::model::interaction::{Attributes, NewInteraction};
use seamark::model::outcome::Figures;
use seamark::store::{Config, EmbeddedText, Store};

/// How long each figure is measured.
const MEASURE: Duration = Duration::from_secs(3);
const NOW: Timestamp = Timestamp::from_micros(1_795_422_600_000_000);
const LEASE: Duration = Duration::from_mins(10);

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("| engine | what | per second | ms a call |");
    println!("|---|---|---|---|");
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}/bench.db", folder.path().display());
    runtime.block_on(bench(&file));
    match postgres_url() {
        Some(url) => runtime.block_on(bench(&url)),
        None => println!("SEAMARK_BENCH_DATABASE_URL is not set: Postgres was not measured"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the bench's own setting, not the program's")]
fn postgres_url() -> Option<String> {
    std::env::var("SEAMARK_BENCH_DATABASE_URL").ok()
}

async fn bench(url: &str) {
    let config = Config { url: url.to_owned(), max_connections: 32, ..Config::default() };
    let store = Store::open(&config).await.unwrap();
    store.migrate().await.unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(u64::from(std::process::id()));
    let name = format!("bench-{}", std::process::id());
    let project = store.ensure_project(&name, NOW, &mut rng).await.unwrap();
    for (senders, batch) in [(1, 1), (8, 1), (1, 100), (8, 100), (1, 256)] {
        insert(&store, project, senders, batch).await;
    }
    for batch in [10, 100] {
        claim(&store, batch).await;
    }
    complete(&store, project, 100).await;
}

/// About 1.2 kB, as a chat turn is.
fn interaction(id: String) -> NewInteraction {
    NewInteraction {
        id,
        occurred_at: NOW,
        query: "How do I activate prepaid data on my phone? ".repeat(9),
        response: Some("Dial the code and choose the bundle you want. ".repeat(17)),
        session_id: Some("session-1".to_owned()),
        attributes: Attributes::from([("channel".to_owned(), "whatsapp".to_owned())]),
        model: Some("assistant-1".to_owned()),
        metadata: None,
        inclusion_probability: 1.0,
        content_hash: [7; 32],
        subject: None,
        figures: Figures::default(),
        personal: seamark::model::signals::Personal::default(),
        until_embedded: false,
    }
}

async fn insert(store: &Store, project: ProjectId, senders: usize, batch: usize) {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..senders {
        let store = store.clone();
        tasks.spawn(async move {
            let mut calls = 0;
            while start.elapsed() < MEASURE {
                let items: Vec<_> = (0..batch)
                    .map(|n| interaction(format!("{senders}-{batch}-{sender}-{calls}-{n}")))
                    .collect();
                store.insert_interactions(project, &items, NOW).await.unwrap();
                calls += 1;
            }
            calls
        });
    }
    let calls: usize = tasks.join_all().await.into_iter().sum();
    let what = format!("insert, {senders} senders, batches of {batch}");
    show(store, &what, calls * batch, calls / senders, start.elapsed());
}

async fn claim(store: &Store, batch: i64) {
    let start = Instant::now();
    let (mut calls, mut rows) = (0, 0);
    while start.elapsed() < MEASURE {
        let claimed = store.claim_pending("bench", batch, NOW, LEASE).await.unwrap();
        assert!(!claimed.is_empty(), "the queue ran dry: insert more");
        rows += claimed.len();
        calls += 1;
    }
    show(store, &format!("claim, batches of {batch}"), rows, calls, start.elapsed());
    store.release_claims("bench").await.unwrap();
}

/// Claims and completes, with vectors of 384 dimensions for query and response.
async fn complete(store: &Store, project: ProjectId, batch: i64) {
    let start = Instant::now();
    let (mut calls, mut rows) = (0, 0);
    while start.elapsed() < MEASURE {
        let claimed = store.claim_pending("bench", batch, NOW, LEASE).await.unwrap();
        let texts: Vec<EmbeddedText> = claimed
            .iter()
            .map(|text| EmbeddedText {
                hashes: Some(seamark::text::hashes::Hashes {
                    fingerprint: text.seq as u64,
                    simhash: Some(text.seq as u64),
                }),
                signals: seamark::model::signals::Signals::default(),
                attributes: seamark::model::interaction::Attributes::new(),
                excluded: None,
                rewrite: None,
                repaired_words: 0,
                until_embedded: false,
                project_id: project,
                seq: text.seq,
                token: text.token,
                query: Some(vec![0.05; 384]),
                response: Some(vec![0.05; 384]),
            })
            .collect();
        rows += store.complete_embeddings(&texts, "sha256:bench").await.unwrap();
        calls += 1;
    }
    show(store, &format!("claim and complete, batches of {batch}"), rows, calls, start.elapsed());
}

fn show(store: &Store, what: &str, rows: usize, calls: usize, took: Duration) {
    let seconds = took.as_secs_f64();
    println!(
        "| {} | {what} | {:.0} | {:.2} |",
        store.engine_name(),
        rows as f64 / seconds,
        1000.0 * seconds / calls as f64
    );
}

//! What one look at a project's rules costs: by how many rules there are, what they watch, and how much
//! traffic the project has.
//!
//! `cargo bench --bench rules` measures SQLite in a temp folder, and Postgres too when
//! `SEAMARK_BENCH_DATABASE_URL` names a database that may be filled. A look comes each
//! `worker.rules_seconds`, 15 where nobody says; here nothing holds, so that none writes.

#![expect(clippy::print_stdout, reason = "the table is what a bench is for")]
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::clock::{ManualClock, Timestamp};
use seamark::id::{ProjectId, RuleId};
use seamark::model::interaction::{Attributes, NewInteraction};
use seamark::model::outcome::{Figures, NewOutcome, Target, Value};
use seamark::model::rule::Rule;
use seamark::model::signals::{Personal, Signals};
use seamark::store::{self, EmbeddedText, Store};
use seamark::telemetry::Metrics;
use seamark::worker::driver::Worker as _;
use seamark::worker::rules::RuleWorker;
use seamark::worker::{Config, Context, Wakers};
use serde_json::{Value as Json, json};

/// Looks of which the median is told.
const LOOKS: usize = 15;
/// Interactions that are stored at once.
const BATCH: usize = 500;
const MINUTE: Duration = Duration::from_mins(1);

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("| engine | interactions | rules | figure | look, ms |");
    println!("|---|--:|--:|---|--:|");
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(bench(&format!("sqlite://{}/bench.db", folder.path().display())));
    match postgres_url() {
        Some(url) => runtime.block_on(bench(&url)),
        None => println!("SEAMARK_BENCH_DATABASE_URL is not set: Postgres was not measured"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the bench's own setting, not the program's")]
fn postgres_url() -> Option<String> {
    std::env::var("SEAMARK_BENCH_DATABASE_URL").ok()
}

/// 2026-11-23T08:30:00Z.
fn now() -> Timestamp {
    Timestamp::from_micros(1_795_422_600_000_000)
}

async fn bench(url: &str) {
    let config =
        store::Config { url: url.to_owned(), max_connections: 4, ..store::Config::default() };
    let store = Store::open(&config).await.unwrap();
    store.migrate().await.unwrap();
    for interactions in [1_000, 50_000] {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let name = format!("bench-{}-{interactions}", std::process::id());
        let project = store.ensure_project(&name, now(), &mut rng).await.unwrap();
        fill(&store, project, interactions).await;
        for (figure, when) in figures() {
            for rules in [1, 100] {
                let look = measure(&store, project, rules, &when).await;
                let ms = 1e3 * look.as_secs_f64();
                println!(
                    "| {} | {interactions} | {rules} | {figure} | {ms:.2} |",
                    store.engine_name()
                );
            }
        }
    }
}

/// What is watched; none of it holds.
fn figures() -> [(&'static str, Json); 5] {
    let rate = |more: Json| {
        let mut when =
            json!({"figure": "rate", "signal": "refusal", "side": "response", "above": 0.99});
        when.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        when
    };
    [
        ("events", json!({"figure": "events", "minutes": 60, "below": 0.5})),
        ("rate, 60 minutes", rate(json!({"minutes": 60}))),
        ("the same in a segment", rate(json!({"minutes": 60, "segment": {"channel": "ussd"}}))),
        ("rate, 30 days", rate(json!({"days": 30}))),
        (
            "outcome, 60 minutes",
            json!({"figure": "outcome", "outcome": "resolved", "minutes": 60, "below": 0.01}),
        ),
    ]
}

/// The median of looks at so many equal rules; they are gone afterwards.
async fn measure(store: &Store, project: ProjectId, rules: u64, when: &Json) -> Duration {
    let mut ids = Vec::new();
    for n in 0..rules {
        let spec = json!({"name": format!("rule {n}"), "when": when, "no_data": "ok"});
        let id = RuleId::new(now(), &mut ChaCha8Rng::seed_from_u64(n));
        let spec = serde_json::from_value(spec).unwrap();
        let rule = Rule { id, project_id: project, spec, created_at: now(), updated_at: now() };
        store.insert_rule(&rule).await.unwrap();
        ids.push(id);
    }
    let mut worker = RuleWorker::new(context(store));
    // The first look stores each rule's state and learns delays.
    worker.tick().await.unwrap();
    let mut looks = Vec::new();
    for _ in 0..LOOKS {
        let start = Instant::now();
        worker.tick().await.unwrap();
        looks.push(start.elapsed());
    }
    worker.release().await;
    for id in ids {
        store.delete_rule(project, id).await.unwrap();
    }
    looks.sort();
    looks[LOOKS / 2]
}

fn context(store: &Store) -> Context {
    Context {
        store: store.clone(),
        clock: Arc::new(ManualClock::new(now())),
        rng: Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(2))),
        metrics: Arc::new(Metrics::new("bench")),
        wakers: Wakers::default(),
        config: Arc::new(Config::default()),
        holder: "bench".into(),
    }
}

/// Interactions of the last hour and a half, each with what was seen of its texts and with an outcome a
/// minute later.
async fn fill(store: &Store, project: ProjectId, interactions: usize) {
    let begin = now().minus(MINUTE * 90);
    let place = |n: usize| Duration::from_mins(90) * n as u32 / interactions as u32;
    let channels = ["web", "whatsapp", "ussd", "app"];
    let item = |n: usize| NewInteraction {
        id: format!("{project}-{n}"),
        occurred_at: begin.plus(place(n)),
        query: "How can I change the number of my voucher?".to_owned(),
        response: Some("You can change that in the app.".to_owned()),
        session_id: None,
        attributes: Attributes::from([("channel".to_owned(), channels[n % 4].to_owned())]),
        model: None,
        metadata: None,
        inclusion_probability: 1.0,
        content_hash: [7; 32],
        subject: None,
        figures: Figures::default(),
        personal: Personal::default(),
        until_embedded: false,
    };
    for first in (0..interactions).step_by(BATCH) {
        let batch = first..(first + BATCH).min(interactions);
        let items: Vec<NewInteraction> = batch.clone().map(item).collect();
        store.insert_interactions(project, &items, now()).await.unwrap();
        let texts = store.claim_pending("bench", BATCH as i64, now(), MINUTE).await.unwrap();
        let embedded: Vec<EmbeddedText> = texts
            .into_iter()
            .map(|text| EmbeddedText {
                project_id: text.project_id,
                seq: text.seq,
                token: text.token,
                query: None,
                response: None,
                hashes: None,
                signals: Signals::of(&text.query, text.response.as_deref()),
                attributes: text.attributes,
                excluded: None,
                rewrite: None,
                repaired_words: 0,
                until_embedded: false,
            })
            .collect();
        store.complete_embeddings(&embedded, "sha256:bench").await.unwrap();
        let told: Vec<NewOutcome> = batch
            .map(|n| {
                let mut key = [0; 32];
                key[..8].copy_from_slice(&(n as u64).to_le_bytes());
                NewOutcome {
                    target: Target::Interaction(format!("{project}-{n}")),
                    name: "resolved".to_owned(),
                    value: Value::Flag(!n.is_multiple_of(10)),
                    occurred_at: begin.plus(place(n)).plus(MINUTE),
                    key,
                    content_hash: [1; 32],
                }
            })
            .collect();
        store.insert_outcomes(project, &told, now()).await.unwrap();
    }
}

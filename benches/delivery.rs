//! Messages per second from the outbox to a receiver that answers at once: claimed, signed, sent, recorded.
//!
//! `cargo bench --bench delivery` measures SQLite in a temp folder, and Postgres too when
//! `SEAMARK_BENCH_DATABASE_URL` names a database that may be filled. Worker and receivers share this
//! process and its cores; every message has a connection of its own, as in the daemon.

#![expect(clippy::print_stdout, reason = "the table is what a bench is for")]
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use rand::SeedableRng;
use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use seamark::clock::{Clock, SystemClock};
use seamark::id::{DeliveryId, ReceiverId};
use seamark::model::delivery::{Delivery, DeliveryStatus};
use seamark::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use seamark::notify::{self, Notifier, Secret};
use seamark::store::{self, DeliveryFilter, DispatchCommit, LeaseProof, Store};
use seamark::telemetry::Metrics;
use seamark::worker::delivery::DeliveryWorker;
use seamark::worker::{Config, Context, Wakers, driver};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("| engine | messages | receivers | messages/s |");
    println!("|---|---|---|---|");
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

async fn bench(url: &str) {
    let config =
        store::Config { url: url.to_owned(), max_connections: 16, ..store::Config::default() };
    let store = Store::open(&config).await.unwrap();
    store.migrate().await.unwrap();
    for (messages, receivers) in [(1_000, 1), (1_000, 8), (10_000, 1), (10_000, 8)] {
        let rate = measure(&store, messages, receivers).await;
        println!("| {} | {messages} | {receivers} | {rate:.0} |", store.engine_name());
    }
}

/// Fills the outbox, then starts a worker and waits until the outbox is empty.
async fn measure(store: &Store, messages: usize, receivers: usize) -> f64 {
    let arrived = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(take)).with_state(Arc::clone(&arrived));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let filter = fill(store, &url, messages, receivers).await;

    let config =
        notify::Config { allow_private: vec!["127.0.0.1".to_owned()], ..notify::Config::default() };
    let context = context(store);
    let wakers = context.wakers.clone();
    let worker = DeliveryWorker::new(context, Notifier::new(&config).unwrap());
    let stop = CancellationToken::new();
    let start = Instant::now();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { driver::run(worker, &wakers.delivery, Duration::from_millis(200), stop).await }
    });
    loop {
        let is_empty = arrived.load(Ordering::Relaxed) >= messages
            && store.list_deliveries(filter.0, &filter.1).await.unwrap().is_empty();
        if is_empty {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let rate = messages as f64 / start.elapsed().as_secs_f64();
    stop.cancel();
    running.await.unwrap();
    server.abort();
    assert_eq!(arrived.load(Ordering::Relaxed), messages, "nothing twice");
    rate
}

async fn take(State(arrived): State<Arc<AtomicUsize>>, _: String) {
    arrived.fetch_add(1, Ordering::Relaxed);
}

/// Puts the messages into the outbox in one commit; what is pending can be listed by what it returns.
async fn fill(
    store: &Store,
    url: &str,
    messages: usize,
    receivers: usize,
) -> (seamark::id::ProjectId, DeliveryFilter) {
    let now = SystemClock.now();
    let mut rng = ChaCha8Rng::from_os_rng();
    let name = format!("bench-{}-{messages}-{receivers}", std::process::id());
    let project = store.ensure_project(&name, now, &mut rng).await.unwrap();
    let mut all = Vec::new();
    for n in 0..receivers {
        let receiver = Receiver {
            id: ReceiverId::new(now, &mut rng),
            project_id: project,
            name: format!("hook-{n}"),
            kind: ReceiverKind::Webhook,
            url: url.to_owned(),
            secret: Some(Secret::generate(&mut ChaCha20Rng::from_os_rng()).reveal()),
            settings: ReceiverSettings::default(),
            target: String::new(),
            disabled: false,
            created_at: now,
        };
        store.insert_receiver(&receiver).await.unwrap();
        all.push(receiver);
    }
    // About 2 kB, as an alert's message is.
    let body = format!(r#"{{"type":"bench","data":{{"text":"{}"}}}}"#, "drift ".repeat(330));
    let deliveries = (0..messages)
        .map(|i| {
            let id = DeliveryId::new(now, &mut rng);
            Delivery::new(id, &all[i % receivers], None, "seamark.test", body.clone(), now)
        })
        .collect();
    let holder = "bench";
    let token = store.acquire_lease(&name, holder, now, Duration::from_mins(9)).await.unwrap();
    let commit = DispatchCommit {
        project_id: project,
        lease: LeaseProof { name, token: token.unwrap() },
        groups: BTreeMap::new(),
        settled: Vec::new(),
        deliveries,
        retrains: Vec::new(),
        now,
    };
    assert!(store.commit_dispatch(&commit).await.unwrap());
    let status = Some(DeliveryStatus::Pending);
    (project, DeliveryFilter { alert: None, receiver: None, status, before: None, limit: 1 })
}

fn context(store: &Store) -> Context {
    Context {
        store: store.clone(),
        clock: Arc::new(SystemClock),
        rng: Arc::new(Mutex::new(ChaCha8Rng::from_os_rng())),
        metrics: Arc::new(Metrics::new("bench")),
        wakers: Wakers::default(),
        config: Arc::new(Config::default()),
        holder: "bench".into(),
    }
}

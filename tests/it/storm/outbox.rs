//! An outbox full of messages, written as the dispatcher writes them.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use seamark::clock::{Clock, SystemClock};
use seamark::id::{DeliveryId, ProjectId, ReceiverId};
use seamark::model::delivery::{Delivery, DeliveryStatus};
use seamark::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use seamark::notify::Secret;
use seamark::store::{Config, DeliveryFilter, DispatchCommit, LeaseProof, Store};

/// A database and what was put into its outbox.
pub(super) struct Outbox {
    store: Store,
    project: ProjectId,
    /// Bodies by id.
    pub(super) bodies: BTreeMap<String, String>,
}

impl Outbox {
    /// Opens `database`, whose tables are made if need be.
    pub(super) async fn open(database: &str) -> Self {
        let config = Config { url: database.to_owned(), max_connections: 4, ..Config::default() };
        let store = Store::open(&config).await.unwrap();
        store.migrate().await.unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let project = store.ensure_project("default", SystemClock.now(), &mut rng).await.unwrap();
        Self { store, project, bodies: BTreeMap::new() }
    }

    /// Puts `messages` in, in turn to `receivers` receivers at `url`.
    pub(super) async fn fill(&mut self, url: &str, receivers: usize, messages: usize) {
        let now = SystemClock.now();
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut hooks = Vec::new();
        for n in 0..receivers {
            let receiver = self.receiver(&format!("hook-{n}"), url, &mut rng);
            self.store.insert_receiver(&receiver).await.unwrap();
            hooks.push(receiver);
        }
        let deliveries: Vec<Delivery> = (0..messages)
            .map(|n| {
                let id = DeliveryId::new(now, &mut rng);
                let body = format!(r#"{{"type":"storm","data":{{"n":{n}}}}}"#);
                Delivery::new(id, &hooks[n % receivers], None, "seamark.test", body, now)
            })
            .collect();
        self.bodies = deliveries.iter().map(|d| (d.id.to_string(), d.body.clone())).collect();
        let name = "storm".to_owned();
        let lease = Duration::from_mins(1);
        let token = self.store.acquire_lease(&name, "test", now, lease).await.unwrap().unwrap();
        let commit = DispatchCommit {
            project_id: self.project,
            lease: LeaseProof { name, token },
            groups: BTreeMap::new(),
            settled: Vec::new(),
            deliveries,
            retrains: Vec::new(),
            now,
        };
        assert!(self.store.commit_dispatch(&commit).await.unwrap());
    }

    fn receiver(&self, name: &str, url: &str, rng: &mut ChaCha8Rng) -> Receiver {
        let now = SystemClock.now();
        Receiver {
            id: ReceiverId::new(now, rng),
            project_id: self.project,
            name: name.to_owned(),
            kind: ReceiverKind::Webhook,
            url: url.to_owned(),
            secret: Some(Secret::generate(&mut ChaCha20Rng::seed_from_u64(3)).reveal()),
            settings: ReceiverSettings::default(),
            target: String::new(),
            disabled: false,
            created_at: now,
        }
    }

    /// Those in `status`, at most `limit`.
    pub(super) async fn listed(&self, status: DeliveryStatus, limit: usize) -> Vec<Delivery> {
        let filter = DeliveryFilter {
            alert: None,
            receiver: None,
            status: Some(status),
            before: None,
            limit: limit as i64,
        };
        self.store.list_deliveries(self.project, &filter).await.unwrap()
    }
}

//! A worker over a store in memory, with a clock that is moved by hand.

use std::sync::{Arc, Mutex};

use rand::SeedableRng;
use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use seamark::clock::{Clock, ManualClock, Timestamp};
use seamark::id::{DeliveryId, ReceiverId};
use seamark::model::delivery::{Attempt, Delivery};
use seamark::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use seamark::notify::{self, Notifier, Secret};
use seamark::store::{self, Store};
use seamark::telemetry::Metrics;
use seamark::worker::delivery::DeliveryWorker;
use seamark::worker::driver::Worker as _;
use seamark::worker::{Config, Context, Wakers};

/// 2026-11-23T08:30:00Z.
pub(super) const START: Timestamp = Timestamp::from_micros(1_795_422_600_000_000);

pub(super) struct Workbench {
    store: Store,
    /// The worker's time.
    pub(super) clock: Arc<ManualClock>,
    worker: DeliveryWorker,
    rng: ChaCha8Rng,
    receivers: Vec<Receiver>,
}

impl Workbench {
    pub(super) async fn new(notify: notify::Config) -> Self {
        let url = "sqlite::memory:".to_owned();
        let store = Store::open(&store::Config { url, ..store::Config::default() }).await.unwrap();
        store.migrate().await.unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let context = Context {
            store: store.clone(),
            clock: clock.clone(),
            rng: Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(1))),
            metrics: Arc::new(Metrics::new("test")),
            wakers: Wakers::default(),
            config: Arc::new(Config::default()),
            holder: "test".into(),
        };
        let allow_private = vec!["127.0.0.1".to_owned()];
        let notifier = Notifier::new(&notify::Config { allow_private, ..notify }).unwrap();
        let worker = DeliveryWorker::new(context, notifier);
        let rng = ChaCha8Rng::seed_from_u64(2);
        Self { store, clock, worker, rng, receivers: Vec::new() }
    }

    /// A webhook at `url`, in a project of its own, which nobody else's end is told to.
    pub(super) async fn receiver(&mut self, name: &str, url: &str) -> ReceiverId {
        let project = self.store.ensure_project(name, START, &mut self.rng).await.unwrap();
        let receiver = Receiver {
            id: ReceiverId::new(START, &mut self.rng),
            project_id: project,
            name: name.to_owned(),
            kind: ReceiverKind::Webhook,
            url: url.to_owned(),
            secret: Some(Secret::generate(&mut ChaCha20Rng::seed_from_u64(3)).reveal()),
            settings: ReceiverSettings::default(),
            target: String::new(),
            disabled: false,
            created_at: START,
        };
        self.store.insert_receiver(&receiver).await.unwrap();
        let id = receiver.id;
        self.receivers.push(receiver);
        id
    }

    fn known(&self, id: ReceiverId) -> &Receiver {
        self.receivers.iter().find(|receiver| receiver.id == id).unwrap()
    }

    /// Puts a message into the outbox that is due now.
    pub(super) async fn send(&mut self, to: ReceiverId) -> DeliveryId {
        let now = self.clock.now();
        let id = DeliveryId::new(now, &mut self.rng);
        let body = r#"{"type":"seamark.test","data":{"n":1}}"#.to_owned();
        let delivery = Delivery::new(id, self.known(to), None, "seamark.test", body, now);
        self.store.insert_delivery(&delivery).await.unwrap();
        id
    }

    /// Whether anything was claimed.
    pub(super) async fn tick(&mut self) -> bool {
        self.worker.tick().await.unwrap()
    }

    pub(super) async fn find(&self, to: ReceiverId, id: DeliveryId) -> Delivery {
        let project = self.known(to).project_id;
        self.store.find_delivery(project, id).await.unwrap().unwrap()
    }

    pub(super) async fn attempts(&self, id: DeliveryId) -> Vec<Attempt> {
        self.store.attempts(id).await.unwrap()
    }

    pub(super) async fn is_disabled(&self, id: ReceiverId) -> bool {
        let project = self.known(id).project_id;
        self.store.find_receiver(project, id).await.unwrap().unwrap().disabled
    }
}

//! Sample data: everything repeats with its arguments.

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::clock::Timestamp;
use seamark::id::{DeliveryId, MonitorId, ProjectId, ReceiverId, ReferenceId};
use seamark::model::delivery::{Attempt, Delivery, DeliveryStatus};
use seamark::model::interaction::{Attributes, NewInteraction};
use seamark::model::monitor::{Monitor, MonitorSpec};
use seamark::model::outcome::Figures;
use seamark::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use seamark::model::reference::{Reference, ReferenceSource, ReferenceStatus};
use seamark::model::signals::{Personal, Signals};
use seamark::store::{EmbeddedText, InsertOutcome, PendingText, Store};

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);
pub(crate) const MODEL: &str = "sha256:model";

/// 2026-11-23T08:30:00Z plus `seconds`.
pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(1_795_422_600_000_000).plus(Duration::from_secs(seconds))
}

pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub(crate) async fn project(store: &Store) -> ProjectId {
    store.ensure_project("default", at(0), &mut rng(1)).await.unwrap()
}

pub(crate) fn interaction(id: &str) -> NewInteraction {
    NewInteraction {
        id: id.to_owned(),
        occurred_at: at(0),
        query: format!("query of {id}"),
        response: Some(format!("response of {id}")),
        session_id: Some("session".to_owned()),
        attributes: Attributes::from([("channel".to_owned(), "whatsapp".to_owned())]),
        model: Some("assistant-1".to_owned()),
        metadata: Some(r#"{"k":1}"#.to_owned()),
        inclusion_probability: 0.5,
        content_hash: [7; 32],
        subject: None,
        figures: Figures::default(),
        personal: Personal::default(),
        until_embedded: false,
    }
}

pub(super) fn interactions(ids: std::ops::Range<u32>) -> Vec<NewInteraction> {
    ids.map(|n| interaction(&format!("i{n}"))).collect()
}

/// Stores interactions `i<n>` that must all be new.
pub(crate) async fn insert(store: &Store, project: ProjectId, ids: std::ops::Range<u32>) {
    let items = interactions(ids);
    let outcomes = store.insert_interactions(project, &items, at(0)).await.unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == InsertOutcome::Accepted), "{outcomes:?}");
}

/// Its vectors are exact in half precision.
pub(super) fn embedded(text: &PendingText) -> EmbeddedText {
    EmbeddedText {
        repaired_words: 0,
        project_id: text.project_id,
        seq: text.seq,
        token: text.token,
        query: Some(vec![0.5, -0.25, text.seq as f32]),
        response: None,
        hashes: Some(seamark::text::hashes::Hashes {
            fingerprint: u64::MAX - text.seq as u64,
            simhash: (text.seq % 2 == 0).then_some(text.seq as u64),
        }),
        signals: Signals::default().with(text.personal),
        attributes: seamark::model::interaction::Attributes::new(),
        excluded: None,
        rewrite: None,
        until_embedded: text.until_embedded,
    }
}

/// Claims and completes everything pending.
pub(crate) async fn embed_all(store: &Store) -> usize {
    let texts = store.claim_pending("embedder", 1000, at(0), MINUTE).await.unwrap();
    let batch: Vec<_> = texts.iter().map(embedded).collect();
    store.complete_embeddings(&batch, MODEL).await.unwrap()
}

pub(crate) fn monitor(project: ProjectId, name: &str, seed: u64) -> Monitor {
    Monitor {
        id: MonitorId::new(at(seed), &mut rng(seed)),
        project_id: project,
        spec: MonitorSpec::named(name),
        reference_id: None,
        created_at: at(seed),
        updated_at: at(seed),
    }
}

pub(crate) fn reference(monitor: &Monitor, version: i64) -> Reference {
    Reference {
        id: ReferenceId::new(at(version as u64), &mut rng(version as u64)),
        project_id: monitor.project_id,
        monitor_id: monitor.id,
        name: "launch".to_owned(),
        version,
        source: ReferenceSource::TimeRange { from: at(0), to: at(60) },
        status: ReferenceStatus::Collecting,
        progress: 0.0,
        message: None,
        n: 0,
        model_digest: None,
        seed: 42,
        created_at: at(1),
        frozen_at: None,
    }
}

pub(crate) fn receiver(project: ProjectId, name: &str) -> Receiver {
    Receiver {
        id: ReceiverId::new(at(0), &mut rng(name.len() as u64)),
        project_id: project,
        name: name.to_owned(),
        kind: ReceiverKind::Webhook,
        url: "https://hooks.example/in".to_owned(),
        secret: Some("whsec_c2VjcmV0".to_owned()),
        settings: ReceiverSettings::default(),
        target: "https://hooks.example".to_owned(),
        disabled: false,
        created_at: at(0),
    }
}

pub(crate) fn delivery(receiver: &Receiver, seed: u64) -> Delivery {
    Delivery {
        id: DeliveryId::new(at(seed), &mut rng(seed)),
        project_id: receiver.project_id,
        receiver_id: receiver.id,
        alert_id: None,
        event_type: "seamark.test".to_owned(),
        body: r#"{"type":"seamark.test"}"#.to_owned(),
        status: DeliveryStatus::Pending,
        attempts: 0,
        created_at: at(seed),
        next_attempt_at: at(seed),
        delivered_at: None,
    }
}

pub(super) fn attempt(delivery: DeliveryId, number: i64, status: Option<i64>) -> Attempt {
    Attempt {
        delivery_id: delivery,
        number,
        at: at(number as u64),
        status_code: status,
        duration_ms: 12,
        error: status.is_none().then(|| "connection refused".to_owned()),
    }
}

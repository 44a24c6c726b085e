//! The worker of retention goes by its settings and its clock.

use std::sync::{Arc, Mutex};

use seamark::clock::{Clock, ManualClock};
use seamark::telemetry::Metrics;
use seamark::worker::config::{Config, Retention};
use seamark::worker::driver::Worker as _;
use seamark::worker::retention::RetentionWorker;
use seamark::worker::{Context, Wakers};

use super::sample::{DAY, at, embed_all, insert, interaction, project, rng};
use super::setup::TestStore;

/// The longest of them is the last to let go; the audit trail has none.
pub(super) async fn each_class_goes_on_its_day(store: TestStore) {
    let project = project(&store).await;
    insert(&store, project, 0..3).await;
    assert_eq!(embed_all(&store).await, 3);
    // Never embedded, so set aside when its text goes.
    store.insert_interactions(project, &[interaction("waits")], at(0)).await.unwrap();
    let record = seamark::model::audit::AuditRecord::by_system(
        "monitor.create",
        "m".to_owned(),
        serde_json::json!({}),
    );
    store.append_audit(project, &record, at(0)).await.unwrap();
    let clock = Arc::new(ManualClock::new(at(0)));
    let retention = Retention { texts_days: 2, quarantined_days: 4, ..Retention::default() };
    let context = Context {
        store: store.clone(),
        clock: clock.clone(),
        rng: Arc::new(Mutex::new(rng(1))),
        metrics: Arc::new(Metrics::new("test")),
        wakers: Wakers::default(),
        config: Arc::new(Config { retention, ..Config::default() }),
        holder: "me".into(),
    };
    let mut worker = RetentionWorker::new(context);
    // Days after the first, interactions with a text, pending, set aside, and all that are there.
    let days =
        [(1, 3, 1, 0, 4), (2, 3, 1, 0, 4), (3, 0, 0, 1, 4), (5, 0, 0, 0, 3), (91, 0, 0, 0, 0)];
    for (day, texts, pending, quarantined, there) in days {
        clock.set(at(0).plus(DAY * day));
        worker.tick().await.unwrap();
        let ids: Vec<String> = (0..3).map(|n| format!("i{n}")).collect();
        let found = store.interactions_by_id(project, &ids).await.unwrap();
        let with_text = found.iter().filter(|item| item.query.is_some()).count();
        let c = store.counts(project).await.unwrap();
        assert_eq!((with_text, c.pending, c.quarantined), (texts, pending, quarantined), "{day}");
        assert_eq!(c.accepted - c.expired, there, "{day}");
        assert_eq!(c.accepted, c.pending + c.embedded + c.quarantined + c.expired);
    }
    assert!(clock.now() > at(0));
    let walk = store.verify_audit(project, None).await.unwrap();
    assert!(walk.is_ok(), "the trail is kept");
    assert!(!store.audit_after(project, 0).await.unwrap().is_empty());
}

//! References: their rows, and the freeze.

use seamark::model::interaction::{Attributes, Event};
use seamark::model::reference::{Reference, ReferenceStatus};
use seamark::store::{BucketRow, EvaluationCommit, FreezeCommit, StoreError};

use super::evaluations::{commit, lease};
use super::sample::{MODEL, at, embed_all, insert, interaction, monitor, project, reference};
use super::setup::TestStore;

fn event(position: i64) -> Event {
    Event {
        position,
        interaction_id: format!("i{position}"),
        occurred_at: at(position as u64),
        session_id: (position % 2 == 0).then(|| "s".to_owned()),
        attributes: Attributes::from([("n".to_owned(), position.to_string())]),
        query: Some(vec![0.5, -1.0, 0.25]),
        response: (position % 3 == 0).then(|| vec![1.0, 0.0, 0.125]),
        hashes: (position % 2 == 1).then_some(seamark::text::hashes::Hashes {
            fingerprint: u64::MAX,
            simhash: (position % 3 == 0).then_some(u64::MAX - 1),
        }),
        signals: seamark::model::signals::Signals::default(),
        outcomes: Vec::new(),
    }
}

fn freeze(reference: &Reference) -> FreezeCommit {
    FreezeCommit {
        reference_id: reference.id,
        monitor_id: reference.monitor_id,
        cursor: None,
        n: 7,
        model_digest: MODEL.to_owned(),
        profile: vec![1, 2, 3],
        message: Some("small".to_owned()),
    }
}

pub(super) async fn rows_come_back_bit_by_bit(store: TestStore) {
    let project = project(&store).await;
    let monitor = monitor(project, "support", 1);
    store.insert_monitor(&monitor).await.unwrap();
    let reference = reference(&monitor, 1);
    store.insert_reference(&reference).await.unwrap();
    let rows: Vec<Event> = (1..=7).map(event).collect();
    store.put_reference_rows(reference.id, 1, &rows[4..]).await.unwrap();
    store.put_reference_rows(reference.id, 0, &rows[..2]).await.unwrap();
    store.put_reference_rows(reference.id, 0, &rows[..4]).await.unwrap();
    assert_eq!(store.reference_rows(reference.id).await.unwrap(), rows);
}

pub(super) async fn a_freeze_starts_the_evaluation_anew(store: TestStore) {
    let project = project(&store).await;
    let mut monitor = monitor(project, "support", 1);
    store.insert_monitor(&monitor).await.unwrap();
    let reference = reference(&monitor, 1);
    store.insert_reference(&reference).await.unwrap();
    let lease = lease(&store).await;
    let bucket =
        BucketRow { grid: "g".to_owned(), key: 1, closed: false, ends_at: at(1), data: vec![1] };
    let before = EvaluationCommit { upsert_buckets: vec![bucket], ..commit(&monitor, &lease, 0) };
    store.commit_evaluation(&before).await.unwrap();
    insert(&store, project, 0..3).await;
    embed_all(&store).await;
    assert_eq!(store.reference_profile(reference.id).await.unwrap(), None);
    assert!(store.freeze_reference(&freeze(&reference), at(50)).await.unwrap());
    let state = store.evaluation_state(monitor.id).await.unwrap().unwrap();
    assert_eq!((state.cursor, state.state, state.buckets.len()), (3, None, 0));
    monitor.reference_id = Some(reference.id);
    monitor.updated_at = at(50);
    assert_eq!(store.find_monitor(project, monitor.id).await.unwrap(), Some(monitor));
    assert_eq!(store.reference_profile(reference.id).await.unwrap(), Some(vec![1, 2, 3]));
    let frozen = store.find_reference(project, reference.id).await.unwrap().unwrap();
    assert_eq!((frozen.status, frozen.n), (ReferenceStatus::Ready, 7));
    assert_eq!((frozen.frozen_at, frozen.progress), (Some(at(50)), 1.0));
}

pub(super) async fn what_is_ready_is_immutable(store: TestStore) {
    let project = project(&store).await;
    let monitor = monitor(project, "support", 1);
    store.insert_monitor(&monitor).await.unwrap();
    let first = reference(&monitor, 1);
    store.insert_reference(&first).await.unwrap();
    assert_eq!(store.next_reference_version(project, monitor.id, "launch").await.unwrap(), 2);
    assert_eq!(store.next_reference_version(project, monitor.id, "other").await.unwrap(), 1);
    let error = store.insert_reference(&Reference { ..reference(&monitor, 1) }).await.unwrap_err();
    assert!(matches!(error, StoreError::Taken { .. }), "{error:?}");
    store.put_reference_rows(first.id, 0, &[event(1)]).await.unwrap();
    let computing = ReferenceStatus::Computing;
    store.set_reference_progress(first.id, computing, 0.5, Some("calibrating")).await.unwrap();
    let running = store.references_in(computing).await.unwrap();
    assert_eq!((running[0].progress, running[0].message.as_deref()), (0.5, Some("calibrating")));
    assert!(store.freeze_reference(&freeze(&first), at(50)).await.unwrap());
    let frozen = store.find_reference(project, first.id).await.unwrap();
    assert!(!store.freeze_reference(&freeze(&first), at(60)).await.unwrap());
    store.put_reference_rows(first.id, 0, &[event(2)]).await.unwrap();
    store.set_reference_progress(first.id, ReferenceStatus::Failed, 0.0, None).await.unwrap();
    assert_eq!(store.find_reference(project, first.id).await.unwrap(), frozen);
    assert_eq!(store.reference_rows(first.id).await.unwrap(), [event(1)]);
}

pub(super) async fn uploaded_texts_go_with_the_freeze_or_the_refusal(store: TestStore) {
    let project = project(&store).await;
    let monitor = monitor(project, "support", 1);
    store.insert_monitor(&monitor).await.unwrap();
    for (n, is_frozen) in [(1, true), (2, false)] {
        let reference = reference(&monitor, n);
        store.insert_reference_upload(&reference, &[interaction("a")]).await.unwrap();
        assert_eq!(store.reference_upload(reference.id).await.unwrap().len(), 1);
        if is_frozen {
            assert!(store.freeze_reference(&freeze(&reference), at(50)).await.unwrap());
        } else {
            store.delete_reference_upload(reference.id).await.unwrap();
        }
        assert_eq!(store.reference_upload(reference.id).await.unwrap(), []);
    }
}

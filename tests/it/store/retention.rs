//! Retention: each kind of data by its own age, and no count is lost.

use seamark::clock::Timestamp;
use seamark::model::interaction::InteractionState;
use seamark::store::{EvaluationCommit, RetentionCounts, RetentionCutoffs, Store};

use super::evaluations::{commit, lease};
use super::sample::{DAY, MODEL, at, embed_all, interactions, monitor, project};
use super::setup::TestStore;

/// Noon-ish of the day `n` days after the first.
fn day(n: u32) -> Timestamp {
    at(0).plus(DAY * n)
}

/// One partition is missing on purpose: days 0 and 2 … 5 have one, day 1 lies in the default.
async fn three_days(store: &Store) -> seamark::id::ProjectId {
    let project = project(store).await;
    store.insert_interactions(project, &interactions(10..12), day(1)).await.unwrap();
    store.ensure_partitions(day(0)).await.unwrap();
    store.ensure_partitions(day(2)).await.unwrap();
    store.insert_interactions(project, &interactions(0..2), day(0)).await.unwrap();
    store.insert_interactions(project, &interactions(20..22), day(2)).await.unwrap();
    project
}

pub(super) async fn each_kind_expires_by_its_own_age(store: TestStore) {
    let project = three_days(&store).await;
    embed_all(&store).await;
    let monitor = monitor(project, "support", 1);
    store.insert_monitor(&monitor).await.unwrap();
    let bucket = |key: i64, closed: bool| seamark::store::BucketRow {
        grid: "g".to_owned(),
        key,
        closed,
        ends_at: day(key as u32),
        data: vec![1],
    };
    let lease = lease(&store).await;
    let buckets = EvaluationCommit {
        upsert_buckets: vec![bucket(0, true), bucket(1, false), bucket(2, true)],
        ..commit(&monitor, &lease, 6)
    };
    store.commit_evaluation(&buckets).await.unwrap();

    let texts = RetentionCutoffs { texts_before: Some(day(2)), ..RetentionCutoffs::default() };
    let counts = store.apply_retention(&texts).await.unwrap();
    assert_eq!(counts, RetentionCounts { texts: 4, ..RetentionCounts::default() });
    let old = store.find_interaction(project, "i0").await.unwrap().unwrap();
    assert_eq!((old.query, old.state), (None, InteractionState::Embedded));
    assert_eq!(store.events_after(project, 0, MODEL, 99).await.unwrap().len(), 6);

    let more = RetentionCutoffs {
        embeddings_before: Some(day(1)),
        sketches_before: Some(day(2)),
        ..texts
    };
    let counts = store.apply_retention(&more).await.unwrap();
    let wanted = RetentionCounts {
        embeddings: 2,
        interactions: 2,
        buckets: 1,
        ..RetentionCounts::default()
    };
    assert_eq!(counts, wanted);
    assert_eq!(store.find_interaction(project, "i0").await.unwrap(), None);
    assert_eq!(store.events_after(project, 0, MODEL, 99).await.unwrap().len(), 4);
    assert_eq!(store.apply_retention(&more).await.unwrap(), RetentionCounts::default());
}

pub(super) async fn nothing_expires_without_a_cutoff(store: TestStore) {
    let project = three_days(&store).await;
    let counts = store.apply_retention(&RetentionCutoffs::default()).await.unwrap();
    assert_eq!(counts, RetentionCounts::default());
    assert_eq!(store.counts(project).await.unwrap().pending, 6);
}

pub(super) async fn counts_are_conserved_through_retention(store: TestStore) {
    let project = three_days(&store).await;
    embed_all(&store).await;
    store.insert_interactions(project, &interactions(30..33), day(0)).await.unwrap();
    let texts = RetentionCutoffs { texts_before: Some(day(1)), ..RetentionCutoffs::default() };
    store.apply_retention(&texts).await.unwrap();
    let c = store.counts(project).await.unwrap();
    assert_eq!((c.accepted, c.embedded, c.pending, c.quarantined), (9, 6, 0, 3));
    let both = RetentionCutoffs { embeddings_before: Some(day(1)), ..texts };
    store.apply_retention(&both).await.unwrap();
    let c = store.counts(project).await.unwrap();
    assert_eq!((c.accepted, c.embedded, c.quarantined, c.expired), (9, 4, 0, 5));
    assert_eq!(c.accepted, c.pending + c.embedded + c.quarantined + c.expired);
    // An expired id is forgotten: sent again it is a new interaction.
    store.insert_interactions(project, &interactions(0..1), day(3)).await.unwrap();
    assert_eq!(store.counts(project).await.unwrap().accepted, 10);
}

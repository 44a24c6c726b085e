//! Retention: each kind of data by its own age, and no count is lost.

use seamark::clock::Timestamp;
use seamark::model::delivery::{Delivery, DeliveryStatus};
use seamark::model::interaction::InteractionState;
use seamark::model::outcome::{NewOutcome, Target, Value};
use seamark::model::preparation::Cleaning;
use seamark::model::reference::ReferenceStatus;
use seamark::store::{
    EmbeddedText, EvaluationCommit, PendingText, RetentionCounts, RetentionCutoffs, Rewrite, Store,
};

use super::evaluations::{commit, lease};
use super::sample::{
    DAY, MINUTE, MODEL, at, delivery, embed_all, embedded, interactions, monitor, project,
    receiver, reference,
};
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

/// What is asked of a class removes of that class and of nothing else.
pub(super) async fn classes_have_retentions_of_their_own(store: TestStore) {
    let project = three_days(&store).await;
    // One interaction of the first day cannot be embedded; another was cleaned.
    let claimed = store.claim_pending("w", 10, at(0), MINUTE).await.unwrap();
    let bad = claimed.iter().find(|text| text.id == "i0").unwrap();
    assert!(store.fail_embedding(project, bad.seq, bad.token, "no", 1).await.unwrap());
    let mut rest: Vec<EmbeddedText> =
        claimed.iter().filter(|text| text.id != "i0").map(embedded).collect();
    let cleaned = rest.iter_mut().find(|text| text.seq == seq_of(&claimed, "i1")).unwrap();
    // Counted among what is left out.
    cleaned.excluded = Some("probe".to_owned());
    cleaned.rewrite = Some(Rewrite {
        query: "clean".to_owned(),
        response: None,
        original: Some(("as it came".to_owned(), None)),
        cleaning: Cleaning { version: 1, query: Vec::new(), response: Vec::new() },
    });
    assert_eq!(store.complete_embeddings(&rest, MODEL).await.unwrap(), 5);
    let told = |key: u8, id: &str| NewOutcome {
        target: Target::Interaction(id.to_owned()),
        name: "resolved".to_owned(),
        value: Value::Flag(true),
        occurred_at: day(0),
        key: [key; 32],
        content_hash: [key; 32],
    };
    let outcomes = [told(1, "i0"), told(2, "i1"), told(3, "nobody")];
    store.insert_outcomes(project, &outcomes, day(0)).await.unwrap();
    let monitor = monitor(project, "support", 1);
    store.insert_monitor(&monitor).await.unwrap();
    let reference = reference(&monitor, 1);
    store.insert_reference_upload(&reference, &interactions(0..3)).await.unwrap();
    let receiver = receiver(project, "r");
    store.insert_receiver(&receiver).await.unwrap();
    for (seed, status) in [
        (1, DeliveryStatus::Delivered),
        (2, DeliveryStatus::Exhausted),
        (3, DeliveryStatus::Pending),
    ] {
        let delivery = Delivery { status, ..delivery(&receiver, seed) };
        store.insert_delivery(&delivery).await.unwrap();
    }

    let cut = Some(day(1));
    let none = RetentionCutoffs::default;
    let zero = RetentionCounts::default;
    let classes = [
        (
            RetentionCutoffs { originals_before: cut, ..none() },
            RetentionCounts { originals: 1, ..zero() },
        ),
        (
            RetentionCutoffs { quarantined_before: cut, ..none() },
            RetentionCounts { texts: 1, interactions: 1, quarantined: 1, outcomes: 1, ..zero() },
        ),
        (
            RetentionCutoffs { parked_before: cut, ..none() },
            RetentionCounts { outcomes: 1, ..zero() },
        ),
        (
            RetentionCutoffs { outcomes_before: cut, ..none() },
            RetentionCounts { outcomes: 1, ..zero() },
        ),
        (
            RetentionCutoffs { uploads_before: cut, ..none() },
            RetentionCounts { uploads: 1, ..zero() },
        ),
        (
            RetentionCutoffs { deliveries_before: cut, ..none() },
            RetentionCounts { deliveries: 1, ..zero() },
        ),
        (
            RetentionCutoffs { dead_letters_before: cut, ..none() },
            RetentionCounts { dead_letters: 1, ..zero() },
        ),
    ];
    for (cutoffs, wanted) in classes {
        let early = store.apply_retention(&earlier(cutoffs)).await.unwrap();
        assert_eq!(early, zero(), "{cutoffs:?}: it is not old enough");
        assert_eq!(store.apply_retention(&cutoffs).await.unwrap(), wanted, "{cutoffs:?}");
        assert_eq!(store.apply_retention(&cutoffs).await.unwrap(), zero(), "{cutoffs:?}");
    }
    let quality = RetentionCutoffs { quality_before: Some(day(3)), ..none() };
    assert!(store.apply_retention(&quality).await.unwrap().quality > 0);
    let cleaned = store.find_interaction(project, "i1").await.unwrap().unwrap();
    assert_eq!(cleaned.query.as_deref(), Some("clean"), "only the original went");
    let failed = store.find_reference(project, reference.id).await.unwrap().unwrap();
    assert_eq!(failed.status, ReferenceStatus::Failed);
    assert!(failed.message.unwrap().contains("upload it again"));
    let c = store.counts(project).await.unwrap();
    assert_eq!((c.accepted, c.embedded, c.quarantined, c.expired), (6, 5, 0, 1));
    let c = store.outcome_counts(project, day(3)).await.unwrap();
    assert_eq!((c.accepted, c.joined, c.parked, c.expired), (3, 0, 0, 3));
}

fn seq_of(claimed: &[PendingText], id: &str) -> i64 {
    claimed.iter().find(|text| text.id == id).unwrap().seq
}

/// A day earlier.
fn earlier(cutoffs: RetentionCutoffs) -> RetentionCutoffs {
    let earlier = |before: Option<Timestamp>| before.map(|before| before.minus(DAY * 2));
    RetentionCutoffs {
        originals_before: earlier(cutoffs.originals_before),
        quarantined_before: earlier(cutoffs.quarantined_before),
        parked_before: earlier(cutoffs.parked_before),
        outcomes_before: earlier(cutoffs.outcomes_before),
        uploads_before: earlier(cutoffs.uploads_before),
        deliveries_before: earlier(cutoffs.deliveries_before),
        dead_letters_before: earlier(cutoffs.dead_letters_before),
        ..RetentionCutoffs::default()
    }
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

//! The work queue: every text is embedded once, whoever stops or sleeps.

use std::collections::BTreeSet;

use seamark::model::interaction::{InteractionState, NewInteraction};

use super::sample::{MINUTE, MODEL, at, embed_all, embedded, insert, interaction, project};
use super::setup::TestStore;

pub(super) async fn claims_are_not_handed_out_twice(store: TestStore) {
    let project = project(&store).await;
    insert(&store, project, 0..60).await;
    let (one, two, three) = tokio::join!(
        store.claim_pending("one", 25, at(0), MINUTE),
        store.claim_pending("two", 25, at(0), MINUTE),
        store.claim_pending("three", 25, at(0), MINUTE),
    );
    let all = [one.unwrap(), two.unwrap(), three.unwrap()].concat();
    let seqs: BTreeSet<i64> = all.iter().map(|text| text.seq).collect();
    // A skipped row is somebody else's: nobody gets it twice, and the rest comes the next time.
    assert_eq!(seqs.len(), all.len());
    let rest = store.claim_pending("four", 100, at(0), MINUTE).await.unwrap();
    assert_eq!(all.len() + rest.len(), 60);
}

pub(super) async fn an_expired_claim_is_taken_over_and_fenced(store: TestStore) {
    let project = project(&store).await;
    insert(&store, project, 0..2).await;
    let slow = store.claim_pending("slow", 10, at(0), MINUTE).await.unwrap();
    assert!(store.claim_pending("quick", 10, at(59), MINUTE).await.unwrap().is_empty());
    let quick = store.claim_pending("quick", 10, at(60), MINUTE).await.unwrap();
    assert_eq!(quick.len(), 2);
    let late: Vec<_> = slow.iter().map(embedded).collect();
    assert_eq!(store.complete_embeddings(&late, MODEL).await.unwrap(), 0);
    let (seq, token) = (slow[0].seq, slow[0].token);
    assert!(!store.fail_embedding(project, seq, token, "late", 1).await.unwrap());
    let batch: Vec<_> = quick.iter().map(embedded).collect();
    assert_eq!(store.complete_embeddings(&batch, MODEL).await.unwrap(), 2);
    assert_eq!(store.complete_embeddings(&batch, MODEL).await.unwrap(), 0);
    assert_eq!(store.last_position(project).await.unwrap(), 2);
}

pub(super) async fn released_claims_are_free_at_once(store: TestStore) {
    let project = project(&store).await;
    insert(&store, project, 0..3).await;
    store.claim_pending("stopping", 10, at(0), MINUTE).await.unwrap();
    store.release_claims("stopping").await.unwrap();
    assert_eq!(store.claim_pending("next", 10, at(0), MINUTE).await.unwrap().len(), 3);
}

pub(super) async fn poison_is_quarantined(store: TestStore) {
    let project = project(&store).await;
    insert(&store, project, 0..2).await;
    for failures in 0..3 {
        let texts = store.claim_pending("w", 1, at(0), MINUTE).await.unwrap();
        assert_eq!((texts[0].id.as_str(), texts[0].failures), ("i0", failures));
        let (seq, token) = (texts[0].seq, texts[0].token);
        assert!(store.fail_embedding(project, seq, token, "too odd", 3).await.unwrap());
    }
    assert_eq!(embed_all(&store).await, 1);
    let poison = store.find_interaction(project, "i0").await.unwrap().unwrap();
    assert_eq!(poison.state, InteractionState::Quarantined);
}

pub(super) async fn positions_are_gap_free_under_concurrent_completers(store: TestStore) {
    let project = project(&store).await;
    insert(&store, project, 0..80).await;
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..2 {
        let store = (*store).clone();
        tasks.spawn(async move {
            let holder = format!("w{worker}");
            loop {
                let texts = store.claim_pending(&holder, 7, at(0), MINUTE).await.unwrap();
                if texts.is_empty() {
                    return;
                }
                let batch: Vec<_> = texts.iter().map(embedded).collect();
                store.complete_embeddings(&batch, MODEL).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let events = store.events_after(project, 0, MODEL, 1000).await.unwrap();
    let positions: Vec<i64> = events.iter().map(|row| row.event.position).collect();
    assert_eq!(positions, (1..=80).collect::<Vec<_>>());
    assert_eq!(store.last_position(project).await.unwrap(), 80);
}

pub(super) async fn events_come_by_position_and_by_time(store: TestStore) {
    let project = project(&store).await;
    // Arrival i0, i1, i2, i3 at the times 30, 20, 10, 0.
    let items: Vec<NewInteraction> = (0..4)
        .map(|n| NewInteraction { occurred_at: at(30 - 10 * n), ..interaction(&format!("i{n}")) })
        .collect();
    store.insert_interactions(project, &items, at(40)).await.unwrap();
    assert_eq!(store.pending_between(project, at(0), at(30)).await.unwrap(), 3);
    embed_all(&store).await;
    let ids = |rows: Vec<seamark::model::interaction::EventWithTexts>| -> Vec<String> {
        rows.into_iter().map(|row| row.event.interaction_id).collect()
    };
    let after = store.events_after(project, 1, MODEL, 2).await.unwrap();
    assert_eq!(after[0].event.query.as_deref().unwrap()[..2], [0.5, -0.25]);
    assert_eq!(after[0].event.response, None);
    assert_eq!(after[0].event.attributes, items[1].attributes);
    assert_eq!(ids(after), ["i1", "i2"]);
    let between = store.events_between(project, at(0), at(30), MODEL).await.unwrap();
    assert_eq!(ids(between), ["i3", "i2", "i1"]);
    let other_model = store.events_after(project, 0, "sha256:other", 10).await.unwrap();
    assert!(other_model.is_empty());
    assert_eq!(store.pending_between(project, at(0), at(30)).await.unwrap(), 0);
}

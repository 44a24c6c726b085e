//! Interactions come in once, whatever is repeated.

use seamark::model::interaction::{Interaction, InteractionState, NewInteraction};
use seamark::store::{Counter, InsertOutcome};

use super::sample::{MINUTE, at, embed_all, insert, interaction, interactions, project, rng};
use super::setup::TestStore;

use InsertOutcome::{Accepted, Conflict, Duplicate};

fn changed(id: &str) -> NewInteraction {
    NewInteraction { content_hash: [8; 32], ..interaction(id) }
}

pub(super) async fn a_repeated_insert_is_a_duplicate(store: TestStore) {
    let project = project(&store).await;
    let items = interactions(0..3);
    let first = store.insert_interactions(project, &items, at(0)).await.unwrap();
    let second = store.insert_interactions(project, &items, at(1)).await.unwrap();
    assert_eq!((first, second), (vec![Accepted; 3], vec![Duplicate; 3]));
    let stored = store.find_interaction(project, "i0").await.unwrap().unwrap();
    assert_eq!(stored.received_at, at(0));
}

pub(super) async fn another_content_is_a_conflict(store: TestStore) {
    let project = project(&store).await;
    insert(&store, project, 0..1).await;
    let again = NewInteraction { query: "another".to_owned(), ..changed("i0") };
    let outcomes = store.insert_interactions(project, &[again], at(1)).await.unwrap();
    assert_eq!(outcomes, [Conflict]);
    let stored = store.find_interaction(project, "i0").await.unwrap().unwrap();
    assert_eq!(stored.query.as_deref(), Some("query of i0"));
}

pub(super) async fn answers_follow_the_order_of_the_batch(store: TestStore) {
    let project = project(&store).await;
    insert(&store, project, 5..6).await;
    let batch = ["i9", "i5", "i1", "i9", "i1"].map(interaction);
    let mut batch = batch.to_vec();
    batch.push(changed("i1"));
    batch.push(changed("i5"));
    batch.push(changed("i0"));
    batch.push(interaction("i0"));
    let outcomes = store.insert_interactions(project, &batch, at(1)).await.unwrap();
    assert_eq!(
        outcomes,
        [
            Accepted, Duplicate, Accepted, Duplicate, Duplicate, Conflict, Conflict, Accepted,
            Conflict
        ]
    );
    let texts = store.claim_pending("w", 10, at(1), MINUTE).await.unwrap();
    let order: Vec<_> = texts.iter().map(|text| text.id.as_str()).collect();
    assert_eq!(order, ["i5", "i9", "i1", "i0"]);
}

pub(super) async fn projects_are_apart(store: TestStore) {
    let one = project(&store).await;
    let two = store.ensure_project("two", at(0), &mut rng(2)).await.unwrap();
    let items = [(one, interaction("same")), (two, changed("same"))];
    let outcomes = store.insert_interactions_grouped(&items, at(0)).await.unwrap();
    assert_eq!(outcomes, [Accepted, Accepted]);
    assert_eq!(store.find_interaction(two, "i0").await.unwrap(), None);
    assert_eq!(store.counts(one).await.unwrap().accepted, 1);
    assert_eq!(store.counts(two).await.unwrap().accepted, 1);
}

pub(super) async fn every_field_comes_back(store: TestStore) {
    let project = project(&store).await;
    insert(&store, project, 0..2).await;
    let ids = ["i1", "nobody", "i0"].map(str::to_owned);
    let found = store.interactions_by_id(project, &ids).await.unwrap();
    let wanted = |id: &str| {
        let new = interaction(id);
        Interaction {
            id: new.id,
            occurred_at: new.occurred_at,
            received_at: at(0),
            query: Some(new.query),
            response: new.response,
            session_id: new.session_id,
            attributes: new.attributes,
            model: new.model,
            state: InteractionState::Pending,
        }
    };
    assert_eq!(found, [wanted("i1"), wanted("i0")]);
}

pub(super) async fn concurrent_senders_store_each_id_once(store: TestStore) {
    let project = project(&store).await;
    let forward = interactions(0..40);
    let mut backward = forward.clone();
    backward.reverse();
    let (one, two) = tokio::join!(
        store.insert_interactions(project, &forward, at(0)),
        store.insert_interactions(project, &backward, at(0)),
    );
    let outcomes = [one.unwrap(), two.unwrap()].concat();
    let accepted = outcomes.iter().filter(|outcome| **outcome == Accepted).count();
    assert_eq!((accepted, outcomes.len()), (40, 80));
    let counts = store.counts(project).await.unwrap();
    assert_eq!((counts.accepted, counts.duplicates, counts.pending), (40, 40, 40));
}

pub(super) async fn counts_are_conserved(store: TestStore) {
    let project = project(&store).await;
    insert(&store, project, 0..5).await;
    embed_all(&store).await;
    insert(&store, project, 5..9).await;
    store.insert_interactions(project, &[interaction("i1"), changed("i2")], at(1)).await.unwrap();
    let texts = store.claim_pending("w", 1, at(1), MINUTE).await.unwrap();
    store.fail_embedding(project, texts[0].seq, texts[0].token, "broken", 1).await.unwrap();
    let outside = [(Counter::SampledOut, 4), (Counter::Rejected, 2), (Counter::Blank, 0)];
    store.add_counters(project, &outside).await.unwrap();
    store.add_counters(project, &[(Counter::SampledOut, 1)]).await.unwrap();
    let c = store.counts(project).await.unwrap();
    assert_eq!((c.accepted, c.embedded, c.pending, c.quarantined), (9, 5, 3, 1));
    assert_eq!(c.accepted, c.pending + c.embedded + c.quarantined + c.expired);
    assert_eq!((c.duplicates, c.conflicts, c.sampled_out, c.rejected), (1, 1, 5, 2));
}

//! The life of a delivery, from the outbox to its end.

use std::collections::BTreeMap;

use seamark::id::{AlertId, ReceiverId};
use seamark::model::delivery::{Delivery, DeliveryStatus};
use seamark::model::receiver::Receiver;
use seamark::store::{
    AttemptResult, ClaimShare, ClaimedDelivery, DeliveryFilter, DeliveryNext, Store, StoreError,
};

use super::sample::{MINUTE, at, attempt, delivery, project, receiver, rng};
use super::setup::TestStore;

async fn outbox(store: &Store, n: u64) -> (Receiver, Vec<Delivery>) {
    let receiver = receiver(project(store).await, "hook");
    store.insert_receiver(&receiver).await.unwrap();
    let deliveries: Vec<_> = (1..=n).map(|seed| delivery(&receiver, seed)).collect();
    for delivery in &deliveries {
        store.insert_delivery(delivery).await.unwrap();
    }
    (receiver, deliveries)
}

async fn claim(store: &Store, seconds: u64) -> Vec<ClaimedDelivery> {
    store.claim_deliveries("w", &share(10), at(seconds), MINUTE).await.unwrap()
}

/// No receiver has a share of its own.
static ALIKE: BTreeMap<ReceiverId, i64> = BTreeMap::new();

fn share(limit: i64) -> ClaimShare<'static> {
    ClaimShare { limit, per_receiver: limit, room: &ALIKE }
}

/// Records one attempt; whether its claim still held.
async fn record(store: &Store, result: &AttemptResult) -> bool {
    store.record_attempts(std::slice::from_ref(result)).await.unwrap()[0]
}

fn result(claimed: &ClaimedDelivery, status: i64, next: DeliveryNext) -> AttemptResult {
    AttemptResult {
        delivery_id: claimed.delivery.id,
        token: claimed.token,
        attempt: attempt(claimed.delivery.id, claimed.delivery.attempts + 1, Some(status)),
        next,
        remember: None,
        disable_receiver: false,
        farewells: Vec::new(),
    }
}

pub(super) async fn a_delivery_is_retried_until_it_arrives(store: TestStore) {
    let (receiver, deliveries) = outbox(&store, 1).await;
    assert!(claim(&store, 0).await.is_empty(), "not due yet");
    let first = claim(&store, 1).await;
    assert_eq!((&first[0].delivery, &first[0].receiver), (&deliveries[0], &receiver));
    let retry = result(&first[0], 500, DeliveryNext::RetryAt(at(30)));
    assert!(record(&store, &retry).await);
    assert!(claim(&store, 29).await.is_empty());
    let second = claim(&store, 30).await;
    let arrived = result(&second[0], 204, DeliveryNext::Delivered);
    assert!(record(&store, &arrived).await);
    assert!(claim(&store, 3000).await.is_empty());
    let ended = store.find_delivery(receiver.project_id, deliveries[0].id).await.unwrap().unwrap();
    assert_eq!((ended.status, ended.attempts), (DeliveryStatus::Delivered, 2));
    assert_eq!(ended.delivered_at, Some(arrived.attempt.at));
    let attempts = store.attempts(ended.id).await.unwrap();
    assert_eq!(attempts, [retry.attempt, arrived.attempt]);
}

pub(super) async fn an_exhausted_delivery_can_be_replayed(store: TestStore) {
    let (receiver, deliveries) = outbox(&store, 2).await;
    let claimed = claim(&store, 9).await;
    let gave_up = result(&claimed[0], 500, DeliveryNext::Exhausted);
    assert!(record(&store, &gave_up).await);
    let project = receiver.project_id;
    let exhausted = DeliveryFilter {
        alert: None,
        receiver: Some(receiver.id),
        status: Some(DeliveryStatus::Exhausted),
        before: None,
        limit: 9,
    };
    let listed = store.list_deliveries(project, &exhausted).await.unwrap();
    assert_eq!(listed.iter().map(|d| d.id).collect::<Vec<_>>(), [deliveries[0].id]);
    assert!(store.replay_delivery(project, deliveries[0].id, at(50)).await.unwrap());
    let again = claim(&store, 50).await;
    assert_eq!((again[0].delivery.id, again[0].delivery.attempts), (deliveries[0].id, 1));
    assert_eq!(again[0].delivery.body, deliveries[0].body);
    let arrived = result(&again[0], 200, DeliveryNext::Delivered);
    assert!(record(&store, &arrived).await);
    assert_eq!(store.attempts(deliveries[0].id).await.unwrap().len(), 2);
    let newest = DeliveryFilter { status: None, ..exhausted };
    let page =
        store.list_deliveries(project, &DeliveryFilter { limit: 1, ..newest }).await.unwrap();
    assert_eq!(page[0].id, deliveries[1].id);
    let next = DeliveryFilter { before: Some((page[0].created_at, page[0].id)), ..newest };
    let rest = store.list_deliveries(project, &next).await.unwrap();
    assert_eq!(rest.iter().map(|d| d.id).collect::<Vec<_>>(), [deliveries[0].id]);
}

pub(super) async fn one_receiver_does_not_take_all_slots(store: TestStore) {
    let project = project(&store).await;
    let (busy, other) = (
        receiver(project, "busy"),
        Receiver { name: "other".to_owned(), ..receiver(project, "other") },
    );
    let other = Receiver { id: ReceiverId::new(at(5), &mut rng(5)), ..other };
    for receiver in [&busy, &other] {
        store.insert_receiver(receiver).await.unwrap();
    }
    for seed in 1..=20 {
        store.insert_delivery(&delivery(&busy, seed)).await.unwrap();
    }
    store.insert_delivery(&delivery(&other, 30)).await.unwrap();
    let count = async |share: ClaimShare<'static>| {
        let claimed = store.claim_deliveries("w", &share, at(99), MINUTE).await.unwrap();
        let of = |id| claimed.iter().filter(|c| c.receiver.id == id).count();
        (of(busy.id), of(other.id))
    };
    let four_each = ClaimShare { limit: 10, per_receiver: 4, room: &ALIKE };
    assert_eq!(count(four_each).await, (4, 1));
    let room = |n| Box::leak(Box::new(BTreeMap::from([(busy.id, n)])));
    assert_eq!(count(ClaimShare { room: room(0), ..four_each }).await, (0, 0));
    assert_eq!(count(ClaimShare { room: room(7), ..four_each }).await, (7, 0));
    assert_eq!(count(ClaimShare { limit: 2, ..four_each }).await, (2, 0));
    store.insert_delivery(&delivery(&other, 31)).await.unwrap();
    assert_eq!(count(ClaimShare { room: room(1), per_receiver: 0, ..four_each }).await, (1, 0));
}

/// Also where the begin is to be tried again later, and where both were written at the same moment.
pub(super) async fn no_end_overtakes_its_begin(store: TestStore) {
    let receiver = receiver(project(&store).await, "pager");
    store.insert_receiver(&receiver).await.unwrap();
    let about = |n: u64, seed: u64, event_type: &str| Delivery {
        alert_id: Some(AlertId::new(at(n), &mut rng(n))),
        event_type: event_type.to_owned(),
        created_at: at(1),
        next_attempt_at: at(1),
        ..delivery(&receiver, seed)
    };
    let firing = about(1, 9, "drift.alert.firing");
    let resolved = about(1, 2, "drift.alert.resolved");
    let reminder = Delivery { created_at: at(3), ..about(1, 3, "drift.alert.reminder") };
    let another = about(2, 4, "drift.alert.resolved");
    for delivery in [&resolved, &reminder, &another, &firing] {
        store.insert_delivery(delivery).await.unwrap();
    }
    let ids = |claimed: &[ClaimedDelivery]| {
        claimed.iter().map(|c| c.delivery.id).collect::<std::collections::BTreeSet<_>>()
    };
    let first = claim(&store, 5).await;
    assert_eq!(ids(&first), [firing.id, another.id].into());
    assert!(claim(&store, 6).await.is_empty(), "not while it is under way");
    let begin = first.iter().find(|c| c.delivery.id == firing.id).unwrap();
    assert!(record(&store, &result(begin, 500, DeliveryNext::RetryAt(at(50)))).await);
    assert!(claim(&store, 40).await.is_empty(), "nor while it waits for another try");
    let again = claim(&store, 50).await;
    assert_eq!(ids(&again), [firing.id].into());
    assert!(record(&store, &result(&again[0], 204, DeliveryNext::Delivered)).await);
    let end = claim(&store, 51).await;
    assert_eq!(ids(&end), [resolved.id].into());
    assert!(record(&store, &result(&end[0], 500, DeliveryNext::Exhausted)).await);
    assert_eq!(ids(&claim(&store, 52).await), [reminder.id].into(), "given up is out of the way");
}

pub(super) async fn all_that_was_given_up_can_be_replayed(store: TestStore) {
    let (receiver, deliveries) = outbox(&store, 4).await;
    let claimed = claim(&store, 9).await;
    let ends = [
        DeliveryNext::Exhausted,
        DeliveryNext::Delivered,
        DeliveryNext::Exhausted,
        DeliveryNext::RetryAt(at(500)),
    ];
    let results: Vec<_> =
        claimed.iter().zip(ends).map(|(claimed, next)| result(claimed, 500, next)).collect();
    assert_eq!(store.record_attempts(&results).await.unwrap(), [true; 4]);
    let project = receiver.project_id;
    let stranger = store.ensure_project("other", at(0), &mut rng(8)).await.unwrap();
    assert_eq!(store.replay_exhausted(stranger, receiver.id, at(50)).await.unwrap(), 0);
    assert_eq!(store.replay_exhausted(project, receiver.id, at(50)).await.unwrap(), 2);
    assert_eq!(store.replay_exhausted(project, receiver.id, at(51)).await.unwrap(), 0);
    let again = claim(&store, 50).await;
    let ids: Vec<_> = again.iter().map(|c| (c.delivery.id, c.delivery.attempts)).collect();
    assert_eq!(ids, [(deliveries[0].id, 1), (deliveries[2].id, 1)]);
}

/// What is lost of several attempts does not take the others along.
pub(super) async fn several_attempts_are_recorded_at_once(store: TestStore) {
    let (receiver, deliveries) = outbox(&store, 3).await;
    let claimed = claim(&store, 9).await;
    let lost = claimed[1].delivery.id;
    assert!(store.replay_delivery(receiver.project_id, lost, at(10)).await.unwrap());
    let arrived: Vec<_> =
        claimed.iter().map(|claimed| result(claimed, 204, DeliveryNext::Delivered)).collect();
    assert_eq!(store.record_attempts(&arrived).await.unwrap(), [true, false, true]);
    for (delivery, attempts) in deliveries.iter().zip([1, 0, 1]) {
        let found = store.find_delivery(receiver.project_id, delivery.id).await.unwrap().unwrap();
        assert_eq!(found.attempts, attempts);
        assert_eq!(store.attempts(delivery.id).await.unwrap().len() as i64, attempts);
    }
}

/// Several messages to a receiver that is gone make one farewell.
pub(super) async fn others_are_told_once_that_a_receiver_is_off(store: TestStore) {
    let (receiver, _) = outbox(&store, 2).await;
    let id = ReceiverId::new(at(5), &mut rng(5));
    let other = Receiver { id, name: "other".to_owned(), ..receiver.clone() };
    store.insert_receiver(&other).await.unwrap();
    for (i, claimed) in claim(&store, 9).await.iter().enumerate() {
        let gone = AttemptResult {
            disable_receiver: true,
            farewells: vec![delivery(&other, 40 + i as u64)],
            ..result(claimed, 410, DeliveryNext::Exhausted)
        };
        assert!(record(&store, &gone).await);
    }
    let of_other =
        DeliveryFilter { alert: None, receiver: Some(id), status: None, before: None, limit: 9 };
    assert_eq!(store.list_deliveries(other.project_id, &of_other).await.unwrap().len(), 1);
}

pub(super) async fn what_a_receiver_said_first_is_remembered(store: TestStore) {
    let receiver = receiver(project(&store).await, "bot");
    store.insert_receiver(&receiver).await.unwrap();
    let alert_id = Some(AlertId::new(at(1), &mut rng(9)));
    for seed in 1..=2 {
        let message = Delivery { alert_id, ..delivery(&receiver, seed) };
        store.insert_delivery(&message).await.unwrap();
    }
    let first = store.claim_deliveries("w", &share(1), at(5), MINUTE).await.unwrap();
    assert_eq!(first[0].remembered, None);
    let arrived = AttemptResult {
        remember: Some("17.5".to_owned()),
        ..result(&first[0], 200, DeliveryNext::Delivered)
    };
    assert!(record(&store, &arrived).await);
    let second = store.claim_deliveries("w", &share(1), at(5), MINUTE).await.unwrap();
    assert_eq!(second[0].remembered.as_deref(), Some("17.5"));
}

pub(super) async fn deliveries_are_not_handed_out_twice(store: TestStore) {
    outbox(&store, 20).await;
    let share_of_each = share(15);
    let (one, two) = tokio::join!(
        store.claim_deliveries("one", &share_of_each, at(99), MINUTE),
        store.claim_deliveries("two", &share_of_each, at(99), MINUTE),
    );
    let mut ids: Vec<_> =
        [one.unwrap(), two.unwrap()].concat().iter().map(|c| c.delivery.id).collect();
    let handed_out = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), handed_out);
    store.release_deliveries("one").await.unwrap();
    store.release_deliveries("two").await.unwrap();
    let all = store.claim_deliveries("three", &share(30), at(99), MINUTE).await.unwrap();
    assert_eq!(all.len(), 20);
    assert!(all.is_sorted_by_key(|claimed| claimed.delivery.next_attempt_at));
}

pub(super) async fn a_lost_claim_records_nothing(store: TestStore) {
    let (receiver, deliveries) = outbox(&store, 1).await;
    let slow = claim(&store, 1).await;
    let quick = claim(&store, 61).await;
    assert_eq!(quick.len(), 1);
    let late = result(&slow[0], 200, DeliveryNext::Delivered);
    assert!(!record(&store, &late).await);
    assert_eq!(store.attempts(deliveries[0].id).await.unwrap(), []);
    assert!(store.replay_delivery(receiver.project_id, deliveries[0].id, at(62)).await.unwrap());
    let overtaken = result(&quick[0], 200, DeliveryNext::Delivered);
    assert!(!record(&store, &overtaken).await);
}

pub(super) async fn a_gone_receiver_is_disabled(store: TestStore) {
    let (mut receiver, _) = outbox(&store, 1).await;
    let project = receiver.project_id;
    let error = store.insert_receiver(&receiver).await.unwrap_err();
    assert!(matches!(error, StoreError::Taken { what: "receiver", .. }), "{error:?}");
    let claimed = claim(&store, 1).await;
    let gone = result(&claimed[0], 410, DeliveryNext::Exhausted);
    assert!(record(&store, &AttemptResult { disable_receiver: true, ..gone }).await);
    receiver.disabled = true;
    assert_eq!(store.find_receiver(project, receiver.id).await.unwrap(), Some(receiver.clone()));
    receiver.disabled = false;
    receiver.secret = None;
    assert!(store.update_receiver(&receiver).await.unwrap());
    assert_eq!(store.list_receivers(project).await.unwrap(), [receiver.clone()]);
    store.disable_receiver(receiver.id).await.unwrap();
    assert!(store.receivers_by_id(&[receiver.id]).await.unwrap()[0].disabled);
    assert!(store.delete_receiver(project, receiver.id).await.unwrap());
    assert!(store.find_delivery(project, claimed[0].delivery.id).await.unwrap().is_none());
}

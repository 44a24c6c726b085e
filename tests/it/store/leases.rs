//! Leases: one holder at a time, and a token that only grows.

use super::sample::{MINUTE, at};
use super::setup::TestStore;

pub(super) async fn a_lease_has_one_holder(store: TestStore) {
    let take = async |holder: &str, seconds| {
        store.acquire_lease("evaluation", holder, at(seconds), MINUTE).await.unwrap()
    };
    let token = take("one", 0).await.unwrap();
    assert_eq!(take("two", 59).await, None);
    assert_eq!(take("one", 59).await, Some(token));
    assert_eq!(take("two", 118).await, None);
    let next = take("two", 119).await.unwrap();
    assert!(next > token);
    assert_eq!(take("one", 120).await, None);
    // Its own lease that ran out may have been used by nobody; the token still moves on.
    assert!(take("two", 500).await.unwrap() > next);
    let other = store.acquire_lease("other", "one", at(0), MINUTE).await.unwrap();
    assert_eq!(other, Some(1));
}

pub(super) async fn a_released_lease_is_free_at_once(store: TestStore) {
    let take = async |holder: &str| store.acquire_lease("l", holder, at(0), MINUTE).await.unwrap();
    let token = take("one").await.unwrap();
    store.release_lease("l", token + 1).await.unwrap();
    assert_eq!(take("two").await, None);
    store.release_lease("l", token).await.unwrap();
    assert!(take("two").await.unwrap() > token);
}

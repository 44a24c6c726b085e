//! Monitors and their state.

use seamark::store::StoreError;

use super::sample::{at, embed_all, insert, monitor, project, reference, rng};
use super::setup::TestStore;

pub(super) async fn names_are_unique_within_a_project(store: TestStore) {
    let one = project(&store).await;
    let two = store.ensure_project("two", at(0), &mut rng(2)).await.unwrap();
    let first = monitor(one, "support", 1);
    store.insert_monitor(&first).await.unwrap();
    let error = store.insert_monitor(&monitor(one, "support", 2)).await.unwrap_err();
    assert!(matches!(error, StoreError::Taken { what: "monitor", .. }), "{error:?}");
    store.insert_monitor(&monitor(two, "support", 3)).await.unwrap();
    let mut other = monitor(one, "other", 4);
    store.insert_monitor(&other).await.unwrap();
    other.spec.name = first.spec.name.clone();
    let error = store.update_monitor(&other, false).await.unwrap_err();
    assert!(matches!(error, StoreError::Taken { .. }), "{error:?}");
    assert_eq!(store.list_monitors(one).await.unwrap().len(), 2);
    assert_eq!(store.all_monitors().await.unwrap().len(), 3);
    assert_eq!(store.find_monitor(two, first.id).await.unwrap(), None);
}

pub(super) async fn a_changed_monitor_keeps_its_reference(store: TestStore) {
    let project = project(&store).await;
    let mut changed = monitor(project, "support", 1);
    assert!(!store.update_monitor(&changed, false).await.unwrap());
    store.insert_monitor(&changed).await.unwrap();
    changed.spec.paused = true;
    changed.updated_at = at(9);
    assert!(store.update_monitor(&changed, false).await.unwrap());
    assert_eq!(store.find_monitor(project, changed.id).await.unwrap(), Some(changed));
}

pub(super) async fn a_deleted_monitor_takes_its_state_along(store: TestStore) {
    let project = project(&store).await;
    insert(&store, project, 0..3).await;
    embed_all(&store).await;
    let gone = monitor(project, "support", 1);
    store.insert_monitor(&gone).await.unwrap();
    store.insert_reference(&reference(&gone, 1)).await.unwrap();
    let state = store.evaluation_state(gone.id).await.unwrap().unwrap();
    assert_eq!((state.cursor, state.sequence, state.state), (3, 0, None));
    assert!(store.delete_monitor(project, gone.id).await.unwrap());
    assert!(!store.delete_monitor(project, gone.id).await.unwrap());
    assert_eq!(store.evaluation_state(gone.id).await.unwrap(), None);
    assert_eq!(store.list_references(project, None).await.unwrap(), []);
}

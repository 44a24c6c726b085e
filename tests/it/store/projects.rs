//! Projects and keys.

use seamark::id::KeyId;
use seamark::model::key::{ApiKey, Role};

use super::sample::{at, project, rng};
use super::setup::TestStore;

pub(super) async fn a_project_exists_once(store: TestStore) {
    let first = store.ensure_project("default", at(0), &mut rng(1)).await.unwrap();
    let second = store.ensure_project("default", at(9), &mut rng(2)).await.unwrap();
    assert_eq!(first, second);
    let other = store.ensure_project("other", at(9), &mut rng(2)).await.unwrap();
    assert_ne!(first, other);
}

pub(super) async fn keys_live_until_they_are_revoked(store: TestStore) {
    let project = project(&store).await;
    let key = ApiKey {
        id: KeyId::new(at(0), &mut rng(3)),
        project_id: project,
        name: "first".to_owned(),
        role: Role::Admin,
        secret_hash: [9; 32],
        created_at: at(0),
        revoked_at: None,
    };
    store.insert_key(&key).await.unwrap();
    assert_eq!(store.find_key(key.id).await.unwrap(), Some(key.clone()));
    assert_eq!(store.count_keys().await.unwrap(), 1);
    assert!(store.revoke_key(project, key.id, at(5)).await.unwrap());
    assert!(!store.revoke_key(project, key.id, at(6)).await.unwrap());
    let listed = store.list_keys(project).await.unwrap();
    assert_eq!(listed, [ApiKey { revoked_at: Some(at(5)), ..key }]);
}

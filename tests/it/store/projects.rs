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
        expires_at: Some(at(9)),
        successor_id: None,
        requests_per_minute: Some(60),
        bytes_per_minute: Some(1 << 40),
    };
    store.insert_key(&key).await.unwrap();
    assert_eq!(store.find_key(key.id).await.unwrap(), Some(key.clone()));
    assert_eq!(store.count_keys().await.unwrap(), 1);
    assert!(store.revoke_key(project, key.id, at(5)).await.unwrap());
    assert!(!store.revoke_key(project, key.id, at(6)).await.unwrap());
    let listed = store.list_keys(project).await.unwrap();
    assert_eq!(listed, [ApiKey { revoked_at: Some(at(5)), ..key }]);
}

pub(super) async fn a_key_has_one_successor_and_keeps_its_sooner_end(store: TestStore) {
    let project = project(&store).await;
    let key = |seed, expires_at| ApiKey {
        id: KeyId::new(at(seed), &mut rng(seed)),
        project_id: project,
        name: "rotated".to_owned(),
        role: Role::Ingest,
        secret_hash: [seed as u8; 32],
        created_at: at(seed),
        revoked_at: None,
        expires_at,
        successor_id: None,
        requests_per_minute: None,
        bytes_per_minute: None,
    };
    let (endless, short, gone) = (key(0, None), key(1, Some(at(15))), key(2, Some(at(10))));
    for key in [&endless, &short, &gone] {
        store.insert_key(key).await.unwrap();
    }
    let next = key(3, None);
    assert!(store.rotate_key(endless.id, &next, at(20), at(10)).await.unwrap());
    let old = store.find_key(endless.id).await.unwrap().unwrap();
    assert_eq!((old.expires_at, old.successor_id), (Some(at(20)), Some(next.id)));
    assert_eq!(store.find_key(next.id).await.unwrap(), Some(next));
    let second = key(4, None);
    assert!(!store.rotate_key(endless.id, &second, at(20), at(11)).await.unwrap());
    assert_eq!(store.find_key(second.id).await.unwrap(), None, "it was not stored");
    assert!(store.rotate_key(short.id, &second, at(20), at(10)).await.unwrap());
    assert_eq!(store.find_key(short.id).await.unwrap().unwrap().expires_at, Some(at(15)));
    let third = key(5, None);
    assert!(!store.rotate_key(gone.id, &third, at(20), at(10)).await.unwrap(), "it has expired");
    let other = store.ensure_project("other", at(0), &mut rng(9)).await.unwrap();
    let foreign = ApiKey { project_id: other, ..key(6, None) };
    assert!(!store.rotate_key(second.id, &foreign, at(20), at(10)).await.unwrap());
}

//! Opening, migrating and closing.

use seamark::id::ReceiverId;
use seamark::model::receiver::Receiver;
use seamark::store::{Config, SealingKey, Store, StoreError};

use super::setup::TestStore;

pub(super) async fn migrating_twice_changes_nothing(store: TestStore) {
    store.migrate().await.unwrap();
    store.ready().await.unwrap();
}

pub(super) async fn a_closed_store_is_unavailable(store: TestStore) {
    store.close().await;
    let error = store.ready().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

async fn open(url: &str) -> Result<Store, StoreError> {
    Store::open(&Config { url: url.to_owned(), acquire_timeout_ms: 500, ..Config::default() }).await
}

#[tokio::test]
async fn a_store_without_tables_is_not_ready() {
    for url in ["sqlite::memory:".to_owned(), crate::pg::empty_database().await] {
        let store = open(&url).await.unwrap();
        let error = store.ready().await.unwrap_err();
        assert!(matches!(error, StoreError::NotMigrated { found: 0, wanted: 24 }), "{error:?}");
    }
}

#[tokio::test]
async fn another_kind_of_url_is_refused_without_its_password() {
    let error = open("mysql://user:hunter2@host/db").await.unwrap_err().to_string();
    assert!(error.contains("is not a store") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let error = open("postgres://seamark@127.0.0.1:1/seamark").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_file_outlives_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/seamark.db", folder.path().display());
    let first = open(&url).await.unwrap();
    first.migrate().await.unwrap();
    let project = super::sample::project(&first).await;
    super::sample::insert(&first, project, 0..3).await;
    // No close: as after a kill.
    let second = open(&url).await.unwrap();
    assert_eq!(second.counts(project).await.unwrap().pending, 3);
}

/// What a database holds, once sealed, no one reads without the key; what was there before stays readable.
#[tokio::test]
async fn receivers_are_sealed_with_a_key_that_is_not_in_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}/seamark.db", folder.path().display());
    for url in [file, crate::pg::database().await] {
        let with = async |key: Option<&str>| {
            let secret_key = key.map(SealingKey::new);
            Store::open(&Config { url: url.clone(), secret_key, ..Config::default() })
                .await
                .unwrap()
        };
        let (key, other) = (&*"AQ".repeat(21), &*"Ag".repeat(21));
        let (key, other) = (format!("{key}E="), format!("{other}I="));
        let plain = with(None).await;
        plain.migrate().await.unwrap();
        let before = super::sample::receiver(super::sample::project(&plain).await, "before");
        plain.insert_receiver(&before).await.unwrap();
        let sealed = with(Some(&key)).await;
        let id = ReceiverId::new(super::sample::at(9), &mut super::sample::rng(9));
        let after = Receiver { id, name: "after".to_owned(), ..before.clone() };
        sealed.insert_receiver(&after).await.unwrap();
        assert_eq!(sealed.list_receivers(before.project_id).await.unwrap().len(), 2);
        let found = sealed.find_receiver(after.project_id, after.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&after));
        for wrong in [None, Some(other.as_str())] {
            let error = with(wrong).await.find_receiver(after.project_id, after.id).await;
            assert!(matches!(error, Err(StoreError::Sealed)), "{error:?}");
        }
    }
}

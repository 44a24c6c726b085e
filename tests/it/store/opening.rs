//! Opening, migrating and closing.

use seamark::store::{Config, Store, StoreError};

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
        assert!(matches!(error, StoreError::NotMigrated { found: 0, wanted: 10 }), "{error:?}");
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

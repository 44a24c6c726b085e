//! A fresh store of each kind.

use std::ops::Deref;

use seamark::store::{Config, Store};
use tempfile::TempDir;

/// A store that is empty but for its tables.
pub(super) struct TestStore {
    store: Store,
    folder: Option<TempDir>,
}

impl TestStore {
    /// The URL of its SQLite file.
    pub(super) fn file(&self) -> Option<String> {
        let folder = self.folder.as_ref()?;
        Some(format!("sqlite://{}/new/seamark.db", folder.path().display()))
    }
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

pub(super) async fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/new/seamark.db", folder.path().display());
    TestStore { store: open(&url).await, folder: Some(folder) }
}

pub(super) async fn memory() -> TestStore {
    TestStore { store: open("sqlite::memory:").await, folder: None }
}

pub(super) async fn postgres() -> TestStore {
    TestStore { store: open(&crate::pg::database().await).await, folder: None }
}

async fn open(url: &str) -> Store {
    let config = Config { url: url.to_owned(), max_connections: 4, ..Config::default() };
    let store = Store::open(&config).await.unwrap();
    store.migrate().await.unwrap();
    store
}

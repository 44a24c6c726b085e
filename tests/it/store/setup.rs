//! A fresh store of each kind.

use std::ops::Deref;

use seamark::store::{Config, SealingKey, Store};
use tempfile::TempDir;

/// A store that is empty but for its tables.
pub(crate) struct TestStore {
    store: Store,
    folder: Option<TempDir>,
}

impl TestStore {
    /// The URL of its SQLite file.
    pub(crate) fn file(&self) -> Option<String> {
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

pub(crate) async fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/new/seamark.db", folder.path().display());
    TestStore { store: open(&url).await, folder: Some(folder) }
}

pub(crate) async fn memory() -> TestStore {
    TestStore { store: open("sqlite::memory:").await, folder: None }
}

pub(crate) async fn postgres() -> TestStore {
    TestStore { store: open(&crate::pg::database().await).await, folder: None }
}

async fn open(url: &str) -> Store {
    let secret_key = Some(SealingKey::new("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="));
    let config =
        Config { url: url.to_owned(), max_connections: 4, secret_key, ..Config::default() };
    let store = Store::open(&config).await.unwrap();
    store.migrate().await.unwrap();
    store
}

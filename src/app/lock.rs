//! One daemon per data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::store;

/// Held while a daemon works on an embedded database; freed by the system when the process ends.
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Locks the folder of an embedded database; `None` for a server's or one in memory.
    pub fn of_store(config: &store::Config) -> anyhow::Result<Option<Self>> {
        let Some(database) = config.sqlite_path() else { return Ok(None) };
        let folder = database.parent().map(PathBuf::from).unwrap_or_default();
        let shown = if folder.as_os_str().is_empty() { ".".into() } else { folder.clone() };
        std::fs::create_dir_all(&shown)
            .with_context(|| format!("cannot make the data folder {}", shown.display()))?;
        let path = folder.join("seamark.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot write to the data folder {}", shown.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => bail!(
                "the data folder {} is in use by another seamark; stop it first, or choose another folder",
                shown.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }
}

//! Seals texts anew after a rotation, and secrets after a change of the secret key.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};

/// Time between two looks for secrets of a previous key.
const SECRETS_PERIOD: Duration = Duration::from_hours(1);

/// Seals anew what is not sealed with the newest keys, some rows at a time.
pub struct EncryptionWorker {
    context: Context,
    looked_at: Option<Timestamp>,
    sealed: i64,
}

impl EncryptionWorker {
    /// A worker.
    pub fn new(context: Context) -> Self {
        Self { context, looked_at: None, sealed: 0 }
    }

    async fn secrets(&mut self, now: Timestamp) -> Result<(), WorkerError> {
        if self.looked_at.is_some_and(|at| now.since(at) < SECRETS_PERIOD) {
            return Ok(());
        }
        let secrets = self.context.store.reseal_secrets().await?;
        self.looked_at = Some(now);
        if secrets > 0 {
            tracing::info!(secrets, "sealed with the present secret key");
        }
        Ok(())
    }
}

impl Worker for EncryptionWorker {
    const NAME: &'static str = "encryption";

    async fn tick(&mut self) -> Result<bool, WorkerError> {
        let now = self.context.now();
        self.secrets(now).await?;
        let rows = self.context.store.reseal_texts(now).await?;
        self.sealed += rows;
        if rows > 0 {
            crate::fault::point("encryption.resealed");
            return Ok(true);
        }
        let destroyed = self.context.store.retire_text_keys(now).await?;
        if self.sealed > 0 || destroyed > 0 {
            tracing::info!(rows = self.sealed, destroyed, "texts are sealed with the newest keys");
            self.sealed = 0;
        }
        Ok(false)
    }
}

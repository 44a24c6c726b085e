//! Erases what people asked to have erased.

use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};

/// Carries out erasures, one commit each.
pub struct ErasureWorker {
    context: Context,
}

impl ErasureWorker {
    /// A worker.
    pub fn new(context: Context) -> Self {
        Self { context }
    }
}

impl Worker for ErasureWorker {
    const NAME: &'static str = "erasure";

    async fn tick(&mut self) -> Result<bool, WorkerError> {
        let done = self.context.store.run_erasure(self.context.now()).await?;
        if let Some(erasure) = &done {
            tracing::info!(erasure = %erasure.id, counts = ?erasure.counts, "erased");
        }
        Ok(done.is_some())
    }
}

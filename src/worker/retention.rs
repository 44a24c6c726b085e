//! Removes what has been kept long enough, and prepares the partitions of the coming days.

use std::time::Duration;

use crate::store::RetentionCutoffs;
use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};

/// Applies the retention periods.
pub struct RetentionWorker {
    context: Context,
}

impl RetentionWorker {
    /// A worker.
    pub fn new(context: Context) -> Self {
        Self { context }
    }
}

impl Worker for RetentionWorker {
    const NAME: &'static str = "retention";

    async fn tick(&mut self) -> Result<bool, WorkerError> {
        let context = &self.context;
        let now = context.now();
        let before = |days: u32| Some(now.minus(Duration::from_secs(u64::from(days) * 86_400)));
        let keep = &context.config.retention;
        context.store.ensure_partitions(now).await?;
        let cutoffs = RetentionCutoffs {
            texts_before: before(keep.texts_days),
            embeddings_before: before(keep.embeddings_days),
            sketches_before: before(keep.sketches_days),
            originals_before: before(keep.originals_days),
            quarantined_before: before(keep.quarantined_days),
            outcomes_before: before(keep.outcomes_days),
            parked_before: before(keep.parked_outcomes_days),
            uploads_before: before(keep.uploads_days),
            quality_before: before(keep.quality_days),
            reports_before: before(keep.reports_days),
            alerts_before: before(keep.alerts_days),
            deliveries_before: before(keep.deliveries_days),
            dead_letters_before: before(keep.dead_letters_days),
        };
        let removed = context.store.apply_retention(&cutoffs).await?;
        tracing::debug!(?removed, "retention applied");
        // Outside of the database, nobody who has the database can change it.
        for checkpoint in context.store.audit_checkpoints(now).await? {
            let checkpoint = serde_json::to_string(&checkpoint).unwrap_or_default();
            tracing::info!(target: "audit", %checkpoint, "checkpoint");
        }
        Ok(false)
    }
}

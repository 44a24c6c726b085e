//! Embeds what waits for it.

use std::time::Instant;

use crate::embed::{EmbedError, EmbedService, Side};
use crate::store::{EmbeddedText, PendingText};
use crate::text::is_blank;
use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};

/// Claims pending interactions, embeds their texts and gives them their positions.
pub struct EmbeddingWorker {
    context: Context,
    embedder: EmbedService,
}

/// One text of a claimed row: which row, which side.
type Slot = (usize, Side);

impl EmbeddingWorker {
    /// A worker on `embedder`.
    pub fn new(context: Context, embedder: EmbedService) -> Self {
        Self { context, embedder }
    }

    async fn embed(&self, batch: &[PendingText]) -> Result<Vec<EmbeddedText>, EmbedError> {
        let mut slots: Vec<Slot> = Vec::new();
        let mut texts = Vec::new();
        for (i, row) in batch.iter().enumerate() {
            let sides = [(Side::Query, Some(&row.query)), (Side::Response, row.response.as_ref())];
            for (side, text) in sides {
                if let Some(text) = text.filter(|text| !is_blank(text)) {
                    slots.push((i, side));
                    texts.push((side, text.clone()));
                }
            }
        }
        let vectors = self.embedder.embed(texts).await?;
        let mut rows: Vec<EmbeddedText> = batch
            .iter()
            .map(|row| EmbeddedText {
                project_id: row.project_id,
                seq: row.seq,
                token: row.token,
                query: None,
                response: None,
            })
            .collect();
        for ((i, side), vector) in slots.into_iter().zip(vectors) {
            match side {
                Side::Query => rows[i].query = Some(vector),
                Side::Response => rows[i].response = Some(vector),
            }
        }
        Ok(rows)
    }

    /// A batch that failed as a whole is tried row by row, so that a poison text costs only itself.
    async fn embed_singly(&self, batch: &[PendingText]) -> Result<Vec<EmbeddedText>, WorkerError> {
        let mut rows = Vec::new();
        for row in batch {
            match self.embed(std::slice::from_ref(row)).await {
                Ok(embedded) => rows.extend(embedded),
                Err(EmbedError::Stopped) => return Err(EmbedError::Stopped.into()),
                Err(error) => {
                    tracing::warn!(interaction = %row.id, %error, "could not embed");
                    let after = i64::from(self.context.config.quarantine_after);
                    let store = &self.context.store;
                    store
                        .fail_embedding(row.project_id, row.seq, row.token, &error.to_string(), after)
                        .await?;
                }
            }
        }
        Ok(rows)
    }
}

impl Worker for EmbeddingWorker {
    const NAME: &'static str = "embedding";

    async fn tick(&mut self) -> Result<bool, WorkerError> {
        let context = &self.context;
        let limit = i64::from(context.config.embedding_batch);
        let lease = context.config.lease();
        let batch =
            context.store.claim_pending(&context.holder, limit, context.now(), lease).await?;
        if batch.is_empty() {
            return Ok(false);
        }
        crate::fault::point("embedding.claimed");
        #[expect(clippy::disallowed_methods, reason = "measures a duration for the metrics")]
        let started = Instant::now();
        let rows = match self.embed(&batch).await {
            Ok(rows) => rows,
            Err(EmbedError::Stopped) => return Err(EmbedError::Stopped.into()),
            Err(error) if batch.len() > 1 => {
                tracing::warn!(%error, rows = batch.len(), "batch failed, trying row by row");
                self.embed_singly(&batch).await?
            }
            Err(_) => self.embed_singly(&batch).await?,
        };
        crate::fault::point("embedding.before_write");
        let digest = self.embedder.model_digest();
        context.store.complete_embeddings(&rows, digest, context.now()).await?;
        crate::fault::point("embedding.after_write");
        context.metrics.embedded_batch(rows.len(), started.elapsed());
        context.wakers.evaluation.notify_one();
        context.wakers.reference.notify_one();
        Ok(true)
    }

    async fn release(&mut self) {
        if let Err(error) = self.context.store.release_claims(&self.context.holder).await {
            tracing::warn!(%error, "could not give back claimed interactions; their lease will");
        }
    }
}

//! Embeds what waits for it.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::clock::Timestamp;
use crate::embed::{EmbedError, EmbedService, Lookups, Side};
use crate::id::ProjectId;
use crate::store::{Counter, EmbeddedText, PendingText, Rewrite};
use crate::text::hashes::Hashes;
use crate::text::is_blank;
use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};
use crate::worker::preparers::{PreparedRow, Preparers};

/// Claims pending interactions, embeds their texts and gives them their positions.
pub struct EmbeddingWorker {
    context: Context,
    embedder: EmbedService,
    /// Claimed while the batch before it was embedded, and when.
    next: Option<(Timestamp, Vec<PendingText>)>,
    counted: Lookups,
    preparers: Preparers,
}

impl EmbeddingWorker {
    /// A worker on `embedder`.
    pub fn new(context: Context, embedder: EmbedService) -> Self {
        let (counted, preparers) = (Lookups::default(), Preparers::new(embedder.clone()));
        Self { context, embedder, next: None, counted, preparers }
    }

    /// What was claimed ahead, else the next rows.
    ///
    /// Rows claimed long ago are given back first: their lease could end while they are embedded,
    /// and the look ahead would then claim them a second time and make the first claim void.
    async fn batch(&mut self) -> Result<Vec<PendingText>, WorkerError> {
        let (now, half) = (self.context.now(), self.context.config.lease() / 2);
        match self.next.take() {
            Some((since, rows)) if now < since.plus(half) => return Ok(rows),
            Some(_) => self.context.store.release_claims(&self.context.holder).await?,
            None => {}
        }
        self.claim(now).await
    }

    async fn write(&self, rows: &[EmbeddedText]) -> Result<(), WorkerError> {
        let digest = self.embedder.model_digest();
        self.context.store.complete_embeddings(rows, digest).await?;
        Ok(())
    }

    /// The next rows, which nobody else will take while the lease lasts.
    async fn claim(&self, now: Timestamp) -> Result<Vec<PendingText>, WorkerError> {
        let context = &self.context;
        let (limit, lease) = (i64::from(context.config.embedding_batch), context.config.lease());
        Ok(context.store.claim_pending(&context.holder, limit, now, lease).await?)
    }

    async fn embed(&self, batch: &[PreparedRow<'_>]) -> Result<Vec<EmbeddedText>, EmbedError> {
        let texts = batch.iter().map(|row| &row.texts);
        let texts = texts.map(|texts| (texts.query_to_embed(), texts.response.as_deref()));
        let vectors = embed_rows(&self.embedder, texts).await?;
        Ok(batch.iter().zip(vectors).map(|(row, vectors)| embedded(row, vectors)).collect())
    }

    /// Counts the texts that are blank and have no embedding.
    async fn count_blank(&self, batch: &[PendingText]) -> Result<(), WorkerError> {
        let mut blank: BTreeMap<ProjectId, i64> = BTreeMap::new();
        for row in batch {
            let texts = [Some(&row.query), row.response.as_ref()];
            let count = texts.into_iter().flatten().filter(|text| is_blank(text)).count();
            if count > 0 {
                *blank.entry(row.project_id).or_default() += count as i64;
            }
        }
        for (project, count) in blank {
            self.context.store.add_counters(project, &[(Counter::Blank, count)]).await?;
        }
        Ok(())
    }

    /// Embeds what can be embedded of `batch`; an error means that nothing can be now.
    async fn embed_all(&self, batch: &[PendingText]) -> Result<Vec<EmbeddedText>, WorkerError> {
        let batch = &self.preparers.prepare(&self.context, batch).await?;
        match self.embed(batch).await {
            Ok(rows) => Ok(rows),
            Err(error) if !error.may_be_of_texts() => Err(error.into()),
            Err(error) => {
                if batch.len() > 1 {
                    tracing::warn!(%error, rows = batch.len(), "batch failed, trying row by row");
                }
                self.embed_singly(batch).await
            }
        }
    }

    /// A batch that failed as a whole is tried row by row, so that a poison text costs only itself.
    async fn embed_singly(
        &self,
        batch: &[PreparedRow<'_>],
    ) -> Result<Vec<EmbeddedText>, WorkerError> {
        let mut rows = Vec::new();
        for prepared in batch {
            let row = prepared.row;
            match self.embed(std::slice::from_ref(prepared)).await {
                Ok(embedded) => rows.extend(embedded),
                Err(error) if !error.may_be_of_texts() => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(interaction = %row.id, %error, "could not embed");
                    let after = i64::from(self.context.config.quarantine_after);
                    let store = &self.context.store;
                    store
                        .fail_embedding(
                            row.project_id,
                            row.seq,
                            row.token,
                            &error.to_string(),
                            after,
                        )
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
        let batch = self.batch().await?;
        if batch.is_empty() {
            return Ok(false);
        }
        crate::fault::point("embedding.claimed");
        let started = Instant::now();
        // The store looks for the next batch while the model is at this one.
        let now = self.context.now();
        let (rows, next) = tokio::join!(self.embed_all(&batch), self.claim(now));
        crate::fault::point("embedding.before_write");
        let written = match rows {
            Ok(rows) => self.write(&rows).await.map(|()| rows),
            Err(error) => Err(error),
        };
        let rows = match written {
            Ok(rows) => rows,
            Err(error) => {
                self.release().await;
                return Err(error);
            }
        };
        crate::fault::point("embedding.after_write");
        // A failed look ahead costs nothing: the next tick looks again, and fails if it must.
        self.next = next.ok().filter(|rows| !rows.is_empty()).map(|rows| (now, rows));
        let context = &self.context;
        self.count_blank(&batch).await?;
        let texts = rows.iter().flat_map(|row| [&row.query, &row.response]).flatten().count();
        context.metrics.embed_texts.inc_by(texts as u64);
        let lookups = self.embedder.lookups();
        context.metrics.embed_cache_hits.inc_by(lookups.hits - self.counted.hits);
        context.metrics.embed_cache_misses.inc_by(lookups.misses - self.counted.misses);
        self.counted = lookups;
        context.metrics.embed_batch_duration.observe(started.elapsed().as_secs_f64());
        context.wakers.evaluation.notify_one();
        context.wakers.reference.notify_one();
        Ok(true)
    }

    async fn release(&mut self) {
        self.next = None;
        if let Err(error) = self.context.store.release_claims(&self.context.holder).await {
            tracing::warn!(%error, "could not give back claimed interactions; their lease will");
        }
    }
}

fn embedded(
    PreparedRow { row, texts, policies }: &PreparedRow<'_>,
    (query, response): Vectors,
) -> EmbeddedText {
    let mut signals = texts.signals;
    signals.mark(
        policies,
        (Some(&texts.query), texts.response.as_deref()),
        (query.as_deref(), response.as_deref()),
    );
    let rewrite = texts.cleaning.clone().map(|cleaning| Rewrite {
        query: texts.query.clone(),
        response: texts.response.clone(),
        original: texts.original.clone(),
        cleaning,
    });
    EmbeddedText {
        project_id: row.project_id,
        seq: row.seq,
        token: row.token,
        hashes: query.as_ref().map(|_| Hashes::of(&texts.query)),
        signals,
        attributes: row.attributes.clone(),
        excluded: texts.excluded.clone(),
        repaired_words: texts.repaired.as_ref().map_or(0, |repaired| repaired.repairs.len()),
        rewrite,
        until_embedded: row.until_embedded,
        query,
        response,
    }
}

/// The vectors of an interaction's query and response.
pub(super) type Vectors = (Option<Vec<f32>>, Option<Vec<f32>>);

/// Embeds pairs of query and response; a blank text has no vector.
pub(super) async fn embed_rows<'a>(
    embedder: &EmbedService,
    rows: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Result<Vec<Vectors>, EmbedError> {
    let mut texts = Vec::new();
    let mut present = Vec::new();
    for (query, response) in rows {
        let query = (!is_blank(query)).then(|| (Side::Query, query.to_owned()));
        let response =
            response.filter(|text| !is_blank(text)).map(|text| (Side::Response, text.to_owned()));
        present.push((query.is_some(), response.is_some()));
        texts.extend(query.into_iter().chain(response));
    }
    let mut vectors = embedder.embed(texts).await?.into_iter();
    let mut next = |is_present: bool| if is_present { vectors.next() } else { None };
    Ok(present.into_iter().map(|(query, response)| (next(query), next(response))).collect())
}

//! Retention: each kind of data expires by its own age.

use std::collections::BTreeMap;

use super::codec;
use super::counters::{self, Counter};
use super::engine::{Engine, Store, on_engine, on_tx};
use super::error::StoreError;
use super::partitions;
use super::told_values;
use crate::clock::Timestamp;
use crate::id::ProjectId;

/// Before which moment each kind of data expires; `None` keeps it for good.
///
/// Texts and embeddings go by the whole day they were received on: a day goes once all of it lies
/// before the moment. An interaction itself goes once its texts and its embeddings both have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionCutoffs {
    /// Queries and responses.
    pub texts_before: Option<Timestamp>,
    /// Embeddings.
    pub embeddings_before: Option<Timestamp>,
    /// Closed buckets, by their end.
    pub sketches_before: Option<Timestamp>,
    /// Texts as they came, where cleaning changed them; they go with the texts at the latest.
    pub originals_before: Option<Timestamp>,
    /// Interactions that could not be embedded, with their texts.
    pub quarantined_before: Option<Timestamp>,
    /// Outcomes, by the day of their interaction; they go with it at the latest.
    pub outcomes_before: Option<Timestamp>,
    /// Outcomes that wait for their interaction, by the day they were received on.
    pub parked_before: Option<Timestamp>,
    /// Rows of uploaded files whose reference did not become ready.
    pub uploads_before: Option<Timestamp>,
    /// Counts of quality and languages, by whole days.
    pub quality_before: Option<Timestamp>,
    /// Reports.
    pub reports_before: Option<Timestamp>,
    /// Alerts and retrainings that are over, and rules' histories.
    pub alerts_before: Option<Timestamp>,
    /// Deliveries that arrived.
    pub deliveries_before: Option<Timestamp>,
    /// Deliveries that were given up.
    pub dead_letters_before: Option<Timestamp>,
}

/// How many rows were deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionCounts {
    /// Texts of interactions.
    pub texts: i64,
    /// Embeddings of interactions.
    pub embeddings: i64,
    /// Interactions, now counted as expired.
    pub interactions: i64,
    /// Outcomes, which go with their interactions; parked ones by the day they were received on.
    pub outcomes: i64,
    /// Buckets.
    pub buckets: i64,
    /// Texts as they came, beside the cleaned ones.
    pub originals: i64,
    /// Interactions that were set aside; counted in `interactions`, too.
    pub quarantined: i64,
    /// Chunks of uploaded files.
    pub uploads: i64,
    /// Counts of quality.
    pub quality: i64,
    /// Reports.
    pub reports: i64,
    /// Alerts.
    pub alerts: i64,
    /// Deliveries that arrived.
    pub deliveries: i64,
    /// Deliveries that were given up.
    pub dead_letters: i64,
    /// Entries of rules' histories.
    pub rule_events: i64,
    /// Retrainings that are over.
    pub retrains: i64,
}

/// Rows a statement deletes: short enough to keep writers waiting for milliseconds only.
const CHUNK: i64 = 5_000;

/// Without its text an interaction can never be embedded: set aside, not lost.
const QUARANTINE: &str = "UPDATE interactions SET state = 'quarantined', claim_holder = NULL,
        claim_until = 0, claim_token = claim_token + 1,
        last_error = 'its text expired before it was embedded'
    WHERE day < $1 AND state = 'pending'";
const TEXTS: &str = "DELETE FROM interaction_texts WHERE (day, seq) IN
    (SELECT day, seq FROM interaction_texts WHERE day < $1 LIMIT $2)";
const EMBEDDINGS: &str = "DELETE FROM embeddings WHERE (day, seq) IN
    (SELECT day, seq FROM embeddings WHERE day < $1 LIMIT $2)";
const INTERACTIONS: &str = "DELETE FROM interactions WHERE seq IN
    (SELECT seq FROM interactions WHERE day < $1 LIMIT $2) RETURNING project_id, position";
const QUALITY: &str = "DELETE FROM quality_counts WHERE (project_id, day, side, channel, language,
    signal) IN (SELECT project_id, day, side, channel, language, signal FROM quality_counts
        WHERE day < $1 LIMIT $2)";
const OUTCOMES: &str = "DELETE FROM outcomes WHERE seq IN
    (SELECT seq FROM outcomes WHERE day < $1 LIMIT $2) RETURNING project_id, interaction_seq";
const BUCKETS: &str = "DELETE FROM buckets WHERE (monitor_id, grid, key) IN
    (SELECT monitor_id, grid, key FROM buckets WHERE closed AND ends_at < $1 LIMIT $2)";
const REPORTS: &str = "DELETE FROM reports WHERE id IN
    (SELECT id FROM reports WHERE evaluated_at < $1 LIMIT $2)";
const ALERTS: &str = "DELETE FROM alerts WHERE id IN
    (SELECT id FROM alerts WHERE state NOT IN ('pending', 'firing')
        AND COALESCE(resolved_at, started_at) < $1 LIMIT $2)";
const RULE_EVENTS: &str = "DELETE FROM rule_events WHERE seq IN
    (SELECT seq FROM rule_events WHERE at < $1 LIMIT $2)";
const RETRAINS: &str = "DELETE FROM retrains WHERE id IN
    (SELECT id FROM retrains WHERE status IN ('dry_run', 'cancelled', 'failed', 'deployed')
        AND updated_at < $1 LIMIT $2)";
const DELIVERIES: &str = "DELETE FROM deliveries WHERE id IN
    (SELECT id FROM deliveries WHERE status = 'delivered' AND created_at < $1 LIMIT $2)";
const DEAD_LETTERS: &str = "DELETE FROM deliveries WHERE id IN
    (SELECT id FROM deliveries WHERE status NOT IN ('pending', 'delivered')
        AND created_at < $1 LIMIT $2)";
const ORIGINALS: &str = "UPDATE interaction_texts SET original = NULL WHERE (day, seq) IN
    (SELECT day, seq FROM interaction_texts WHERE day < $1 AND original IS NOT NULL LIMIT $2)";
/// Outcomes first, then texts, then the rows by which both are found.
const QUARANTINED_OUTCOMES: &str = "DELETE FROM outcomes WHERE seq IN
    (SELECT o.seq FROM interactions i JOIN outcomes o ON o.interaction_seq = i.seq
        WHERE i.state = 'quarantined' AND i.day < $1 LIMIT $2)
    RETURNING project_id, interaction_seq";
const QUARANTINED_TEXTS: &str = "DELETE FROM interaction_texts WHERE (day, seq) IN
    (SELECT t.day, t.seq FROM interactions i JOIN interaction_texts t
            ON t.day = i.day AND t.seq = i.seq
        WHERE i.state = 'quarantined' AND i.day < $1 LIMIT $2)";
const QUARANTINED: &str = "DELETE FROM interactions WHERE seq IN
    (SELECT seq FROM interactions WHERE state = 'quarantined' AND day < $1 LIMIT $2)
    RETURNING project_id, position";
const PARKED: &str = "DELETE FROM outcomes WHERE seq IN
    (SELECT seq FROM outcomes WHERE interaction_seq IS NULL AND day < $1 LIMIT $2)
    RETURNING project_id, interaction_seq";
/// Without its rows a reference cannot become ready any more.
const FAIL_UPLOADS: &str = "UPDATE frozen_references SET status = 'failed',
        message = 'the rows of its file expired before they were embedded; upload it again'
    WHERE status = 'collecting' AND created_at < $1
      AND id IN (SELECT reference_id FROM reference_uploads)";
const UPLOADS: &str = "DELETE FROM reference_uploads WHERE (reference_id, chunk) IN
    (SELECT u.reference_id, u.chunk FROM reference_uploads u
        JOIN frozen_references r ON r.id = u.reference_id
        WHERE r.status IN ('failed', 'ready') AND r.created_at < $1 LIMIT $2)";

impl Store {
    /// Deletes what has expired. It can be cut off at any moment and be run again.
    pub async fn apply_retention(
        &self,
        cutoffs: &RetentionCutoffs,
    ) -> Result<RetentionCounts, StoreError> {
        let mut counts = RetentionCounts::default();
        self.expire_interactions(cutoffs, &mut counts).await?;
        self.expire_outcomes(cutoffs, &mut counts).await?;
        self.expire_others(cutoffs, &mut counts).await?;
        Ok(counts)
    }

    /// Texts, embeddings, and the interactions that have neither any more.
    async fn expire_interactions(
        &self,
        cutoffs: &RetentionCutoffs,
        counts: &mut RetentionCounts,
    ) -> Result<(), StoreError> {
        let day = |before: Option<Timestamp>| before.map(Timestamp::day);
        if let Some(day) = day(cutoffs.quarantined_before) {
            let of = [Counter::OutcomesExpired, Counter::OutcomesExpiredJoined];
            counts.outcomes += self.expire(QUARANTINED_OUTCOMES, day, of).await?;
            counts.texts += self.delete_chunks(QUARANTINED_TEXTS, day).await?;
            let of = [Counter::Expired, Counter::ExpiredEmbedded];
            counts.quarantined = self.expire(QUARANTINED, day, of).await?;
            counts.interactions += counts.quarantined;
        }
        if let Some(day) = day(cutoffs.originals_before) {
            counts.originals = self.delete_chunks(ORIGINALS, day).await?;
        }
        if let Some(day) = day(cutoffs.texts_before) {
            self.quarantine_unembedded(day).await?;
            counts.texts += self.delete_days("interaction_texts", TEXTS, day).await?;
            self.delete_chunks(told_values::EXPIRE, day).await?;
        }
        if let Some(day) = day(cutoffs.embeddings_before) {
            counts.embeddings = self.delete_days("embeddings", EMBEDDINGS, day).await?;
        }
        if let (Some(texts), Some(embeddings)) = (cutoffs.texts_before, cutoffs.embeddings_before) {
            let day = texts.min(embeddings).day();
            let of = [Counter::OutcomesExpired, Counter::OutcomesExpiredJoined];
            counts.outcomes += self.expire(OUTCOMES, day, of).await?;
            let of = [Counter::Expired, Counter::ExpiredEmbedded];
            counts.interactions += self.expire(INTERACTIONS, day, of).await?;
        }
        Ok(())
    }

    /// Outcomes that are not kept as long as their interactions.
    async fn expire_outcomes(
        &self,
        cutoffs: &RetentionCutoffs,
        counts: &mut RetentionCounts,
    ) -> Result<(), StoreError> {
        let kinds = [(OUTCOMES, cutoffs.outcomes_before), (PARKED, cutoffs.parked_before)];
        for (sql, before) in kinds {
            if let Some(day) = before.map(Timestamp::day) {
                let of = [Counter::OutcomesExpired, Counter::OutcomesExpiredJoined];
                counts.outcomes += self.expire(sql, day, of).await?;
            }
        }
        Ok(())
    }

    /// What is not kept by the row of an interaction.
    async fn expire_others(
        &self,
        cutoffs: &RetentionCutoffs,
        counts: &mut RetentionCounts,
    ) -> Result<(), StoreError> {
        let moment = |before: Option<Timestamp>| before.map(Timestamp::as_micros);
        if let Some(before) = moment(cutoffs.uploads_before) {
            on_engine!(self, writer, |pool| {
                sqlx::query(FAIL_UPLOADS).bind(before).execute(pool).await.map(|_| ())
            })?;
        }
        let alerts = moment(cutoffs.alerts_before);
        let kinds = [
            (UPLOADS, moment(cutoffs.uploads_before), &mut counts.uploads),
            (QUALITY, cutoffs.quality_before.map(Timestamp::day), &mut counts.quality),
            (BUCKETS, moment(cutoffs.sketches_before), &mut counts.buckets),
            (REPORTS, moment(cutoffs.reports_before), &mut counts.reports),
            (ALERTS, alerts, &mut counts.alerts),
            (RULE_EVENTS, alerts, &mut counts.rule_events),
            (RETRAINS, alerts, &mut counts.retrains),
            (DELIVERIES, moment(cutoffs.deliveries_before), &mut counts.deliveries),
            (DEAD_LETTERS, moment(cutoffs.dead_letters_before), &mut counts.dead_letters),
        ];
        for (sql, before, count) in kinds {
            if let Some(before) = before {
                *count = self.delete_chunks(sql, before).await?;
            }
        }
        Ok(())
    }

    async fn quarantine_unembedded(&self, day: i64) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(QUARANTINE).bind(day).execute(pool).await.map(|_| ())
        })?;
        Ok(())
    }

    /// Whole partitions where there are any, then what lies in the default one or in SQLite.
    async fn delete_days(
        &self,
        table: &'static str,
        sql: &'static str,
        day: i64,
    ) -> Result<i64, StoreError> {
        let dropped = match &self.engine {
            Engine::Postgres(pool) => partitions::drop_before(pool, table, day).await?,
            Engine::Sqlite(_) => 0,
        };
        Ok(dropped + self.delete_chunks(sql, day).await?)
    }

    async fn delete_chunks(&self, sql: &'static str, bound: i64) -> Result<i64, StoreError> {
        let mut total = 0;
        loop {
            let deleted = on_engine!(self, writer, |pool| {
                sqlx::query(sql)
                    .bind(bound)
                    .bind(CHUNK)
                    .execute(pool)
                    .await
                    .map(|done| done.rows_affected())
            })? as i64;
            total += deleted;
            if deleted < CHUNK {
                return Ok(total);
            }
        }
    }

    /// Deletes and counts in the same commits, so that the counts add up at every moment: all rows,
    /// and those that had come as far as a position or an interaction.
    async fn expire(
        &self,
        sql: &'static str,
        day: i64,
        counted: [Counter; 2],
    ) -> Result<i64, StoreError> {
        let mut total = 0;
        loop {
            let mut tx = self.begin().await?;
            let rows: Vec<(String, Option<i64>)> = on_tx!(&mut tx, |connection| {
                sqlx::query_as(sql).bind(day).bind(CHUNK).fetch_all(connection).await
            })?;
            for (project, (all, far)) in by_project(&rows)? {
                let counts = [(counted[0], all), (counted[1], far)];
                counters::add(&mut tx, project, &counts).await?;
            }
            tx.commit().await?;
            total += rows.len() as i64;
            if (rows.len() as i64) < CHUNK {
                return Ok(total);
            }
        }
    }
}

/// Per project: deleted rows, and those of them with a second column.
fn by_project(
    rows: &[(String, Option<i64>)],
) -> Result<BTreeMap<ProjectId, (i64, i64)>, StoreError> {
    let mut counts: BTreeMap<ProjectId, (i64, i64)> = BTreeMap::new();
    for (project, second) in rows {
        let (all, far) = counts.entry(codec::parse_id("interactions", project)?).or_default();
        *all += 1;
        *far += i64::from(second.is_some());
    }
    Ok(counts)
}

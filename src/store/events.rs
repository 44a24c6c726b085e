//! Embedded interactions as the detectors read them.

use super::codec;
use super::engine::{Store, on_engine};
use super::error::StoreError;
use super::sealed_texts::{self, Keyring};
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::interaction::{Event, EventWithTexts};
use crate::model::vector;
use crate::text::hashes::Hashes;

const AFTER: &str = "SELECT i.position, i.id, i.occurred_at, i.session_id, i.attributes,
        e.query, e.response, e.fingerprint, e.simhash, e.signals, t.query AS query_text,
        t.response AS response_text, t.text_key
    FROM interactions i JOIN embeddings e ON e.day = i.day AND e.seq = i.seq
    LEFT JOIN interaction_texts t ON t.day = i.day AND t.seq = i.seq
    WHERE i.project_id = $1 AND i.position > $2 AND e.model_digest = $3
      AND e.excluded IS NULL
    ORDER BY i.position LIMIT $4";
const BETWEEN: &str = "SELECT i.position, i.id, i.occurred_at, i.session_id, i.attributes,
        e.query, e.response, e.fingerprint, e.simhash, e.signals, t.query AS query_text,
        t.response AS response_text, t.text_key
    FROM interactions i JOIN embeddings e ON e.day = i.day AND e.seq = i.seq
    LEFT JOIN interaction_texts t ON t.day = i.day AND t.seq = i.seq
    WHERE i.project_id = $1 AND i.occurred_at >= $2 AND i.occurred_at < $3
      AND i.state = 'embedded' AND e.model_digest = $4
      AND e.excluded IS NULL
    ORDER BY i.occurred_at, i.position";
const PENDING_BETWEEN: &str = "SELECT COUNT(*) FROM interactions
    WHERE project_id = $1 AND occurred_at >= $2 AND occurred_at < $3 AND state = 'pending'";

#[derive(sqlx::FromRow)]
struct EventRow {
    position: i64,
    id: String,
    occurred_at: i64,
    session_id: Option<String>,
    attributes: String,
    query: Option<Vec<u8>>,
    response: Option<Vec<u8>>,
    fingerprint: Option<i64>,
    simhash: Option<i64>,
    signals: Option<String>,
    query_text: Option<String>,
    response_text: Option<String>,
    text_key: Option<i64>,
}

impl EventRow {
    fn read(self, ring: &Keyring) -> Result<EventWithTexts, StoreError> {
        let row = self;
        let open = |place, text| ring.open_some(row.text_key, place, &row.id, text);
        let query = open(sealed_texts::QUERY, row.query_text)?;
        let response = open(sealed_texts::RESPONSE, row.response_text)?;
        let signals = row.signals.map(|text| codec::from_json("embeddings", &text)).transpose()?;
        let event = Event {
            position: row.position,
            interaction_id: row.id,
            occurred_at: Timestamp::from_micros(row.occurred_at),
            session_id: row.session_id,
            attributes: codec::from_json("interactions", &row.attributes)?,
            query: row.query.map(|bytes| vector::decode(&bytes)),
            response: row.response.map(|bytes| vector::decode(&bytes)),
            hashes: row.fingerprint.map(|fingerprint| Hashes {
                fingerprint: fingerprint.cast_unsigned(),
                simhash: row.simhash.map(i64::cast_unsigned),
            }),
            signals: signals.unwrap_or_default(),
            outcomes: Vec::new(),
        };
        Ok(EventWithTexts { event, query, response })
    }
}

impl Store {
    async fn events_of(&self, rows: Vec<EventRow>) -> Result<Vec<EventWithTexts>, StoreError> {
        let ring = self.keyring(rows.iter().map(|row| row.text_key)).await?;
        rows.into_iter().map(|row| row.read(&ring)).collect()
    }

    /// Events of one embedding model after `position`, by position.
    ///
    /// Rows of another model, or past their retention, are left out: the last event's position can
    /// lie below the project's last.
    pub async fn events_after(
        &self,
        project: ProjectId,
        position: i64,
        model_digest: &str,
        limit: i64,
    ) -> Result<Vec<EventWithTexts>, StoreError> {
        let rows: Vec<EventRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(AFTER)
                .bind(project.to_string())
                .bind(position)
                .bind(model_digest)
                .bind(limit)
                .fetch_all(pool)
                .await
        })?;
        self.events_of(rows).await
    }

    /// Events of one embedding model that occurred in `[from, to)`, by time, then position.
    pub async fn events_between(
        &self,
        project: ProjectId,
        from: Timestamp,
        to: Timestamp,
        model_digest: &str,
    ) -> Result<Vec<EventWithTexts>, StoreError> {
        let rows: Vec<EventRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(BETWEEN)
                .bind(project.to_string())
                .bind(from.as_micros())
                .bind(to.as_micros())
                .bind(model_digest)
                .fetch_all(pool)
                .await
        })?;
        self.events_of(rows).await
    }

    /// Interactions that occurred in `[from, to)` and are still to be embedded.
    pub async fn pending_between(
        &self,
        project: ProjectId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<i64, StoreError> {
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_scalar(PENDING_BETWEEN)
                .bind(project.to_string())
                .bind(from.as_micros())
                .bind(to.as_micros())
                .fetch_one(pool)
                .await
        })?)
    }
}

//! References: their progress, their own copy of the rows, and the freeze.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::audit;
use super::calibration_steps;
use super::codec;
use super::engine::{Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use super::sealed_texts::{self, TextKey};
use super::uploads;
use crate::clock::Timestamp;
use crate::id::{MonitorId, ProjectId, ReferenceId};
use crate::model::audit::AuditRecord;
use crate::model::interaction::{Attributes, Event, EventOutcome};
use crate::model::reference::{Reference, ReferenceStatus};
use crate::model::signals::Signals;
use crate::model::vector;
use crate::text::hashes::Hashes;

const TABLE: &str = "frozen_references";
const CHUNKS: &str = "reference_chunks";

const INSERT: &str = "INSERT INTO frozen_references (id, project_id, monitor_id, name, version,
        source, status, progress, message, n, model_digest, seed, created_at, frozen_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
const FIND: &str = "SELECT id, project_id, monitor_id, name, version, source, status, progress,
        message, n, model_digest, seed, created_at, frozen_at
    FROM frozen_references WHERE project_id = $1 AND id = $2";
const LIST: &str = "SELECT id, project_id, monitor_id, name, version, source, status, progress,
        message, n, model_digest, seed, created_at, frozen_at
    FROM frozen_references WHERE project_id = $1 AND ($2 IS NULL OR monitor_id = $2) ORDER BY id";
const IN_STATUS: &str = "SELECT id, project_id, monitor_id, name, version, source, status,
        progress, message, n, model_digest, seed, created_at, frozen_at
    FROM frozen_references WHERE status = $1 ORDER BY id";
const NEXT_VERSION: &str = "SELECT CAST(COALESCE(MAX(version), 0) + 1 AS BIGINT)
    FROM frozen_references WHERE project_id = $1 AND monitor_id = $2 AND name = $3";
/// What is ready is immutable.
const PROGRESS: &str = "UPDATE frozen_references SET status = $2, progress = $3, message = $4
    WHERE id = $1 AND status <> 'ready'";
const BEGIN_COMPUTING: &str = "UPDATE frozen_references
    SET status = 'computing', progress = 0.0, message = NULL, model_digest = $2, writings = $3
    WHERE id = $1 AND status <> 'ready'";
const CLEAR_CHUNKS: &str = "DELETE FROM reference_chunks WHERE reference_id IN
    (SELECT id FROM frozen_references WHERE id = $1 AND status = 'collecting')";
const PUT_CHUNK: &str = "INSERT INTO reference_chunks (reference_id, chunk, events, vectors)
    SELECT id, $2, $3, $4 FROM frozen_references WHERE id = $1 AND status <> 'ready'
    ON CONFLICT (reference_id, chunk)
        DO UPDATE SET events = excluded.events, vectors = excluded.vectors";
const ROWS: &str =
    "SELECT events, vectors FROM reference_chunks WHERE reference_id = $1 ORDER BY chunk";
const WRITINGS: &str = "SELECT writings FROM frozen_references WHERE id = $1";
const PROFILE: &str =
    "SELECT profile, profile_key FROM frozen_references WHERE id = $1 AND status = 'ready'";

const FREEZE: &str = "UPDATE frozen_references SET status = 'ready', progress = 1.0, n = $2,
        model_digest = $3, profile = $4, message = $5,
        frozen_at = COALESCE(frozen_at, $6), profile_key = $7
    WHERE id = $1 AND status <> 'ready' RETURNING project_id, name, version";
const RECOMPUTE: &str = "UPDATE frozen_references SET status = 'computing', progress = 0.0
    WHERE id = $1 AND frozen_at IS NOT NULL";
const MAKE_CURRENT: &str = "UPDATE monitors SET reference_id = $2, updated_at = $3 WHERE id = $1";
const RESET_STATE: &str = "UPDATE monitor_states SET state = NULL, cursor = COALESCE($2,
        (SELECT p.position FROM projects p JOIN monitors m ON m.project_id = p.id WHERE m.id = $1))
    WHERE monitor_id = $1";
const DELETE_BUCKETS: &str = "DELETE FROM buckets WHERE monitor_id = $1";

/// Everything that makes a reference ready and its monitor's current one.
#[derive(Debug, Clone, PartialEq)]
pub struct FreezeCommit {
    /// The reference.
    pub reference_id: ReferenceId,
    /// Its monitor, whose evaluation starts anew.
    pub monitor_id: MonitorId,
    /// Where the evaluation goes on; `None` for behind what is embedded by now.
    pub cursor: Option<i64>,
    /// Rows in the reference.
    pub n: i64,
    /// Digest of the embedding model.
    pub model_digest: String,
    /// The encoded profile.
    pub profile: Vec<u8>,
    /// What to know of it.
    pub message: Option<String>,
}

#[derive(sqlx::FromRow)]
struct ReferenceRow {
    id: String,
    project_id: String,
    monitor_id: String,
    name: String,
    version: i64,
    source: String,
    status: String,
    progress: f64,
    message: Option<String>,
    n: i64,
    model_digest: Option<String>,
    seed: i64,
    created_at: i64,
    frozen_at: Option<i64>,
}

impl TryFrom<ReferenceRow> for Reference {
    type Error = StoreError;

    fn try_from(row: ReferenceRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: codec::parse_id(TABLE, &row.id)?,
            project_id: codec::parse_id(TABLE, &row.project_id)?,
            monitor_id: codec::parse_id(TABLE, &row.monitor_id)?,
            name: row.name,
            version: row.version,
            source: codec::from_json(TABLE, &row.source)?,
            status: codec::from_name(TABLE, &row.status)?,
            progress: row.progress,
            message: row.message,
            n: row.n,
            model_digest: row.model_digest,
            seed: row.seed,
            created_at: Timestamp::from_micros(row.created_at),
            frozen_at: codec::moment(row.frozen_at),
        })
    }
}

/// An event in a chunk; its vectors lie one behind the other in the chunk's bytes.
#[derive(Serialize, Deserialize)]
struct StoredEvent {
    position: i64,
    id: String,
    occurred_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    attributes: Attributes,
    query_bytes: Option<usize>,
    response_bytes: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    simhash: Option<u64>,
    #[serde(default)]
    signals: Signals,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outcomes: Vec<EventOutcome>,
}

impl Store {
    /// Sends a frozen reference back to be calibrated anew from its rows; `false` when there is none.
    pub async fn recompute_reference(&self, id: ReferenceId) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let is_frozen = recompute(&mut tx, id).await?;
        tx.commit().await?;
        Ok(is_frozen)
    }

    /// Stores a new reference.
    pub async fn insert_reference(&self, reference: &Reference) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        insert(&mut tx, reference).await?;
        tx.commit().await
    }

    /// The project's reference with this id.
    pub async fn find_reference(
        &self,
        project: ProjectId,
        id: ReferenceId,
    ) -> Result<Option<Reference>, StoreError> {
        let row: Option<ReferenceRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND)
                .bind(project.to_string())
                .bind(id.to_string())
                .fetch_optional(pool)
                .await
        })?;
        row.map(Reference::try_from).transpose()
    }

    /// The project's references, or those of one monitor, oldest first.
    pub async fn list_references(
        &self,
        project: ProjectId,
        monitor: Option<MonitorId>,
    ) -> Result<Vec<Reference>, StoreError> {
        let rows: Vec<ReferenceRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST)
                .bind(project.to_string())
                .bind(monitor.map(|id| id.to_string()))
                .fetch_all(pool)
                .await
        })?;
        codec::all(rows)
    }

    /// The references of all projects in this status, oldest first.
    pub async fn references_in(
        &self,
        status: ReferenceStatus,
    ) -> Result<Vec<Reference>, StoreError> {
        let rows: Vec<ReferenceRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(IN_STATUS).bind(status.as_str()).fetch_all(pool).await
        })?;
        codec::all(rows)
    }

    /// The version that the next reference of this name gets.
    pub async fn next_reference_version(
        &self,
        project: ProjectId,
        monitor: MonitorId,
        name: &str,
    ) -> Result<i64, StoreError> {
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_scalar(NEXT_VERSION)
                .bind(project.to_string())
                .bind(monitor.to_string())
                .bind(name)
                .fetch_one(pool)
                .await
        })?)
    }

    /// Records how far a reference has come; does nothing once it is ready.
    pub async fn set_reference_progress(
        &self,
        id: ReferenceId,
        status: ReferenceStatus,
        progress: f64,
        message: Option<&str>,
    ) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(PROGRESS)
                .bind(id.to_string())
                .bind(status.as_str())
                .bind(progress)
                .bind(message)
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// The rows are all there, embedded with the model of `model_digest`: the profile comes next.
    /// `writings` is what was learned of their texts, as JSON.
    pub async fn begin_computing(
        &self,
        id: ReferenceId,
        model_digest: &str,
        writings: &str,
    ) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(BEGIN_COMPUTING)
                .bind(id.to_string())
                .bind(model_digest)
                .bind(writings)
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// What was learned of the texts of a reference whose rows are all there, as JSON.
    pub async fn reference_writings(&self, id: ReferenceId) -> Result<Option<String>, StoreError> {
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_scalar(WRITINGS).bind(id.to_string()).fetch_optional(pool).await
        })?
        .flatten())
    }

    /// Removes the rows of an interrupted collection.
    pub async fn clear_reference_rows(&self, id: ReferenceId) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(CLEAR_CHUNKS).bind(id.to_string()).execute(pool).await.map(|_| ())
        })?;
        Ok(())
    }

    /// Stores one chunk of the reference's own rows, over what the chunk held; chunks of up to a
    /// thousand rows keep statements small. Does nothing once the reference is ready.
    pub async fn put_reference_rows(
        &self,
        id: ReferenceId,
        chunk: i64,
        rows: &[Event],
    ) -> Result<(), StoreError> {
        let (events, vectors) = encode_chunk(rows)?;
        on_engine!(self, writer, |pool| {
            sqlx::query(PUT_CHUNK)
                .bind(id.to_string())
                .bind(chunk)
                .bind(&events)
                .bind(&vectors)
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// The reference's own rows, in the order of chunks.
    pub async fn reference_rows(&self, id: ReferenceId) -> Result<Vec<Event>, StoreError> {
        let chunks: Vec<(String, Vec<u8>)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(ROWS).bind(id.to_string()).fetch_all(pool).await
        })?;
        let mut rows = Vec::new();
        for (events, vectors) in chunks {
            rows.extend(decode_chunk(&events, &vectors)?);
        }
        Ok(rows)
    }

    /// The encoded profile; `None` before the freeze and while it is computed anew.
    pub async fn reference_profile(&self, id: ReferenceId) -> Result<Option<Vec<u8>>, StoreError> {
        let id = id.to_string();
        let found: Option<(Option<Vec<u8>>, Option<i64>)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(PROFILE).bind(&id).fetch_optional(pool).await
        })?;
        let Some((Some(profile), key)) = found else { return Ok(None) };
        let ring = self.keyring(std::iter::once(key)).await?;
        ring.open_bytes(key, sealed_texts::PROFILE, &id, profile).map(Some)
    }

    /// Makes a reference ready and its monitor's current one, and lets the monitor's evaluation
    /// start anew, in one commit. False when the reference is ready already, or is gone.
    pub async fn freeze_reference(
        &self,
        freeze: &FreezeCommit,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let id = freeze.reference_id.to_string();
        let key = self.key_of_monitor(&mut tx, freeze.monitor_id, now).await?;
        let profile = match &key {
            Some(key) => key.seal_bytes(sealed_texts::PROFILE, &id, &freeze.profile)?.into(),
            None => Cow::Borrowed(&freeze.profile[..]),
        };
        let frozen: Option<(String, String, i64)> = on_tx!(&mut tx, |connection| {
            sqlx::query_as(FREEZE)
                .bind(&id)
                .bind(freeze.n)
                .bind(&freeze.model_digest)
                .bind(&*profile)
                .bind(&freeze.message)
                .bind(now.as_micros())
                .bind(key.as_ref().map(TextKey::id))
                .fetch_optional(connection)
                .await
        })?;
        let Some((project, name, version)) = frozen else { return Ok(false) };
        start_anew(&mut tx, freeze, now).await?;
        uploads::forget(&mut tx, freeze.reference_id).await?;
        calibration_steps::forget(&mut tx, freeze.reference_id).await?;
        let payload = serde_json::json!({
            "monitor_id": freeze.monitor_id, "name": name, "version": version, "n": freeze.n,
            "model_digest": freeze.model_digest,
        });
        let record = AuditRecord::by_system("reference.freeze", id, payload);
        let project = codec::parse_id(TABLE, &project)?;
        audit::append(&mut tx, &self.sealer, project, &record, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn start_anew(tx: &mut Tx, freeze: &FreezeCommit, now: Timestamp) -> Result<(), StoreError> {
    let monitor = freeze.monitor_id.to_string();
    on_tx!(tx, |connection| {
        sqlx::query(MAKE_CURRENT)
            .bind(&monitor)
            .bind(freeze.reference_id.to_string())
            .bind(now.as_micros())
            .execute(connection)
            .await
            .map(|_| ())
    })?;
    on_tx!(tx, |connection| {
        sqlx::query(RESET_STATE)
            .bind(&monitor)
            .bind(freeze.cursor)
            .execute(connection)
            .await
            .map(|_| ())
    })?;
    on_tx!(tx, |connection| {
        sqlx::query(DELETE_BUCKETS).bind(&monitor).execute(connection).await.map(|_| ())
    })?;
    Ok(())
}

/// Has the profile of a frozen reference computed anew from its own rows; `false` when there is none.
pub(super) async fn recompute(tx: &mut Tx, id: ReferenceId) -> Result<bool, StoreError> {
    let rows = on_tx!(tx, |connection| {
        let done = sqlx::query(RECOMPUTE).bind(id.to_string()).execute(connection).await;
        done.map(|done| done.rows_affected())
    })?;
    Ok(rows > 0)
}

pub(super) async fn insert(tx: &mut Tx, reference: &Reference) -> Result<(), StoreError> {
    let source = codec::to_json(TABLE, &reference.source)?;
    on_tx!(tx, |connection| {
        sqlx::query(INSERT)
            .bind(reference.id.to_string())
            .bind(reference.project_id.to_string())
            .bind(reference.monitor_id.to_string())
            .bind(&reference.name)
            .bind(reference.version)
            .bind(&source)
            .bind(reference.status.as_str())
            .bind(reference.progress)
            .bind(&reference.message)
            .bind(reference.n)
            .bind(&reference.model_digest)
            .bind(reference.seed)
            .bind(reference.created_at.as_micros())
            .bind(reference.frozen_at.map(Timestamp::as_micros))
            .execute(connection)
            .await
            .map(|_| ())
    })
    .map_err(|error| {
        let name = format!("{} version {}", reference.name, reference.version);
        StoreError::from(error).or_taken("reference", &name)
    })
}

pub(super) fn encode_chunk(rows: &[Event]) -> Result<(String, Vec<u8>), StoreError> {
    let mut vectors = Vec::new();
    let mut put = |vector: Option<&Vec<f32>>| {
        vector.map(|vector| {
            let bytes = vector::encode(vector);
            vectors.extend_from_slice(&bytes);
            bytes.len()
        })
    };
    let events: Vec<StoredEvent> = rows
        .iter()
        .map(|row| StoredEvent {
            position: row.position,
            id: row.interaction_id.clone(),
            occurred_at: row.occurred_at.as_micros(),
            session_id: row.session_id.clone(),
            attributes: row.attributes.clone(),
            query_bytes: put(row.query.as_ref()),
            response_bytes: put(row.response.as_ref()),
            fingerprint: row.hashes.map(|hashes| hashes.fingerprint),
            simhash: row.hashes.and_then(|hashes| hashes.simhash),
            signals: row.signals,
            outcomes: row.outcomes.clone(),
        })
        .collect();
    Ok((codec::to_json(CHUNKS, &events)?, vectors))
}

pub(super) fn decode_chunk(events: &str, vectors: &[u8]) -> Result<Vec<Event>, StoreError> {
    let events: Vec<StoredEvent> = codec::from_json(CHUNKS, events)?;
    let mut rest = vectors;
    let mut take = |bytes: Option<usize>| -> Result<Option<Vec<f32>>, StoreError> {
        let Some(bytes) = bytes else { return Ok(None) };
        let (vector, behind) = rest
            .split_at_checked(bytes)
            .ok_or_else(|| StoreError::corrupt(CHUNKS, "the vectors are cut short"))?;
        rest = behind;
        Ok(Some(vector::decode(vector)))
    };
    events
        .into_iter()
        .map(|event| {
            Ok(Event {
                position: event.position,
                interaction_id: event.id,
                occurred_at: Timestamp::from_micros(event.occurred_at),
                session_id: event.session_id,
                attributes: event.attributes,
                query: take(event.query_bytes)?,
                response: take(event.response_bytes)?,
                hashes: event
                    .fingerprint
                    .map(|fingerprint| Hashes { fingerprint, simhash: event.simhash }),
                signals: event.signals,
                outcomes: event.outcomes,
            })
        })
        .collect()
}

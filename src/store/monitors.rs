//! Monitors, and where the evaluation of each stands.

use super::codec;
use super::engine::{Store, on_engine, on_tx};
use super::error::StoreError;
use super::references;
use crate::clock::Timestamp;
use crate::id::{MonitorId, ProjectId};
use crate::model::monitor::Monitor;

const TABLE: &str = "monitors";
const INSERT: &str = "INSERT INTO monitors
    (id, project_id, name, spec, reference_id, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const INSERT_STATE: &str = "INSERT INTO monitor_states (monitor_id, cursor, sequence, state)
    SELECT $1, position, 0, NULL FROM projects WHERE id = $2";
const UPDATE: &str = "UPDATE monitors SET name = $3, spec = $4, updated_at = $5
    WHERE project_id = $1 AND id = $2";
const DELETE: &str = "DELETE FROM monitors WHERE project_id = $1 AND id = $2";
const FIND: &str = "SELECT * FROM monitors WHERE project_id = $1 AND id = $2";
const LIST: &str = "SELECT * FROM monitors WHERE project_id = $1 ORDER BY id";
const ALL: &str = "SELECT * FROM monitors ORDER BY id";
/// State and buckets in one statement, so that both are of the same commit.
const STATE: &str =
    "SELECT s.cursor, s.sequence, s.state, b.grid, b.key, b.closed, b.ends_at, b.data
    FROM monitor_states s LEFT JOIN buckets b ON b.monitor_id = s.monitor_id AND NOT b.closed
    WHERE s.monitor_id = $1 ORDER BY b.grid, b.key";

const TROUBLE: &str = "SELECT trouble FROM monitor_states WHERE monitor_id = $1";
const SET_TROUBLE: &str = "UPDATE monitor_states SET trouble = $2
    WHERE monitor_id = $1 AND trouble IS DISTINCT FROM $2";

/// Where the evaluation of a monitor stands: what a restart goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationState {
    /// Position of the last event that is in the buckets.
    pub cursor: i64,
    /// Sequence of the last report; 0 before the first.
    pub sequence: i64,
    /// What else the evaluation remembers; `None` since the last freeze.
    pub state: Option<Vec<u8>>,
    /// The sketches that windows still need, by grid and key.
    pub buckets: Vec<BucketRow>,
}

/// One bucket's sketch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketRow {
    /// The grid of buckets it belongs to, such as one stride by count.
    pub grid: String,
    /// Its number within the grid.
    pub key: i64,
    /// Whether nothing is added to it any more.
    pub closed: bool,
    /// Event time of its end: what its retention counts from.
    pub ends_at: Timestamp,
    /// The encoded sketch.
    pub data: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct MonitorRow {
    id: String,
    project_id: String,
    spec: String,
    reference_id: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<MonitorRow> for Monitor {
    type Error = StoreError;

    fn try_from(row: MonitorRow) -> Result<Self, StoreError> {
        let reference_id = row.reference_id.map(|id| codec::parse_id(TABLE, &id)).transpose()?;
        Ok(Self {
            id: codec::parse_id(TABLE, &row.id)?,
            project_id: codec::parse_id(TABLE, &row.project_id)?,
            spec: codec::from_json(TABLE, &row.spec)?,
            reference_id,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }
}

/// A state row, with one of its buckets if there are any.
#[derive(sqlx::FromRow)]
struct StateRow {
    cursor: i64,
    sequence: i64,
    state: Option<Vec<u8>>,
    grid: Option<String>,
    key: Option<i64>,
    closed: Option<bool>,
    ends_at: Option<i64>,
    data: Option<Vec<u8>>,
}

impl StateRow {
    fn bucket(self) -> Option<BucketRow> {
        Some(BucketRow {
            grid: self.grid?,
            key: self.key?,
            closed: self.closed?,
            ends_at: Timestamp::from_micros(self.ends_at?),
            data: self.data?,
        })
    }
}

impl Store {
    /// Stores a new monitor; its evaluation starts behind what is embedded by now.
    pub async fn insert_monitor(&self, monitor: &Monitor) -> Result<(), StoreError> {
        let spec = codec::to_json(TABLE, &monitor.spec)?;
        let mut tx = self.begin().await?;
        on_tx!(&mut tx, |connection| {
            sqlx::query(INSERT)
                .bind(monitor.id.to_string())
                .bind(monitor.project_id.to_string())
                .bind(&monitor.spec.name)
                .bind(&spec)
                .bind(monitor.reference_id.map(|id| id.to_string()))
                .bind(monitor.created_at.as_micros())
                .bind(monitor.updated_at.as_micros())
                .execute(connection)
                .await
                .map(|_| ())
        })
        .map_err(|error| StoreError::from(error).or_taken("monitor", &monitor.spec.name))?;
        on_tx!(&mut tx, |connection| {
            sqlx::query(INSERT_STATE)
                .bind(monitor.id.to_string())
                .bind(monitor.project_id.to_string())
                .execute(connection)
                .await
                .map(|_| ())
        })?;
        tx.commit().await
    }

    /// Stores a changed specification; false when the project has no such monitor. With `recompute`
    /// the current reference's profile is computed anew for it, from the same rows, and until then
    /// nothing is evaluated. Which reference is current is changed by a freeze alone.
    pub async fn update_monitor(
        &self,
        monitor: &Monitor,
        recompute: bool,
    ) -> Result<bool, StoreError> {
        let spec = codec::to_json(TABLE, &monitor.spec)?;
        let mut tx = self.begin().await?;
        let changed = on_tx!(&mut tx, |connection| {
            sqlx::query(UPDATE)
                .bind(monitor.project_id.to_string())
                .bind(monitor.id.to_string())
                .bind(&monitor.spec.name)
                .bind(&spec)
                .bind(monitor.updated_at.as_micros())
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::from(error).or_taken("monitor", &monitor.spec.name))?;
        if let (true, Some(reference)) = (recompute && changed > 0, monitor.reference_id) {
            references::recompute(&mut tx, reference).await?;
        }
        tx.commit().await?;
        Ok(changed > 0)
    }

    /// Deletes a monitor with its references, reports and alerts; false when there is none.
    /// Deliveries stay: receivers still hear of what happened.
    pub async fn delete_monitor(
        &self,
        project: ProjectId,
        id: MonitorId,
    ) -> Result<bool, StoreError> {
        let deleted = on_engine!(self, writer, |pool| {
            sqlx::query(DELETE)
                .bind(project.to_string())
                .bind(id.to_string())
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(deleted > 0)
    }

    /// The project's monitor with this id.
    pub async fn find_monitor(
        &self,
        project: ProjectId,
        id: MonitorId,
    ) -> Result<Option<Monitor>, StoreError> {
        let row: Option<MonitorRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND)
                .bind(project.to_string())
                .bind(id.to_string())
                .fetch_optional(pool)
                .await
        })?;
        row.map(Monitor::try_from).transpose()
    }

    /// The project's monitors, oldest first.
    pub async fn list_monitors(&self, project: ProjectId) -> Result<Vec<Monitor>, StoreError> {
        let rows: Vec<MonitorRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST).bind(project.to_string()).fetch_all(pool).await
        })?;
        codec::all(rows)
    }

    /// The monitors of all projects, oldest first.
    pub async fn all_monitors(&self) -> Result<Vec<Monitor>, StoreError> {
        let rows: Vec<MonitorRow> =
            on_engine!(self, readers, |pool| sqlx::query_as(ALL).fetch_all(pool).await)?;
        codec::all(rows)
    }

    /// Where the evaluation of a monitor stands; `None` when there is no such monitor.
    pub async fn evaluation_state(
        &self,
        monitor: MonitorId,
    ) -> Result<Option<EvaluationState>, StoreError> {
        let rows: Vec<StateRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(STATE).bind(monitor.to_string()).fetch_all(pool).await
        })?;
        let Some(first) = rows.first() else { return Ok(None) };
        Ok(Some(EvaluationState {
            cursor: first.cursor,
            sequence: first.sequence,
            state: first.state.clone(),
            buckets: rows.into_iter().filter_map(StateRow::bucket).collect(),
        }))
    }

    /// Why the monitor cannot be evaluated; `None` while it can.
    pub async fn monitor_trouble(&self, monitor: MonitorId) -> Result<Option<String>, StoreError> {
        let trouble: Option<Option<String>> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(TROUBLE).bind(monitor.to_string()).fetch_optional(pool).await
        })?;
        Ok(trouble.flatten())
    }

    /// Notes that the monitor cannot be evaluated, or that it can again.
    pub async fn set_monitor_trouble(
        &self,
        monitor: MonitorId,
        trouble: Option<&str>,
    ) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(SET_TROUBLE)
                .bind(monitor.to_string())
                .bind(trouble)
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }
}

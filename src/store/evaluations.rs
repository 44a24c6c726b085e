//! The one commit of an evaluation: state, reports and alerts, all or nothing.

use super::counters::{self, Counter};
use super::engine::{Store, Tx, on_tx};
use super::error::StoreError;
use super::monitors::BucketRow;
use super::{alerts, leases, reports};
use crate::clock::Timestamp;
use crate::id::{MonitorId, ProjectId};
use crate::model::alert::{Alert, Transition};
use crate::model::report::Report;

/// What proves that this process may evaluate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseProof {
    /// The lease.
    pub name: String,
    /// The token it was acquired with.
    pub token: i64,
}

/// Everything that one evaluation changes.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationCommit {
    /// The project.
    pub project_id: ProjectId,
    /// The monitor.
    pub monitor_id: MonitorId,
    /// Proof that this process evaluates it.
    pub lease: LeaseProof,
    /// The cursor that the evaluation started from.
    pub expected_cursor: i64,
    /// The cursor after it.
    pub cursor: i64,
    /// What else the evaluation remembers.
    pub state: Vec<u8>,
    /// Buckets that are new or changed.
    pub upsert_buckets: Vec<BucketRow>,
    /// Buckets that no window needs any more, by grid and key: kept as history until retention.
    pub close_buckets: Vec<(String, i64)>,
    /// New reports, by sequence: the first follows the last stored one, without gaps.
    pub reports: Vec<Report>,
    /// Alerts that are new or changed.
    pub alerts: Vec<Alert>,
    /// Their changes of state, in order.
    pub transitions: Vec<Transition>,
    /// Events that came too late, added to the project's counter.
    pub late: i64,
    /// The present moment, for the lease.
    pub now: Timestamp,
}

/// What became of an evaluation's commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Everything is stored.
    Committed,
    /// Another process, or a freeze, went ahead: nothing was stored. Load the state anew.
    Superseded,
}

/// Compares and sets cursor and sequence at once.
const ADVANCE: &str = "UPDATE monitor_states SET cursor = $3, state = $4, sequence = sequence + $5
    WHERE monitor_id = $1 AND cursor = $2 AND sequence + 1 = COALESCE($6, sequence + 1)";
const UPSERT_BUCKET: &str = "INSERT INTO buckets (monitor_id, grid, key, closed, ends_at, data)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (monitor_id, grid, key) DO UPDATE SET closed = excluded.closed,
        ends_at = excluded.ends_at, data = excluded.data";
const CLOSE_BUCKET: &str =
    "UPDATE buckets SET closed = TRUE WHERE monitor_id = $1 AND grid = $2 AND key = $3";

impl Store {
    /// Stores an evaluation, if the lease is still held and cursor and sequence are still those
    /// that it started from.
    pub async fn commit_evaluation(
        &self,
        commit: &EvaluationCommit,
    ) -> Result<CommitOutcome, StoreError> {
        let mut tx = self.begin().await?;
        let lease = &commit.lease;
        if !leases::hold(&mut tx, &lease.name, lease.token, commit.now).await?
            || !advance(&mut tx, commit).await?
        {
            return Ok(CommitOutcome::Superseded);
        }
        write_buckets(&mut tx, commit).await?;
        reports::insert(self, &mut tx, &commit.reports, commit.now).await?;
        alerts::upsert(&mut tx, &commit.alerts).await?;
        alerts::insert_transitions(&mut tx, &commit.transitions).await?;
        counters::add(&mut tx, commit.project_id, &[(Counter::Late, commit.late)]).await?;
        tx.commit().await?;
        Ok(CommitOutcome::Committed)
    }
}

async fn advance(tx: &mut Tx, commit: &EvaluationCommit) -> Result<bool, StoreError> {
    let advanced = on_tx!(tx, |connection| {
        sqlx::query(ADVANCE)
            .bind(commit.monitor_id.to_string())
            .bind(commit.expected_cursor)
            .bind(commit.cursor)
            .bind(&commit.state)
            .bind(commit.reports.len() as i64)
            .bind(commit.reports.first().map(|report| report.sequence))
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(advanced > 0)
}

async fn write_buckets(tx: &mut Tx, commit: &EvaluationCommit) -> Result<(), StoreError> {
    let monitor = commit.monitor_id.to_string();
    for bucket in &commit.upsert_buckets {
        on_tx!(tx, |connection| {
            sqlx::query(UPSERT_BUCKET)
                .bind(&monitor)
                .bind(&bucket.grid)
                .bind(bucket.key)
                .bind(bucket.closed)
                .bind(bucket.ends_at.as_micros())
                .bind(&bucket.data)
                .execute(connection)
                .await
                .map(|_| ())
        })?;
    }
    for (grid, key) in &commit.close_buckets {
        on_tx!(tx, |connection| {
            sqlx::query(CLOSE_BUCKET)
                .bind(&monitor)
                .bind(grid)
                .bind(key)
                .execute(connection)
                .await
                .map(|_| ())
        })?;
    }
    Ok(())
}

//! Retrainings: asked for by the dispatcher, decided and started by their worker, reported on by the run.

use super::codec;
use super::engine::{Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use super::evaluations::LeaseProof;
use super::{leases, outbox};
use crate::clock::Timestamp;
use crate::id::{ProjectId, ReceiverId, RetrainId};
use crate::model::delivery::Delivery;
use crate::model::retrain::Retrain;

const TABLE: &str = "retrains";
const INSERT: &str =
    "INSERT INTO retrains (id, project_id, receiver_id, alert_id, monitor_id, report_id,
        status, detail, token, delivery_id, decided_by, run_url, model_version, reference_id,
        created_at, updated_at, started_at, deployed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, NULL, NULL, NULL, NULL, $10, $11, NULL, NULL)
    ON CONFLICT (receiver_id, alert_id) DO NOTHING";
const UPDATE: &str =
    "UPDATE retrains SET status = $3, detail = $4, delivery_id = $5, decided_by = $6,
        run_url = $7, model_version = $8, reference_id = $9, updated_at = $10, started_at = $11,
        deployed_at = $12
    WHERE id = $1 AND updated_at = $2";
const FIND: &str = "SELECT * FROM retrains WHERE id = $1";
const LIST: &str = "SELECT * FROM retrains WHERE project_id = $1
      AND ($2 IS NULL OR created_at < $2 OR (created_at = $2 AND id < $3))
    ORDER BY created_at DESC, id DESC LIMIT $4";
const OPEN: &str = "SELECT * FROM retrains
    WHERE status IN ('waiting', 'awaiting_approval', 'requested') ORDER BY created_at, id";
const ACTIVITY: &str = "SELECT MAX(started_at),
        COUNT(CASE WHEN status IN ('requested', 'running', 'succeeded') THEN 1 END)
    FROM retrains WHERE receiver_id = $1";

/// A decision on a retraining.
#[derive(Debug, Clone, PartialEq)]
pub struct RetrainCommit {
    /// Proof that this process decides the project's retrainings.
    pub lease: LeaseProof,
    /// The retraining as it is now.
    pub retrain: Retrain,
    /// Its last change before the decision: of a later one the decision knows nothing.
    pub expected: Timestamp,
    /// The request that starts it.
    pub delivery: Option<Delivery>,
    /// The present moment, for the lease.
    pub now: Timestamp,
}

#[derive(sqlx::FromRow)]
struct RetrainRow {
    id: String,
    project_id: String,
    receiver_id: String,
    alert_id: String,
    monitor_id: Option<String>,
    report_id: Option<String>,
    status: String,
    detail: String,
    token: String,
    delivery_id: Option<String>,
    decided_by: Option<String>,
    run_url: Option<String>,
    model_version: Option<String>,
    reference_id: Option<String>,
    created_at: i64,
    updated_at: i64,
    started_at: Option<i64>,
    deployed_at: Option<i64>,
}

impl RetrainRow {
    fn read(self, store: &Store) -> Result<Retrain, StoreError> {
        Ok(Retrain {
            token: store.sealer.open(&self.id, self.token.clone())?,
            id: codec::parse_id(TABLE, &self.id)?,
            project_id: codec::parse_id(TABLE, &self.project_id)?,
            receiver_id: codec::parse_id(TABLE, &self.receiver_id)?,
            alert_id: codec::parse_id(TABLE, &self.alert_id)?,
            monitor_id: self.monitor_id.map(|id| codec::parse_id(TABLE, &id)).transpose()?,
            report_id: self.report_id.map(|id| codec::parse_id(TABLE, &id)).transpose()?,
            status: codec::from_name(TABLE, &self.status)?,
            detail: self.detail,
            delivery_id: self.delivery_id.map(|id| codec::parse_id(TABLE, &id)).transpose()?,
            decided_by: self.decided_by,
            run_url: self.run_url,
            model_version: self.model_version,
            reference_id: self.reference_id.map(|id| codec::parse_id(TABLE, &id)).transpose()?,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
            started_at: codec::moment(self.started_at),
            deployed_at: codec::moment(self.deployed_at),
        })
    }
}

/// Stores retrainings that are asked for; one that the same alert asked the same receiver for stays.
pub(super) async fn insert(
    store: &Store,
    tx: &mut Tx,
    retrains: &[Retrain],
) -> Result<(), StoreError> {
    for retrain in retrains {
        let id = retrain.id.to_string();
        let token = store.sealer.seal(&id, &retrain.token)?;
        on_tx!(tx, |connection| {
            sqlx::query(INSERT)
                .bind(&id)
                .bind(retrain.project_id.to_string())
                .bind(retrain.receiver_id.to_string())
                .bind(retrain.alert_id.to_string())
                .bind(retrain.monitor_id.map(|id| id.to_string()))
                .bind(retrain.report_id.map(|id| id.to_string()))
                .bind(retrain.status.as_str())
                .bind(&retrain.detail)
                .bind(&token)
                .bind(retrain.created_at.as_micros())
                .bind(retrain.updated_at.as_micros())
                .execute(connection)
                .await
                .map(|_| ())
        })?;
    }
    Ok(())
}

/// Replaces a retraining that has not changed since `expected`.
async fn update(tx: &mut Tx, retrain: &Retrain, expected: Timestamp) -> Result<bool, StoreError> {
    let changed = on_tx!(tx, |connection| {
        sqlx::query(UPDATE)
            .bind(retrain.id.to_string())
            .bind(expected.as_micros())
            .bind(retrain.status.as_str())
            .bind(&retrain.detail)
            .bind(retrain.delivery_id.map(|id| id.to_string()))
            .bind(&retrain.decided_by)
            .bind(&retrain.run_url)
            .bind(&retrain.model_version)
            .bind(retrain.reference_id.map(|id| id.to_string()))
            .bind(retrain.updated_at.as_micros())
            .bind(retrain.started_at.map(Timestamp::as_micros))
            .bind(retrain.deployed_at.map(Timestamp::as_micros))
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

impl Store {
    /// Stores a decision with the request that it makes; false when the lease was lost or the retraining
    /// has changed meanwhile: then nothing is stored.
    pub async fn commit_retrain(&self, commit: &RetrainCommit) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let lease = &commit.lease;
        let holds = leases::hold(&mut tx, &lease.name, lease.token, commit.now).await?;
        if !holds || !update(&mut tx, &commit.retrain, commit.expected).await? {
            return Ok(false);
        }
        outbox::insert(self, &mut tx, commit.delivery.as_slice()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Stores what a person or the run itself says of a retraining; false when it has changed since
    /// `expected`.
    pub async fn update_retrain(
        &self,
        retrain: &Retrain,
        expected: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let changed = update(&mut tx, retrain, expected).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// The retraining with this id, of any project: its token says who may speak for it.
    pub async fn find_retrain(&self, id: RetrainId) -> Result<Option<Retrain>, StoreError> {
        let row: Option<RetrainRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND).bind(id.to_string()).fetch_optional(pool).await
        })?;
        row.map(|row| row.read(self)).transpose()
    }

    /// The project's retrainings, newest first, after the one made at `before`.
    pub async fn list_retrains(
        &self,
        project: ProjectId,
        before: Option<(Timestamp, RetrainId)>,
        limit: i64,
    ) -> Result<Vec<Retrain>, StoreError> {
        let rows: Vec<RetrainRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST)
                .bind(project.to_string())
                .bind(before.map(|(at, _)| at.as_micros()))
                .bind(before.map(|(_, id)| id.to_string()))
                .bind(limit)
                .fetch_all(pool)
                .await
        })?;
        rows.into_iter().map(|row| row.read(self)).collect()
    }

    /// Retrainings of all projects that wait for a decision or for the outcome of their request.
    pub async fn open_retrains(&self) -> Result<Vec<Retrain>, StoreError> {
        let rows: Vec<RetrainRow> =
            on_engine!(self, readers, |pool| sqlx::query_as(OPEN).fetch_all(pool).await)?;
        rows.into_iter().map(|row| row.read(self)).collect()
    }

    /// When the receiver last started a workflow, and whether one is under way.
    pub async fn retrain_activity(
        &self,
        receiver: ReceiverId,
    ) -> Result<(Option<Timestamp>, bool), StoreError> {
        let (last, busy): (Option<i64>, i64) = on_engine!(self, readers, |pool| {
            sqlx::query_as(ACTIVITY).bind(receiver.to_string()).fetch_one(pool).await
        })?;
        Ok((codec::moment(last), busy > 0))
    }
}

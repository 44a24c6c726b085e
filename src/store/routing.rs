//! Routes and silences, and what each group of alerts was told: read and committed by the dispatcher.

use std::collections::BTreeMap;

use super::codec;
use super::engine::{Store, on_engine, on_tx};
use super::error::StoreError;
use super::evaluations::LeaseProof;
use super::{alerts, leases, outbox, retrains};
use crate::alert::Group;
use crate::clock::Timestamp;
use crate::id::{AlertId, ProjectId, SilenceId};
use crate::model::delivery::Delivery;
use crate::model::retrain::Retrain;
use crate::model::routing::{Routing, Silence};

const TABLE: &str = "routings";
const SILENCES: &str = "silences";
const GROUPS: &str = "alert_groups";
const FIND: &str = "SELECT document FROM routings WHERE project_id = $1";
const SET: &str = "INSERT INTO routings (project_id, document) VALUES ($1, $2)
    ON CONFLICT (project_id) DO UPDATE SET document = excluded.document";
const INSERT_SILENCE: &str = "INSERT INTO silences
    (id, project_id, matchers, starts_at, ends_at, comment, created_by, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const LIST_SILENCES: &str = "SELECT * FROM silences
    WHERE project_id = $1 AND ends_at > $2 ORDER BY starts_at, id";
const FIND_SILENCE: &str = "SELECT * FROM silences WHERE project_id = $1 AND id = $2";
const EXPIRE_SILENCE: &str = "UPDATE silences SET ends_at = $3
    WHERE project_id = $1 AND id = $2 AND ends_at > $3";
const GROUPS_OF: &str = "SELECT key, state FROM alert_groups WHERE project_id = $1";
const FORGET_GROUPS: &str = "DELETE FROM alert_groups WHERE project_id = $1";
const INSERT_GROUP: &str = "INSERT INTO alert_groups (project_id, key, state) VALUES ($1, $2, $3)";
const BUSY: &str = "SELECT project_id FROM alerts
        WHERE NOT settled AND fired_at IS NOT NULL
    UNION SELECT project_id FROM alert_groups";

/// What a decision of the dispatcher changes.
#[derive(Debug, Clone, PartialEq)]
pub struct DispatchCommit {
    /// The project.
    pub project_id: ProjectId,
    /// Proof that this process dispatches its alerts.
    pub lease: LeaseProof,
    /// Every group that goes on.
    pub groups: BTreeMap<String, Group>,
    /// Alerts of which nothing remains to be told.
    pub settled: Vec<AlertId>,
    /// Messages for the outbox.
    pub deliveries: Vec<Delivery>,
    /// Workflows that are asked for.
    pub retrains: Vec<Retrain>,
    /// The present moment, for the lease.
    pub now: Timestamp,
}

#[derive(sqlx::FromRow)]
struct SilenceRow {
    id: String,
    project_id: String,
    matchers: String,
    starts_at: i64,
    ends_at: i64,
    comment: String,
    created_by: String,
    created_at: i64,
}

impl TryFrom<SilenceRow> for Silence {
    type Error = StoreError;

    fn try_from(row: SilenceRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: codec::parse_id(SILENCES, &row.id)?,
            project_id: codec::parse_id(SILENCES, &row.project_id)?,
            matchers: codec::from_json(SILENCES, &row.matchers)?,
            starts_at: Timestamp::from_micros(row.starts_at),
            ends_at: Timestamp::from_micros(row.ends_at),
            comment: row.comment,
            created_by: row.created_by,
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}

impl Store {
    /// The project's routing; the default, which tells only monitors' own receivers, where none is set.
    pub async fn routing(&self, project: ProjectId) -> Result<Routing, StoreError> {
        let document: Option<String> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(FIND).bind(project.to_string()).fetch_optional(pool).await
        })?;
        document.map_or_else(|| Ok(Routing::default()), |text| codec::from_json(TABLE, &text))
    }

    /// Sets the project's routing.
    pub async fn set_routing(
        &self,
        project: ProjectId,
        routing: &Routing,
    ) -> Result<(), StoreError> {
        let document = codec::to_json(TABLE, routing)?;
        on_engine!(self, writer, |pool| {
            sqlx::query(SET)
                .bind(project.to_string())
                .bind(&document)
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Stores a new silence.
    pub async fn insert_silence(&self, silence: &Silence) -> Result<(), StoreError> {
        let matchers = codec::to_json(SILENCES, &silence.matchers)?;
        on_engine!(self, writer, |pool| {
            sqlx::query(INSERT_SILENCE)
                .bind(silence.id.to_string())
                .bind(silence.project_id.to_string())
                .bind(&matchers)
                .bind(silence.starts_at.as_micros())
                .bind(silence.ends_at.as_micros())
                .bind(&silence.comment)
                .bind(&silence.created_by)
                .bind(silence.created_at.as_micros())
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// The project's silences that end after `after`, by their begin.
    pub async fn silences(
        &self,
        project: ProjectId,
        after: Timestamp,
    ) -> Result<Vec<Silence>, StoreError> {
        let rows: Vec<SilenceRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST_SILENCES)
                .bind(project.to_string())
                .bind(after.as_micros())
                .fetch_all(pool)
                .await
        })?;
        codec::all(rows)
    }

    /// The project's silence with this id.
    pub async fn find_silence(
        &self,
        project: ProjectId,
        id: SilenceId,
    ) -> Result<Option<Silence>, StoreError> {
        let row: Option<SilenceRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND_SILENCE)
                .bind(project.to_string())
                .bind(id.to_string())
                .fetch_optional(pool)
                .await
        })?;
        row.map(Silence::try_from).transpose()
    }

    /// Ends a silence now; false when there is none that lasts.
    pub async fn expire_silence(
        &self,
        project: ProjectId,
        id: SilenceId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let expired = on_engine!(self, writer, |pool| {
            sqlx::query(EXPIRE_SILENCE)
                .bind(project.to_string())
                .bind(id.to_string())
                .bind(now.as_micros())
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(expired > 0)
    }

    /// Projects with alerts that are not settled, or groups.
    pub async fn projects_with_alerts(&self) -> Result<Vec<ProjectId>, StoreError> {
        let ids: Vec<String> =
            on_engine!(self, readers, |pool| sqlx::query_scalar(BUSY).fetch_all(pool).await)?;
        ids.iter().map(|id| codec::parse_id(GROUPS, id)).collect()
    }

    /// What each group of the project was told.
    pub async fn alert_groups(
        &self,
        project: ProjectId,
    ) -> Result<BTreeMap<String, Group>, StoreError> {
        let rows: Vec<(String, String)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(GROUPS_OF).bind(project.to_string()).fetch_all(pool).await
        })?;
        rows.into_iter().map(|(key, state)| Ok((key, codec::from_json(GROUPS, &state)?))).collect()
    }

    /// Stores a decision of the dispatcher with its messages; false when the lease was lost: then
    /// nothing is stored.
    pub async fn commit_dispatch(&self, commit: &DispatchCommit) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let lease = &commit.lease;
        if !leases::hold(&mut tx, &lease.name, lease.token, commit.now).await? {
            return Ok(false);
        }
        let project = commit.project_id.to_string();
        on_tx!(&mut tx, |connection| {
            sqlx::query(FORGET_GROUPS).bind(&project).execute(connection).await.map(|_| ())
        })?;
        for (key, group) in &commit.groups {
            let state = codec::to_json(GROUPS, group)?;
            on_tx!(&mut tx, |connection| {
                sqlx::query(INSERT_GROUP)
                    .bind(&project)
                    .bind(key)
                    .bind(&state)
                    .execute(connection)
                    .await
                    .map(|_| ())
            })?;
        }
        alerts::settle(&mut tx, &commit.settled).await?;
        outbox::insert(self, &mut tx, &commit.deliveries).await?;
        retrains::insert(self, &mut tx, &commit.retrains).await?;
        tx.commit().await?;
        Ok(true)
    }
}

//! Alert rules, where they stand, and their history.

use std::collections::BTreeMap;

use super::codec;
use super::engine::{Store, on_engine, on_tx};
use super::error::StoreError;
use super::evaluations::LeaseProof;
use super::{alerts, leases};
use crate::alert::RuleChange;
use crate::clock::Timestamp;
use crate::id::{AlertId, ProjectId, RuleId};
use crate::model::alert::{Alert, Transition};
use crate::model::rule::{Rule, RuleEvent, RuleState};

const TABLE: &str = "rules";
const STATES: &str = "rule_states";
const EVENTS: &str = "rule_events";
const INSERT: &str = "INSERT INTO rules (id, project_id, name, spec, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6)";
const UPDATE: &str = "UPDATE rules SET name = $3, spec = $4, updated_at = $5
    WHERE project_id = $1 AND id = $2";
const DELETE: &str = "DELETE FROM rules WHERE project_id = $1 AND id = $2";
const FIND: &str = "SELECT * FROM rules WHERE project_id = $1 AND id = $2";
const LIST: &str = "SELECT * FROM rules WHERE project_id = $1 ORDER BY id";
const ALL: &str = "SELECT * FROM rules ORDER BY project_id, id";
const STATES_OF: &str = "SELECT s.rule_id, s.state FROM rule_states s
    JOIN rules r ON r.id = s.rule_id WHERE r.project_id = $1";
const SET_STATE: &str = "INSERT INTO rule_states (rule_id, state) VALUES ($1, $2)
    ON CONFLICT (rule_id) DO UPDATE SET state = excluded.state";
const INSERT_EVENT: &str = "INSERT INTO rule_events
        (rule_id, at, phase, health, detail, alert_id, reason)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const HISTORY: &str = "SELECT seq, at, phase, health, detail, alert_id, reason FROM rule_events
    WHERE rule_id = $1 AND at >= $2 AND at < $3 AND (at < $4 OR (at = $4 AND seq < $5))
    ORDER BY at DESC, seq DESC LIMIT $6";
const OPEN: &str = "SELECT * FROM alerts WHERE rule_id = $1 AND state IN ('pending', 'firing')";
const LOCK: &str = "UPDATE rules SET updated_at = updated_at
    WHERE id = $1 AND updated_at = $2";

/// Which changes of a rule are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleEventFilter {
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// The last change of the page before: its time and number.
    pub before: Option<(Timestamp, i64)>,
    /// At most so many.
    pub limit: i64,
}

/// What a look at a project's rules changes.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleCommit {
    /// Proof that this process looks at the project's rules.
    pub lease: LeaseProof,
    /// Each rule as it was judged, with what follows.
    pub changes: Vec<(Rule, RuleChange)>,
    /// The present moment, for the lease.
    pub now: Timestamp,
}

#[derive(sqlx::FromRow)]
struct RuleRow {
    id: String,
    project_id: String,
    spec: String,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<RuleRow> for Rule {
    type Error = StoreError;

    fn try_from(row: RuleRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: codec::parse_id(TABLE, &row.id)?,
            project_id: codec::parse_id(TABLE, &row.project_id)?,
            spec: codec::from_json(TABLE, &row.spec)?,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct EventRow {
    seq: i64,
    at: i64,
    phase: String,
    health: String,
    detail: String,
    alert_id: Option<String>,
    reason: Option<String>,
}

impl TryFrom<EventRow> for RuleEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        Ok(Self {
            at: Timestamp::from_micros(row.at),
            phase: codec::from_name(EVENTS, &row.phase)?,
            health: codec::from_name(EVENTS, &row.health)?,
            reason: row.reason.map(|name| codec::from_name(EVENTS, &name)).transpose()?,
            detail: row.detail,
            alert_id: row.alert_id.map(|id| codec::parse_id(EVENTS, &id)).transpose()?,
        })
    }
}

impl Store {
    /// Stores a new rule.
    pub async fn insert_rule(&self, rule: &Rule) -> Result<(), StoreError> {
        let spec = codec::to_json(TABLE, &rule.spec)?;
        on_engine!(self, writer, |pool| {
            sqlx::query(INSERT)
                .bind(rule.id.to_string())
                .bind(rule.project_id.to_string())
                .bind(&rule.spec.name)
                .bind(&spec)
                .bind(rule.created_at.as_micros())
                .bind(rule.updated_at.as_micros())
                .execute(pool)
                .await
                .map(|_| ())
        })
        .map_err(|error| StoreError::from(error).or_taken("rule", &rule.spec.name))
    }

    /// Replaces a rule's specification; false when there is no such rule. Its state goes on.
    pub async fn update_rule(&self, rule: &Rule) -> Result<bool, StoreError> {
        let spec = codec::to_json(TABLE, &rule.spec)?;
        let changed = on_engine!(self, writer, |pool| {
            sqlx::query(UPDATE)
                .bind(rule.project_id.to_string())
                .bind(rule.id.to_string())
                .bind(&rule.spec.name)
                .bind(&spec)
                .bind(rule.updated_at.as_micros())
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::from(error).or_taken("rule", &rule.spec.name))?;
        Ok(changed > 0)
    }

    /// Deletes a rule with its history and alerts; false when there is none.
    pub async fn delete_rule(&self, project: ProjectId, id: RuleId) -> Result<bool, StoreError> {
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

    /// The project's rule with this id.
    pub async fn find_rule(
        &self,
        project: ProjectId,
        id: RuleId,
    ) -> Result<Option<Rule>, StoreError> {
        let row: Option<RuleRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND)
                .bind(project.to_string())
                .bind(id.to_string())
                .fetch_optional(pool)
                .await
        })?;
        row.map(Rule::try_from).transpose()
    }

    /// The project's rules, oldest first.
    pub async fn list_rules(&self, project: ProjectId) -> Result<Vec<Rule>, StoreError> {
        let rows: Vec<RuleRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST).bind(project.to_string()).fetch_all(pool).await
        })?;
        codec::all(rows)
    }

    /// The rules of all projects, by project.
    pub async fn all_rules(&self) -> Result<Vec<Rule>, StoreError> {
        let rows: Vec<RuleRow> =
            on_engine!(self, readers, |pool| sqlx::query_as(ALL).fetch_all(pool).await)?;
        codec::all(rows)
    }

    /// Where the project's rules stand; those that nobody has looked at yet are missing.
    pub async fn rule_states(
        &self,
        project: ProjectId,
    ) -> Result<BTreeMap<RuleId, RuleState>, StoreError> {
        let rows: Vec<(String, String)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(STATES_OF).bind(project.to_string()).fetch_all(pool).await
        })?;
        rows.into_iter()
            .map(|(id, state)| {
                Ok((codec::parse_id(STATES, &id)?, codec::from_json(STATES, &state)?))
            })
            .collect()
    }

    /// A rule's pending or firing alert.
    pub async fn open_alert_of_rule(&self, rule: RuleId) -> Result<Option<Alert>, StoreError> {
        let row: Option<alerts::AlertRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(OPEN).bind(rule.to_string()).fetch_optional(pool).await
        })?;
        row.map(Alert::try_from).transpose()
    }

    /// A rule's changes of phase and health with their numbers, newest first.
    pub async fn rule_history(
        &self,
        rule: RuleId,
        filter: &RuleEventFilter,
    ) -> Result<Vec<(i64, RuleEvent)>, StoreError> {
        let last = Timestamp::from_micros(i64::MAX);
        let (before, number) = filter.before.unwrap_or((last, i64::MAX));
        let from = filter.from.map_or(i64::MIN, Timestamp::as_micros);
        let rows: Vec<EventRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(HISTORY)
                .bind(rule.to_string())
                .bind(from)
                .bind(filter.to.unwrap_or(last).as_micros())
                .bind(before.as_micros())
                .bind(number)
                .bind(filter.limit)
                .fetch_all(pool)
                .await
        })?;
        rows.into_iter().map(|row| Ok((row.seq, RuleEvent::try_from(row)?))).collect()
    }

    /// Stores what a look at rules changes, with its alerts; false when the lease was lost: then
    /// nothing is stored. A rule that was changed or deleted meanwhile is left for the next look.
    pub async fn commit_rules(&self, commit: &RuleCommit) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let lease = &commit.lease;
        if !leases::hold(&mut tx, &lease.name, lease.token, commit.now).await? {
            return Ok(false);
        }
        for (rule, change) in &commit.changes {
            let id = rule.id.to_string();
            let as_judged = on_tx!(&mut tx, |connection| {
                sqlx::query(LOCK)
                    .bind(&id)
                    .bind(rule.updated_at.as_micros())
                    .execute(connection)
                    .await
                    .map(|done| done.rows_affected())
            })?;
            if as_judged == 0 {
                continue;
            }
            let state = codec::to_json(STATES, &change.state)?;
            on_tx!(&mut tx, |connection| {
                sqlx::query(SET_STATE).bind(&id).bind(&state).execute(connection).await.map(|_| ())
            })?;
            if let Some(event) = &change.event {
                on_tx!(&mut tx, |connection| {
                    sqlx::query(INSERT_EVENT)
                        .bind(&id)
                        .bind(event.at.as_micros())
                        .bind(event.phase.as_str())
                        .bind(event.health.as_str())
                        .bind(&event.detail)
                        .bind(event.alert_id.map(|id: AlertId| id.to_string()))
                        .bind(event.reason.map(codec::name_of))
                        .execute(connection)
                        .await
                        .map(|_| ())
                })?;
            }
            if let Some(alert) = &change.alert {
                alerts::upsert(&mut tx, std::slice::from_ref(&alert.alert)).await?;
                let transition: Vec<Transition> = alert.transition.iter().cloned().collect();
                alerts::insert_transitions(&mut tx, &transition).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }
}

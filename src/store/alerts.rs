//! Alerts and their transitions: written by an evaluation's commit, read by everybody.

use super::codec;
use super::engine::{Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::id::{AlertId, MonitorId, ProjectId, ReferenceId};
use crate::model::alert::{Alert, AlertState, Comment, Transition};
use crate::model::stream::Stream;

const TABLE: &str = "alerts";
const TRANSITIONS_TABLE: &str = "alert_transitions";
const UPSERT: &str = "INSERT INTO alerts (id, project_id, monitor_id, stream, kind, severity,
        state, streak, started_at, fired_at, resolved_at, report_id, reasons, segment, rule_id,
        findings, annotations)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, state = excluded.state,
        streak = excluded.streak, fired_at = excluded.fired_at,
        resolved_at = excluded.resolved_at, report_id = excluded.report_id,
        reasons = excluded.reasons, monitor_id = excluded.monitor_id,
        findings = excluded.findings, annotations = excluded.annotations";
const INSERT_TRANSITION: &str = "INSERT INTO alert_transitions
    (alert_id, at, from_state, to_state, reason, report_id) VALUES ($1, $2, $3, $4, $5, $6)";
const OPEN: &str = "SELECT * FROM alerts
    WHERE monitor_id = $1 AND rule_id IS NULL AND state IN ('pending', 'firing')
    ORDER BY stream, segment";
/// Repeated texts are counted, not estimated: they have no part in the budget.
const ALARM_RECORD: &str =
    "SELECT (SELECT COUNT(*) FROM alerts a JOIN reports r ON r.id = a.report_id
        WHERE a.monitor_id = $1 AND a.rule_id IS NULL AND r.reference_id = $2
          AND a.fired_at IS NOT NULL
          AND a.stream <> 'duplicates') AS alarms,
        MIN(evaluated_at) AS first_at, MAX(evaluated_at) AS last_at
    FROM reports WHERE monitor_id = $1 AND reference_id = $2";
const UNSETTLED: &str = "SELECT * FROM alerts
    WHERE project_id = $1 AND NOT settled AND fired_at IS NOT NULL
      AND state IN ('firing', 'resolved') ORDER BY fired_at, id";
const SETTLE: &str = "UPDATE alerts SET settled = TRUE WHERE id = $1 AND state = 'resolved'";
const ACKNOWLEDGE: &str = "UPDATE alerts SET acknowledged_at = $3, acknowledged_by = $4
    WHERE project_id = $1 AND id = $2 AND acknowledged_at IS NULL";
const INSERT_COMMENT: &str =
    "INSERT INTO alert_comments (alert_id, at, author, text) VALUES ($1, $2, $3, $4)";
const COMMENTS: &str =
    "SELECT at, author, text FROM alert_comments WHERE alert_id = $1 ORDER BY seq";
const FIND: &str = "SELECT * FROM alerts WHERE project_id = $1 AND id = $2";
const LIST: &str = "SELECT * FROM alerts
    WHERE project_id = $1 AND ($2 IS NULL OR state = $2) AND ($3 IS NULL OR monitor_id = $3)
      AND ($4 IS NULL OR started_at < $4 OR (started_at = $4 AND id < $5))
    ORDER BY started_at DESC, id DESC LIMIT $6";
const TRANSITIONS: &str = "SELECT * FROM alert_transitions WHERE alert_id = $1 ORDER BY seq";

/// Which alerts are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertFilter {
    /// Only those in this state.
    pub state: Option<AlertState>,
    /// Only those of this monitor.
    pub monitor: Option<MonitorId>,
    /// The last alert of the page before: its start and id.
    pub before: Option<(Timestamp, AlertId)>,
    /// At most so many.
    pub limit: i64,
}

/// Alarms against one reference, in event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlarmRecord {
    /// How many fired.
    pub alarms: u64,
    /// The first report against the reference.
    pub from: Timestamp,
    /// The last one.
    pub to: Timestamp,
}

impl AlarmRecord {
    /// Days between the two reports.
    pub fn days(&self) -> f64 {
        self.to.since(self.from).as_secs_f64() / 86_400.0
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct AlertRow {
    id: String,
    project_id: String,
    monitor_id: Option<String>,
    rule_id: Option<String>,
    stream: Option<String>,
    kind: String,
    severity: String,
    state: String,
    streak: i64,
    started_at: i64,
    fired_at: Option<i64>,
    resolved_at: Option<i64>,
    report_id: Option<String>,
    reasons: String,
    findings: String,
    annotations: String,
    segment: String,
    acknowledged_at: Option<i64>,
    acknowledged_by: Option<String>,
}

impl TryFrom<AlertRow> for Alert {
    type Error = StoreError;

    fn try_from(row: AlertRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: codec::parse_id(TABLE, &row.id)?,
            project_id: codec::parse_id(TABLE, &row.project_id)?,
            monitor_id: row.monitor_id.map(|id| codec::parse_id(TABLE, &id)).transpose()?,
            rule_id: row.rule_id.map(|id| codec::parse_id(TABLE, &id)).transpose()?,
            stream: row.stream.map(|name| codec::from_name(TABLE, &name)).transpose()?,
            kind: row.kind,
            severity: codec::from_name(TABLE, &row.severity)?,
            state: codec::from_name(TABLE, &row.state)?,
            streak: u32::try_from(row.streak).map_err(|error| StoreError::corrupt(TABLE, error))?,
            started_at: Timestamp::from_micros(row.started_at),
            fired_at: codec::moment(row.fired_at),
            resolved_at: codec::moment(row.resolved_at),
            report_id: row.report_id.map(|id| codec::parse_id(TABLE, &id)).transpose()?,
            reasons: codec::from_json(TABLE, &row.reasons)?,
            findings: codec::from_json(TABLE, &row.findings)?,
            annotations: codec::from_json(TABLE, &row.annotations)?,
            segment: codec::from_json(TABLE, &row.segment)?,
            acknowledged_at: codec::moment(row.acknowledged_at),
            acknowledged_by: row.acknowledged_by,
        })
    }
}

#[derive(sqlx::FromRow)]
struct TransitionRow {
    alert_id: String,
    at: i64,
    from_state: String,
    to_state: String,
    reason: String,
    report_id: Option<String>,
}

impl TryFrom<TransitionRow> for Transition {
    type Error = StoreError;

    fn try_from(row: TransitionRow) -> Result<Self, StoreError> {
        Ok(Self {
            alert_id: codec::parse_id(TRANSITIONS_TABLE, &row.alert_id)?,
            at: Timestamp::from_micros(row.at),
            from: codec::from_name(TRANSITIONS_TABLE, &row.from_state)?,
            to: codec::from_name(TRANSITIONS_TABLE, &row.to_state)?,
            reason: codec::from_name(TRANSITIONS_TABLE, &row.reason)?,
            report_id: row
                .report_id
                .map(|id| codec::parse_id(TRANSITIONS_TABLE, &id))
                .transpose()?,
        })
    }
}

const fn is_open(state: AlertState) -> bool {
    matches!(state, AlertState::Pending | AlertState::Firing)
}

/// Episodes that end go first: a stream of a segment may have one open episode only.
pub(super) async fn upsert(tx: &mut Tx, alerts: &[Alert]) -> Result<(), StoreError> {
    let mut alerts: Vec<&Alert> = alerts.iter().collect();
    alerts.sort_by_key(|alert| is_open(alert.state));
    for alert in alerts {
        let reasons = codec::to_json(TABLE, &alert.reasons)?;
        let segment = codec::to_json(TABLE, &alert.segment)?;
        let findings = codec::to_json(TABLE, &alert.findings)?;
        let annotations = codec::to_json(TABLE, &alert.annotations)?;
        on_tx!(tx, |connection| {
            sqlx::query(UPSERT)
                .bind(alert.id.to_string())
                .bind(alert.project_id.to_string())
                .bind(alert.monitor_id.map(|id| id.to_string()))
                .bind(alert.stream.map(Stream::as_str))
                .bind(&alert.kind)
                .bind(codec::name_of(alert.severity))
                .bind(alert.state.as_str())
                .bind(i64::from(alert.streak))
                .bind(alert.started_at.as_micros())
                .bind(alert.fired_at.map(Timestamp::as_micros))
                .bind(alert.resolved_at.map(Timestamp::as_micros))
                .bind(alert.report_id.map(|id| id.to_string()))
                .bind(&reasons)
                .bind(&segment)
                .bind(alert.rule_id.map(|id| id.to_string()))
                .bind(&findings)
                .bind(&annotations)
                .execute(connection)
                .await
                .map(|_| ())
        })?;
    }
    Ok(())
}

pub(super) async fn insert_transitions(
    tx: &mut Tx,
    transitions: &[Transition],
) -> Result<(), StoreError> {
    for transition in transitions {
        on_tx!(tx, |connection| {
            sqlx::query(INSERT_TRANSITION)
                .bind(transition.alert_id.to_string())
                .bind(transition.at.as_micros())
                .bind(transition.from.as_str())
                .bind(transition.to.as_str())
                .bind(codec::name_of(transition.reason))
                .bind(transition.report_id.map(|id| id.to_string()))
                .execute(connection)
                .await
                .map(|_| ())
        })?;
    }
    Ok(())
}

/// Nothing remains to be told of these.
pub(super) async fn settle(tx: &mut Tx, alerts: &[AlertId]) -> Result<(), StoreError> {
    for id in alerts {
        on_tx!(tx, |connection| {
            sqlx::query(SETTLE).bind(id.to_string()).execute(connection).await.map(|_| ())
        })?;
    }
    Ok(())
}

impl Store {
    /// The project's alerts that fire, or ended while their end remains to be told; oldest first.
    pub async fn unsettled_alerts(&self, project: ProjectId) -> Result<Vec<Alert>, StoreError> {
        let rows: Vec<AlertRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(UNSETTLED).bind(project.to_string()).fetch_all(pool).await
        })?;
        codec::all(rows)
    }

    /// Notes that someone took the alert on; false when someone had before, or there is none.
    pub async fn acknowledge_alert(
        &self,
        project: ProjectId,
        id: AlertId,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = on_engine!(self, writer, |pool| {
            sqlx::query(ACKNOWLEDGE)
                .bind(project.to_string())
                .bind(id.to_string())
                .bind(now.as_micros())
                .bind(by)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(changed > 0)
    }

    /// Adds what someone wrote about an alert.
    pub async fn insert_comment(&self, id: AlertId, comment: &Comment) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(INSERT_COMMENT)
                .bind(id.to_string())
                .bind(comment.at.as_micros())
                .bind(&comment.author)
                .bind(&comment.text)
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// What was written about an alert, oldest first.
    pub async fn comments(&self, id: AlertId) -> Result<Vec<Comment>, StoreError> {
        let rows: Vec<(i64, String, String)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(COMMENTS).bind(id.to_string()).fetch_all(pool).await
        })?;
        let comment = |(at, author, text)| Comment { at: Timestamp::from_micros(at), author, text };
        Ok(rows.into_iter().map(comment).collect())
    }

    /// The monitor's pending and firing alerts: at most one a stream and segment.
    pub async fn open_alerts(&self, monitor: MonitorId) -> Result<Vec<Alert>, StoreError> {
        let rows: Vec<AlertRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(OPEN).bind(monitor.to_string()).fetch_all(pool).await
        })?;
        codec::all(rows)
    }

    /// The alarms of the monitor against this reference that have a part in the budget, and the time
    /// that they came in; `None` before the first report.
    pub async fn alarm_record(
        &self,
        monitor: MonitorId,
        reference: ReferenceId,
    ) -> Result<Option<AlarmRecord>, StoreError> {
        let (alarms, first, last): (i64, Option<i64>, Option<i64>) =
            on_engine!(self, readers, |pool| {
                sqlx::query_as(ALARM_RECORD)
                    .bind(monitor.to_string())
                    .bind(reference.to_string())
                    .fetch_one(pool)
                    .await
            })?;
        Ok(codec::moment(first).zip(codec::moment(last)).map(|(from, to)| AlarmRecord {
            alarms: alarms.cast_unsigned(),
            from,
            to,
        }))
    }

    /// The project's alert with this id.
    pub async fn find_alert(
        &self,
        project: ProjectId,
        id: AlertId,
    ) -> Result<Option<Alert>, StoreError> {
        let row: Option<AlertRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND)
                .bind(project.to_string())
                .bind(id.to_string())
                .fetch_optional(pool)
                .await
        })?;
        row.map(Alert::try_from).transpose()
    }

    /// The project's alerts, newest first.
    pub async fn list_alerts(
        &self,
        project: ProjectId,
        filter: &AlertFilter,
    ) -> Result<Vec<Alert>, StoreError> {
        let rows: Vec<AlertRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST)
                .bind(project.to_string())
                .bind(filter.state.map(AlertState::as_str))
                .bind(filter.monitor.map(|id| id.to_string()))
                .bind(filter.before.map(|(at, _)| at.as_micros()))
                .bind(filter.before.map(|(_, id)| id.to_string()))
                .bind(filter.limit)
                .fetch_all(pool)
                .await
        })?;
        codec::all(rows)
    }

    /// An alert's changes of state, oldest first.
    pub async fn transitions(&self, alert: AlertId) -> Result<Vec<Transition>, StoreError> {
        let rows: Vec<TransitionRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(TRANSITIONS).bind(alert.to_string()).fetch_all(pool).await
        })?;
        codec::all(rows)
    }
}

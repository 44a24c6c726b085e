//! Reports: written by an evaluation's commit, read by everybody.

use std::collections::BTreeMap;

use super::codec;
use super::engine::{Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use super::sealed_texts::{self, Keyring, TextKey};
use super::text_keys::ProjectKeys;
use crate::clock::Timestamp;
use crate::id::{MonitorId, ProjectId, ReportId};
use crate::model::report::Report;
use crate::model::stream::Values;
use crate::model::verdict::Verdict;

const TABLE: &str = "reports";
const INSERT: &str = "INSERT INTO reports (id, project_id, monitor_id, reference_id, sequence,
        evaluated_at, position, is_drift, verdicts, examples, late_events, explanation, text_key)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const FIND: &str = "SELECT * FROM reports WHERE project_id = $1 AND id = $2";
const LIST: &str = "SELECT * FROM reports
    WHERE project_id = $1 AND monitor_id = $2
      AND ($3 IS NULL OR evaluated_at >= $3) AND ($4 IS NULL OR evaluated_at < $4)
      AND ($5 IS NULL OR is_drift = $5)
      AND ($6 IS NULL OR evaluated_at < $6 OR (evaluated_at = $6 AND id < $7))
    ORDER BY evaluated_at DESC, id DESC LIMIT $8";
/// Reports whose verdicts are read at a time.
const RATIOS_READ: i64 = 1000;

const COURSE: &str = "SELECT id, verdicts FROM reports
    WHERE project_id = $1 AND monitor_id = $2 AND sequence <= COALESCE($3, sequence)
    ORDER BY sequence DESC LIMIT $4";
const COURSE_UNTIL: &str = "SELECT evaluated_at, verdicts FROM reports
    WHERE project_id = $1 AND monitor_id = $2 AND evaluated_at <= $3
    ORDER BY evaluated_at DESC, id DESC LIMIT $4";
const RATIOS: &str = "SELECT sequence, evaluated_at, verdicts FROM reports
    WHERE project_id = $1 AND monitor_id = $2 AND evaluated_at >= $3 AND evaluated_at < $4
      AND sequence > $5 ORDER BY sequence LIMIT $6";
const TIMELINE: &str = "SELECT * FROM reports
    WHERE project_id = $1 AND monitor_id = $2 AND evaluated_at >= $3 AND evaluated_at < $4
    ORDER BY evaluated_at, id LIMIT $5";

/// Which reports are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportFilter {
    /// Evaluated at this moment or later.
    pub from: Option<Timestamp>,
    /// Evaluated before this moment.
    pub to: Option<Timestamp>,
    /// Only those with drift, or only those without.
    pub is_drift: Option<bool>,
    /// The last report of the page before: its time and id.
    pub before: Option<(Timestamp, ReportId)>,
    /// At most so many.
    pub limit: i64,
}

#[derive(sqlx::FromRow)]
struct ReportRow {
    id: String,
    project_id: String,
    monitor_id: String,
    reference_id: String,
    sequence: i64,
    evaluated_at: i64,
    position: i64,
    is_drift: bool,
    verdicts: String,
    examples: String,
    explanation: Option<String>,
    late_events: i64,
    text_key: Option<i64>,
}

impl ReportRow {
    fn read(self, ring: &Keyring) -> Result<Report, StoreError> {
        let row = self;
        let place = sealed_texts::EXPLANATION;
        let explanation = ring.open_some(row.text_key, place, &row.id, row.explanation)?;
        let verdicts: Vec<Verdict> = codec::from_json(TABLE, &row.verdicts)?;
        Ok(Report {
            id: codec::parse_id(TABLE, &row.id)?,
            project_id: codec::parse_id(TABLE, &row.project_id)?,
            monitor_id: codec::parse_id(TABLE, &row.monitor_id)?,
            reference_id: codec::parse_id(TABLE, &row.reference_id)?,
            sequence: row.sequence,
            evaluated_at: Timestamp::from_micros(row.evaluated_at),
            position: row.position,
            is_drift: row.is_drift,
            // A report is of one part of the traffic.
            segment: verdicts.first().map(|v| v.segment.clone()).unwrap_or_default(),
            verdicts,
            examples: codec::from_json(TABLE, &row.examples)?,
            explanation: explanation.map(|e| codec::from_json(TABLE, &e)).transpose()?,
            late_events: row.late_events,
        })
    }
}

pub(super) async fn insert(
    store: &Store,
    tx: &mut Tx,
    reports: &[Report],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut keys = ProjectKeys::default();
    for report in reports {
        let key = keys.of(store, tx, report.project_id, now).await?;
        let id = report.id.to_string();
        let verdicts = codec::to_json(TABLE, &report.verdicts)?;
        let examples = codec::to_json(TABLE, &report.examples)?;
        let explanation = report.explanation.as_ref();
        let explanation = explanation.map(|e| codec::to_json(TABLE, e)).transpose()?;
        let explanation =
            sealed_texts::seal_some(key, sealed_texts::EXPLANATION, &id, explanation.as_deref())?;
        on_tx!(tx, |connection| {
            sqlx::query(INSERT)
                .bind(&id)
                .bind(report.project_id.to_string())
                .bind(report.monitor_id.to_string())
                .bind(report.reference_id.to_string())
                .bind(report.sequence)
                .bind(report.evaluated_at.as_micros())
                .bind(report.position)
                .bind(report.is_drift)
                .bind(&verdicts)
                .bind(&examples)
                .bind(report.late_events)
                .bind(explanation.as_deref())
                .bind(key.map(TextKey::id))
                .execute(connection)
                .await
                .map(|_| ())
        })?;
    }
    Ok(())
}

impl Store {
    async fn reports_of(&self, rows: Vec<ReportRow>) -> Result<Vec<Report>, StoreError> {
        let ring = self.keyring(rows.iter().map(|row| row.text_key)).await?;
        rows.into_iter().map(|row| row.read(&ring)).collect()
    }

    /// The project's report with this id.
    pub async fn find_report(
        &self,
        project: ProjectId,
        id: ReportId,
    ) -> Result<Option<Report>, StoreError> {
        let row: Option<ReportRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND)
                .bind(project.to_string())
                .bind(id.to_string())
                .fetch_optional(pool)
                .await
        })?;
        Ok(self.reports_of(row.into_iter().collect()).await?.pop())
    }

    /// A monitor's reports, newest first.
    pub async fn list_reports(
        &self,
        project: ProjectId,
        monitor: MonitorId,
        filter: &ReportFilter,
    ) -> Result<Vec<Report>, StoreError> {
        let rows: Vec<ReportRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST)
                .bind(project.to_string())
                .bind(monitor.to_string())
                .bind(filter.from.map(Timestamp::as_micros))
                .bind(filter.to.map(Timestamp::as_micros))
                .bind(filter.is_drift)
                .bind(filter.before.map(|(at, _)| at.as_micros()))
                .bind(filter.before.map(|(_, id)| id.to_string()))
                .bind(filter.limit)
                .fetch_all(pool)
                .await
        })?;
        self.reports_of(rows).await
    }

    /// The verdicts of a monitor's latest reports, up to the one of sequence `until`, newest first: without
    /// explanations and examples, which are most of a report.
    pub async fn latest_verdicts(
        &self,
        project: ProjectId,
        monitor: MonitorId,
        until: Option<i64>,
        limit: i64,
    ) -> Result<Vec<(ReportId, Vec<Verdict>)>, StoreError> {
        let rows: Vec<(String, String)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(COURSE)
                .bind(project.to_string())
                .bind(monitor.to_string())
                .bind(until)
                .bind(limit)
                .fetch_all(pool)
                .await
        })?;
        rows.into_iter()
            .map(|(id, verdicts)| {
                Ok((codec::parse_id(TABLE, &id)?, codec::from_json(TABLE, &verdicts)?))
            })
            .collect()
    }

    /// The verdicts of a monitor's latest reports that were evaluated until `until` of event time, newest
    /// first: without explanations and examples.
    pub async fn verdicts_until(
        &self,
        project: ProjectId,
        monitor: MonitorId,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<(Timestamp, Vec<Verdict>)>, StoreError> {
        let rows: Vec<(i64, String)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(COURSE_UNTIL)
                .bind(project.to_string())
                .bind(monitor.to_string())
                .bind(until.as_micros())
                .bind(limit)
                .fetch_all(pool)
                .await
        })?;
        rows.into_iter()
            .map(|(at, verdicts)| {
                Ok((Timestamp::from_micros(at), codec::from_json(TABLE, &verdicts)?))
            })
            .collect()
    }

    /// The largest statistic ÷ threshold of each day of `[from, to)`, of what queries, responses and
    /// their relevance mean; days since 1970-01-01 of event time.
    pub async fn daily_ratios(
        &self,
        project: ProjectId,
        monitor: MonitorId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeMap<i64, f64>, StoreError> {
        let mut largest: BTreeMap<i64, f64> = BTreeMap::new();
        let mut after = 0_i64;
        loop {
            let rows: Vec<(i64, i64, String)> = on_engine!(self, readers, |pool| {
                sqlx::query_as(RATIOS)
                    .bind(project.to_string())
                    .bind(monitor.to_string())
                    .bind(from.as_micros())
                    .bind(to.as_micros())
                    .bind(after)
                    .bind(RATIOS_READ)
                    .fetch_all(pool)
                    .await
            })?;
            for (sequence, at, verdicts) in &rows {
                after = *sequence;
                let verdicts: Vec<Verdict> = codec::from_json(TABLE, verdicts)?;
                let of_meaning = verdicts
                    .iter()
                    .filter(|v| matches!(v.stream.values(), Values::Embedding | Values::Scalar));
                if let Some(ratio) = of_meaning.filter_map(Verdict::ratio).reduce(f64::max) {
                    let day = largest.entry(Timestamp::from_micros(*at).day()).or_insert(ratio);
                    *day = day.max(ratio);
                }
            }
            if (rows.len() as i64) < RATIOS_READ {
                return Ok(largest);
            }
        }
    }

    /// A monitor's reports of `[from, to)`, oldest first, for plotting.
    pub async fn timeline(
        &self,
        project: ProjectId,
        monitor: MonitorId,
        from: Timestamp,
        to: Timestamp,
        limit: i64,
    ) -> Result<Vec<Report>, StoreError> {
        let rows: Vec<ReportRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(TIMELINE)
                .bind(project.to_string())
                .bind(monitor.to_string())
                .bind(from.as_micros())
                .bind(to.as_micros())
                .bind(limit)
                .fetch_all(pool)
                .await
        })?;
        self.reports_of(rows).await
    }
}

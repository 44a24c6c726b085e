//! Counts and sums of outcomes, by day and by label.

use super::TABLE;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::interaction::Attributes;
use crate::model::outcome::{OutcomeDefinition, OutcomeKind};
use crate::store::codec;
use crate::store::counters::Counter;
use crate::store::engine::{Sql, Store, on_engine};
use crate::store::error::StoreError;

/// Interactions with their outcomes of one name, that happened in `[from, to)`.
#[derive(Debug, Clone, Copy)]
pub struct OutcomeQuery<'a> {
    /// What the outcomes mean.
    pub definition: &'a OutcomeDefinition,
    /// From this moment on.
    pub from: Timestamp,
    /// Up to this moment.
    pub to: Timestamp,
}

/// Sums over some interactions. Of several outcomes of one interaction the last counts; late ones
/// do not. A category counts as 1 where it is good, else as 0.
#[derive(Debug, Clone, Default, PartialEq, sqlx::FromRow)]
pub struct OutcomeGroup<Key> {
    /// What they have in common: the day since 1970-01-01, or the label's value.
    pub key: Key,
    /// All of them.
    pub interactions: i64,
    /// Those with an outcome.
    pub n: i64,
    /// The sum of the outcomes.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
}

/// Where every outcome of a project has gone: accepted = joined + parked + expired, all counted apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    /// Stored for the first time, figures of interactions among them.
    pub accepted: i64,
    /// Joined with their interaction, and not expired.
    pub joined: i64,
    /// Wait for their interaction.
    pub parked: i64,
    /// Those of the parked that have waited for longer than their attribution window.
    pub unmatched: i64,
    /// Sent again with the same content.
    pub duplicates: i64,
    /// Sent again with another content, and refused.
    pub conflicts: i64,
    /// Refused as invalid.
    pub rejected: i64,
    /// Deleted when their retention passed.
    pub expired: i64,
}

/// What the last outcome of the interaction `i` is worth. Parameters: 2 the name, 5 whether it is a
/// category, `$good` the good values.
macro_rules! worth {
    ($good:literal) => {
        concat!(
            "(SELECT CASE WHEN o.category IS NULL THEN o.value
                    WHEN o.category IN ",
            $good,
            " THEN 1.0 ELSE 0.0 END
                FROM outcomes o
                WHERE o.interaction_seq = i.seq AND o.name = $2 AND NOT o.late
                  AND (o.category IS NOT NULL) = $5
                ORDER BY o.occurred_at DESC, o.seq DESC LIMIT 1)"
        )
    };
}

/// Interactions with what their last outcome is worth, grouped by `$key`. Parameters: 1 the project,
/// 2 the name, 3 and 4 the times, 5 whether it is a category, 6 the good values as JSON.
/// Materialized, so that Postgres looks up each outcome once and not once for each sum.
macro_rules! groups {
    ($key:literal, $good:literal, $order:literal) => {
        concat!(
            "WITH t AS MATERIALIZED (SELECT ",
            $key,
            " AS key, ",
            worth!($good),
            " AS v
                FROM interactions i
                WHERE i.project_id = $1 AND i.occurred_at >= $3 AND i.occurred_at < $4)
            SELECT key, COUNT(*) AS interactions, COUNT(v) AS n, COALESCE(SUM(v), 0.0) AS sum,
                COALESCE(SUM(v * v), 0.0) AS squares
            FROM t GROUP BY key ",
            $order
        )
    };
}

/// The latest interactions with what their last outcome is worth; by the index on the time. Parameter 7:
/// how many at most.
macro_rules! latest {
    ($good:literal) => {
        concat!(
            "WITH i AS (SELECT seq, attributes FROM interactions
                WHERE project_id = $1 AND occurred_at >= $3 AND occurred_at < $4
                ORDER BY occurred_at DESC LIMIT $7),
            t AS MATERIALIZED (SELECT i.attributes, ",
            worth!($good),
            " AS v FROM i)
            SELECT attributes, v FROM t WHERE v IS NOT NULL"
        )
    };
}

const DAYS: Sql = Sql {
    postgres: groups!(
        "i.occurred_at / 86400000000",
        "(SELECT json_array_elements_text($6::json))",
        "ORDER BY key"
    ),
    sqlite: groups!(
        "i.occurred_at / 86400000000",
        "(SELECT value FROM json_each($6))",
        "ORDER BY key"
    ),
};
const LABELS: Sql = Sql {
    postgres: groups!(
        "i.attributes::json ->> $7",
        "(SELECT json_array_elements_text($6::json))",
        "ORDER BY interactions DESC, key LIMIT $8"
    ),
    sqlite: groups!(
        "(SELECT e.value FROM json_each(i.attributes) e WHERE e.key = $7)",
        "(SELECT value FROM json_each($6))",
        "ORDER BY interactions DESC, key LIMIT $8"
    ),
};
const LATEST: Sql = Sql {
    postgres: latest!("(SELECT json_array_elements_text($6::json))"),
    sqlite: latest!("(SELECT value FROM json_each($6))"),
};
const CATEGORIES: &str = "SELECT category, COUNT(*) FROM outcomes
    WHERE project_id = $1 AND name = $2 AND target <> 'figure' AND interaction_at >= $3
      AND interaction_at < $4 AND category IS NOT NULL AND NOT late
    GROUP BY category ORDER BY COUNT(*) DESC, category LIMIT $5";
const LATE: &str = "SELECT COUNT(*) FROM outcomes
    WHERE project_id = $1 AND name = $2 AND target <> 'figure' AND interaction_at >= $3
      AND interaction_at < $4 AND late";
/// Parked outcomes: all, and those whose window has passed since they were received.
const WAITING: &str = "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN o.received_at
        < $2 - 86400000000 * COALESCE(d.attribution_window_days, 7) THEN 1 ELSE 0 END), 0) AS BIGINT)
    FROM outcomes o
    LEFT JOIN outcome_definitions d ON d.project_id = o.project_id AND d.name = o.name
    WHERE o.project_id = $1 AND o.interaction_seq IS NULL AND (o.name = $3 OR $3 = '')";
/// One statement, so that all counts are of the same moment.
const COUNTS: &str = "SELECT name, value FROM counters WHERE project_id = $1
    UNION ALL SELECT 'parked', COUNT(*) FROM outcomes
        WHERE project_id = $1 AND interaction_seq IS NULL";

impl Store {
    /// Sums for each day on which there were interactions, by day.
    pub async fn outcomes_by_day(
        &self,
        query: &OutcomeQuery<'_>,
    ) -> Result<Vec<OutcomeGroup<i64>>, StoreError> {
        let good = codec::to_json(TABLE, &query.definition.good_values())?;
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_as(self.pick(&DAYS))
                .bind(query.definition.project_id.to_string())
                .bind(&query.definition.name)
                .bind(query.from.as_micros())
                .bind(query.to.as_micros())
                .bind(query.definition.kind == OutcomeKind::Category)
                .bind(&good)
                .fetch_all(pool)
                .await
        })?)
    }

    /// Sums for each value of the label `label`, most interactions first, at most `limit`; the key
    /// is none where interactions have no such label.
    pub async fn outcomes_by_label(
        &self,
        query: &OutcomeQuery<'_>,
        label: &str,
        limit: i64,
    ) -> Result<Vec<OutcomeGroup<Option<String>>>, StoreError> {
        let good = codec::to_json(TABLE, &query.definition.good_values())?;
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_as(self.pick(&LABELS))
                .bind(query.definition.project_id.to_string())
                .bind(&query.definition.name)
                .bind(query.from.as_micros())
                .bind(query.to.as_micros())
                .bind(query.definition.kind == OutcomeKind::Category)
                .bind(&good)
                .bind(label)
                .bind(limit)
                .fetch_all(pool)
                .await
        })?)
    }

    /// The labels of each of the latest `limit` interactions that has an outcome, with what the last one
    /// is worth; in no order.
    pub async fn latest_outcomes(
        &self,
        query: &OutcomeQuery<'_>,
        limit: u32,
    ) -> Result<Vec<(Attributes, f64)>, StoreError> {
        let good = codec::to_json(TABLE, &query.definition.good_values())?;
        let rows: Vec<(String, f64)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(self.pick(&LATEST))
                .bind(query.definition.project_id.to_string())
                .bind(&query.definition.name)
                .bind(query.from.as_micros())
                .bind(query.to.as_micros())
                .bind(query.definition.kind == OutcomeKind::Category)
                .bind(&good)
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })?;
        rows.into_iter()
            .map(|(attributes, worth)| Ok((codec::from_json("interactions", &attributes)?, worth)))
            .collect()
    }

    /// How often each category came, most often first, at most `limit`.
    pub async fn outcome_categories(
        &self,
        query: &OutcomeQuery<'_>,
        limit: i64,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_as(CATEGORIES)
                .bind(query.definition.project_id.to_string())
                .bind(&query.definition.name)
                .bind(query.from.as_micros())
                .bind(query.to.as_micros())
                .bind(limit)
                .fetch_all(pool)
                .await
        })?)
    }

    /// Outcomes that came after their interactions were handed out as mature.
    pub async fn late_outcomes(&self, query: &OutcomeQuery<'_>) -> Result<i64, StoreError> {
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_scalar(LATE)
                .bind(query.definition.project_id.to_string())
                .bind(&query.definition.name)
                .bind(query.from.as_micros())
                .bind(query.to.as_micros())
                .fetch_one(pool)
                .await
        })?)
    }

    /// Outcomes that wait for their interactions, and those of them that have waited for longer than
    /// their attribution window; of one name, or of all.
    pub async fn parked_outcomes(
        &self,
        project: ProjectId,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<(i64, i64), StoreError> {
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_as(WAITING)
                .bind(project.to_string())
                .bind(now.as_micros())
                .bind(name.unwrap_or_default())
                .fetch_one(pool)
                .await
        })?)
    }

    /// Where every outcome of the project has gone.
    pub async fn outcome_counts(
        &self,
        project: ProjectId,
        now: Timestamp,
    ) -> Result<OutcomeCounts, StoreError> {
        let (_, unmatched) = self.parked_outcomes(project, None, now).await?;
        let rows: Vec<(String, i64)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(COUNTS).bind(project.to_string()).fetch_all(pool).await
        })?;
        let value = |wanted: &str| rows.iter().find(|(name, _)| name == wanted).map_or(0, |r| r.1);
        let of = |counter: Counter| value(counter.as_str());
        Ok(OutcomeCounts {
            accepted: of(Counter::OutcomesAccepted),
            joined: of(Counter::OutcomesJoined) - of(Counter::OutcomesExpiredJoined),
            parked: value("parked"),
            unmatched,
            duplicates: of(Counter::OutcomesDuplicate),
            conflicts: of(Counter::OutcomesConflict),
            rejected: of(Counter::OutcomesRejected),
            expired: of(Counter::OutcomesExpired),
        })
    }
}

//! How long outcomes take to come, from those that have.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::outcome::Figures;
use crate::stats::delay::{DelayCurve, Observed};
use crate::store::engine::{Store, on_engine};
use crate::store::error::StoreError;

/// Outcomes that a curve is learned from at most: an even selection in the order of arrival.
const SAMPLE: i64 = 10_000;

const COUNT: &str = "SELECT COUNT(*) FROM outcomes WHERE project_id = $1 AND name = $2
    AND interaction_at IS NOT NULL AND target <> 'figure'";
const DELAYS: &str = "SELECT occurred_at - interaction_at, interaction_at FROM outcomes
    WHERE project_id = $1 AND name = $2 AND interaction_at IS NOT NULL AND target <> 'figure'
      AND seq % $3 = 0";

impl Store {
    /// How long outcomes of this name take to come; `None` where too few have come. Figures that
    /// come with their interactions take no time.
    pub async fn outcome_delay(
        &self,
        project: ProjectId,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<DelayCurve>, StoreError> {
        let count: i64 = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(COUNT).bind(project.to_string()).bind(name).fetch_one(pool).await
        })?;
        if count == 0 && Figures::kind_of(name).is_some() {
            return Ok(Some(DelayCurve::immediate()));
        }
        let rows: Vec<(i64, i64)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(DELAYS)
                .bind(project.to_string())
                .bind(name)
                .bind(1 + count / SAMPLE)
                .fetch_all(pool)
                .await
        })?;
        let observed: Vec<Observed> = rows
            .into_iter()
            .map(|(delay, at)| Observed {
                delay: seconds(delay),
                age: seconds(now.as_micros().saturating_sub(at)),
            })
            .collect();
        Ok(DelayCurve::learn(&observed))
    }

    /// The same for every name that has a definition and came often enough.
    pub async fn outcome_delays(
        &self,
        project: ProjectId,
        now: Timestamp,
    ) -> Result<BTreeMap<String, DelayCurve>, StoreError> {
        let mut curves = BTreeMap::new();
        for definition in self.outcome_definitions(project).await? {
            if let Some(curve) = self.outcome_delay(project, &definition.name, now).await? {
                curves.insert(definition.name, curve);
            }
        }
        Ok(curves)
    }
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

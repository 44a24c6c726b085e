//! Projects: the unit of isolation.

use rand::RngCore;

use super::engine::{Store, on_engine};
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::budget::Budget;

const ENSURE: &str = "INSERT INTO projects
    (id, name, position, created_at, false_alarms_per_30d, confidence)
    VALUES ($1, $2, 0, $3, $4, $5) ON CONFLICT (name) DO NOTHING";
const FIND: &str = "SELECT id FROM projects WHERE name = $1";
const BUDGET: &str = "SELECT false_alarms_per_30d, confidence FROM projects WHERE id = $1";
const SET_BUDGET: &str =
    "UPDATE projects SET false_alarms_per_30d = $2, confidence = $3 WHERE id = $1";
const POSITION: &str = "SELECT position FROM projects WHERE id = $1";

impl Store {
    /// The id of the project called `name`, which is made when there is none.
    pub async fn ensure_project(
        &self,
        name: &str,
        now: Timestamp,
        rng: &mut (impl RngCore + Send),
    ) -> Result<ProjectId, StoreError> {
        let (id, budget) = (ProjectId::new(now, rng), Budget::default());
        on_engine!(self, writer, |pool| {
            sqlx::query(ENSURE)
                .bind(id.to_string())
                .bind(name)
                .bind(now.as_micros())
                .bind(budget.false_alarms_per_30d)
                .bind(budget.confidence)
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        let id: String = on_engine!(self, writer, |pool| {
            sqlx::query_scalar(FIND).bind(name).fetch_one(pool).await
        })?;
        super::codec::parse_id("projects", &id)
    }

    /// The id of the project called `name`.
    pub async fn find_project(&self, name: &str) -> Result<Option<ProjectId>, StoreError> {
        let id: Option<String> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(FIND).bind(name).fetch_optional(pool).await
        })?;
        id.map(|id| super::codec::parse_id("projects", &id)).transpose()
    }

    /// The project's false-alarm budget; the default for an unknown project.
    pub async fn budget(&self, project: ProjectId) -> Result<Budget, StoreError> {
        let row: Option<(f64, f64)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(BUDGET).bind(project.to_string()).fetch_optional(pool).await
        })?;
        Ok(row.map_or_else(Budget::default, |(false_alarms_per_30d, confidence)| Budget {
            false_alarms_per_30d,
            confidence,
        }))
    }

    /// Sets the project's false-alarm budget.
    pub async fn set_budget(&self, project: ProjectId, budget: Budget) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(SET_BUDGET)
                .bind(project.to_string())
                .bind(budget.false_alarms_per_30d)
                .bind(budget.confidence)
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// The last position given in the project; 0 before the first and for an unknown project.
    pub async fn last_position(&self, project: ProjectId) -> Result<i64, StoreError> {
        let position: Option<i64> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(POSITION).bind(project.to_string()).fetch_optional(pool).await
        })?;
        Ok(position.unwrap_or(0))
    }
}

//! Projects: the unit of isolation.

use rand::RngCore;

use super::engine::{Store, on_engine};
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::id::ProjectId;

const ENSURE: &str = "INSERT INTO projects (id, name, position, created_at) VALUES ($1, $2, 0, $3)
    ON CONFLICT (name) DO NOTHING";
const FIND: &str = "SELECT id FROM projects WHERE name = $1";
const POSITION: &str = "SELECT position FROM projects WHERE id = $1";

impl Store {
    /// The id of the project called `name`, which is made when there is none.
    pub async fn ensure_project(
        &self,
        name: &str,
        now: Timestamp,
        rng: &mut (impl RngCore + Send),
    ) -> Result<ProjectId, StoreError> {
        let id = ProjectId::new(now, rng);
        on_engine!(self, writer, |pool| {
            sqlx::query(ENSURE)
                .bind(id.to_string())
                .bind(name)
                .bind(now.as_micros())
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        let id: String = on_engine!(self, writer, |pool| {
            sqlx::query_scalar(FIND).bind(name).fetch_one(pool).await
        })?;
        super::codec::parse_id("projects", &id)
    }

    /// The last position given in the project; 0 before the first and for an unknown project.
    pub async fn last_position(&self, project: ProjectId) -> Result<i64, StoreError> {
        let position: Option<i64> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(POSITION).bind(project.to_string()).fetch_optional(pool).await
        })?;
        Ok(position.unwrap_or(0))
    }
}

//! A project's rules on what texts may say, and what they are taught with.

use super::codec;
use super::engine::{Store, on_engine, on_tx};
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::id::{PolicyId, ProjectId};
use crate::model::policy::{Made, Policy, PolicyExample};
use crate::policy::{MAX_POLICIES, PolicySet};
use crate::store::sealed_texts::{self, TextKey};

const TABLE: &str = "policies";

/// Examples of a policy at most.
pub const MAX_EXAMPLES: usize = 5000;

const LIST: &str =
    "SELECT * FROM policies WHERE project_id = $1 AND deleted_at IS NULL ORDER BY slot";
const NAMES: &str = "SELECT slot, name FROM policies WHERE project_id = $1 AND deleted_at IS NULL";
const PLACE: &str = "SELECT slot, created_at FROM policies
    WHERE project_id = $1 AND name = $2 AND deleted_at IS NULL";
const FIND: &str = "SELECT * FROM policies
    WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL";
const SLOTS: &str = "SELECT slot FROM policies WHERE project_id = $1 AND deleted_at IS NULL";
const INSERT: &str = "INSERT INTO policies
        (id, project_id, name, slot, spec, version, fitted, active, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const UPDATE: &str = "UPDATE policies SET name = $3, spec = $4, version = version + 1, fitted = $5,
        active = $6, updated_at = $7
    WHERE project_id = $1 AND id = $2 AND version = $8 AND deleted_at IS NULL";
const DELETE: &str = "UPDATE policies SET version = version + 1, fitted = NULL, active = NULL,
        deleted_at = $3, updated_at = $3
    WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL";
const VERSION: &str =
    "SELECT CAST(COALESCE(SUM(version), 0) AS BIGINT) FROM policies WHERE project_id = $1";
const ADD_EXAMPLE: &str = "INSERT INTO policy_examples
        (policy_id, id, text, text_key, label, created_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (policy_id, id) DO UPDATE SET label = excluded.label";
const EXAMPLES: &str = "SELECT id, text, text_key, label FROM policy_examples WHERE policy_id = $1
    ORDER BY created_at, id";
const COUNT_EXAMPLES: &str = "SELECT COUNT(*) FROM policy_examples WHERE policy_id = $1";
const DELETE_EXAMPLES: &str = "DELETE FROM policy_examples WHERE policy_id = $1";

#[derive(sqlx::FromRow)]
struct PolicyRow {
    id: String,
    project_id: String,
    slot: i64,
    spec: String,
    version: i64,
    fitted: Option<String>,
    active: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<PolicyRow> for Policy {
    type Error = StoreError;

    fn try_from(row: PolicyRow) -> Result<Self, StoreError> {
        let made = |json: Option<String>| -> Result<Option<Made>, StoreError> {
            json.map(|json| codec::from_json(TABLE, &json)).transpose()
        };
        Ok(Self {
            id: codec::parse_id(TABLE, &row.id)?,
            project_id: codec::parse_id(TABLE, &row.project_id)?,
            spec: codec::from_json(TABLE, &row.spec)?,
            slot: u8::try_from(row.slot).map_err(|error| StoreError::corrupt(TABLE, error))?,
            version: row.version,
            fitted: made(row.fitted)?,
            active: made(row.active)?,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }
}

/// What the text of an example is sealed for.
fn owner(policy: PolicyId, example: &str) -> String {
    format!("{policy}/{example}")
}

fn json(made: Option<&Made>) -> Result<Option<String>, StoreError> {
    made.map(|made| codec::to_json(TABLE, made)).transpose()
}

impl Store {
    /// Stores a new policy in the first free slot, which it gets; false where none is free.
    pub async fn insert_policy(&self, policy: &mut Policy) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let project = policy.project_id.to_string();
        let taken: Vec<i64> = on_tx!(&mut tx, |connection| {
            sqlx::query_scalar(SLOTS).bind(&project).fetch_all(connection).await
        })?;
        let free = (0..MAX_POLICIES as u8).find(|slot| !taken.contains(&i64::from(*slot)));
        let Some(slot) = free else { return Ok(false) };
        policy.slot = slot;
        let spec = codec::to_json(TABLE, &policy.spec)?;
        let (fitted, active) = (json(policy.fitted.as_ref())?, json(policy.active.as_ref())?);
        on_tx!(&mut tx, |connection| {
            sqlx::query(INSERT)
                .bind(policy.id.to_string())
                .bind(&project)
                .bind(&policy.spec.name)
                .bind(i64::from(slot))
                .bind(&spec)
                .bind(policy.version)
                .bind(&fitted)
                .bind(&active)
                .bind(policy.created_at.as_micros())
                .bind(policy.updated_at.as_micros())
                .execute(connection)
                .await
                .map(|_| ())
        })
        .map_err(|error| StoreError::from(error).or_taken("policy", &policy.spec.name))?;
        tx.commit().await?;
        Ok(true)
    }

    /// The project's policies, by slot.
    pub async fn list_policies(&self, project: ProjectId) -> Result<Vec<Policy>, StoreError> {
        let rows: Vec<PolicyRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST).bind(project.to_string()).fetch_all(pool).await
        })?;
        codec::all(rows)
    }

    /// The slot and name of each policy, without what it has learned.
    pub async fn policy_names(&self, project: ProjectId) -> Result<Vec<(i64, String)>, StoreError> {
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_as(NAMES).bind(project.to_string()).fetch_all(pool).await
        })?)
    }

    /// The slot of the policy of this name, and since when it has it: before, the slot was another's.
    pub async fn policy_place(
        &self,
        project: ProjectId,
        name: &str,
    ) -> Result<Option<(usize, Timestamp)>, StoreError> {
        let row: Option<(i64, i64)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(PLACE).bind(project.to_string()).bind(name).fetch_optional(pool).await
        })?;
        row.map(|(slot, since)| {
            let slot = usize::try_from(slot).map_err(|error| StoreError::corrupt(TABLE, error))?;
            Ok((slot, Timestamp::from_micros(since)))
        })
        .transpose()
    }

    /// The policy with this id.
    pub async fn find_policy(
        &self,
        project: ProjectId,
        id: PolicyId,
    ) -> Result<Option<Policy>, StoreError> {
        let row: Option<PolicyRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND)
                .bind(project.to_string())
                .bind(id.to_string())
                .fetch_optional(pool)
                .await
        })?;
        row.map(Policy::try_from).transpose()
    }

    /// Writes a policy that was changed, unless somebody else has changed it since it was read: then
    /// false.
    pub async fn update_policy(&self, policy: &Policy) -> Result<bool, StoreError> {
        let spec = codec::to_json(TABLE, &policy.spec)?;
        let (fitted, active) = (json(policy.fitted.as_ref())?, json(policy.active.as_ref())?);
        let changed = on_engine!(self, writer, |pool| {
            sqlx::query(UPDATE)
                .bind(policy.project_id.to_string())
                .bind(policy.id.to_string())
                .bind(&policy.spec.name)
                .bind(&spec)
                .bind(&fitted)
                .bind(&active)
                .bind(policy.updated_at.as_micros())
                .bind(policy.version)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::from(error).or_taken("policy", &policy.spec.name))?;
        Ok(changed > 0)
    }

    /// Deletes a policy with its examples; its slot is free again.
    pub async fn delete_policy(
        &self,
        project: ProjectId,
        id: PolicyId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let deleted = on_tx!(&mut tx, |connection| {
            sqlx::query(DELETE)
                .bind(project.to_string())
                .bind(id.to_string())
                .bind(now.as_micros())
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })?;
        if deleted > 0 {
            on_tx!(&mut tx, |connection| {
                sqlx::query(DELETE_EXAMPLES)
                    .bind(id.to_string())
                    .execute(connection)
                    .await
                    .map(|_| ())
            })?;
        }
        tx.commit().await?;
        Ok(deleted > 0)
    }

    /// A number that grows with every change of the project's policies.
    pub async fn policies_version(&self, project: ProjectId) -> Result<i64, StoreError> {
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_scalar(VERSION).bind(project.to_string()).fetch_one(pool).await
        })?)
    }

    /// The policies in force that can judge embeddings of the model with `digest`.
    pub async fn policy_set(
        &self,
        project: ProjectId,
        digest: Option<&str>,
    ) -> Result<PolicySet, StoreError> {
        let policies = self.list_policies(project).await?;
        let members = policies.iter().filter_map(|policy| policy.member(digest)).collect();
        Ok(PolicySet { members })
    }

    /// Adds examples; one that is there already gets the new label. False, and nothing is added, where
    /// they would be more than [`MAX_EXAMPLES`].
    pub async fn add_policy_examples(
        &self,
        (project, policy): (ProjectId, PolicyId),
        examples: &[PolicyExample],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let key = self.text_key(&mut tx, project, now).await?;
        let key = key.as_ref();
        for example in examples {
            let owner = owner(policy, &example.id);
            let text = sealed_texts::seal(key, sealed_texts::EXAMPLE, &owner, &example.text)?;
            on_tx!(&mut tx, |connection| {
                sqlx::query(ADD_EXAMPLE)
                    .bind(policy.to_string())
                    .bind(&example.id)
                    .bind(&*text)
                    .bind(key.map(TextKey::id))
                    .bind(i64::from(example.label))
                    .bind(now.as_micros())
                    .execute(connection)
                    .await
                    .map(|_| ())
            })?;
        }
        let count: i64 = on_tx!(&mut tx, |connection| {
            sqlx::query_scalar(COUNT_EXAMPLES).bind(policy.to_string()).fetch_one(connection).await
        })?;
        if count > MAX_EXAMPLES as i64 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// A policy's examples, oldest first.
    pub async fn policy_examples(
        &self,
        policy: PolicyId,
    ) -> Result<Vec<PolicyExample>, StoreError> {
        let rows: Vec<(String, String, Option<i64>, i64)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(EXAMPLES).bind(policy.to_string()).fetch_all(pool).await
        })?;
        let ring = self.keyring(rows.iter().map(|(_, _, key, _)| *key)).await?;
        let example = |(id, text, key, label): (String, String, Option<i64>, i64)| {
            let text = ring.open(key, sealed_texts::EXAMPLE, &owner(policy, &id), text)?;
            Ok(PolicyExample { id, text, label: label != 0 })
        };
        rows.into_iter().map(example).collect()
    }
}

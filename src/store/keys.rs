//! API keys: hashes only.

use super::codec;
use super::engine::{Store, on_engine, on_tx};
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::id::{KeyId, ProjectId};
use crate::model::key::ApiKey;

const TABLE: &str = "api_keys";
const INSERT: &str = "INSERT INTO api_keys
    (id, project_id, name, role, secret_hash, created_at, revoked_at, expires_at, successor_id,
        requests_per_minute, bytes_per_minute)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const FIND: &str = "SELECT * FROM api_keys WHERE id = $1";
const LIST: &str = "SELECT * FROM api_keys WHERE project_id = $1 ORDER BY id";
const REVOKE: &str = "UPDATE api_keys SET revoked_at = $3
    WHERE project_id = $1 AND id = $2 AND revoked_at IS NULL";
// The end that a key has already is kept where it comes sooner.
const SUCCEED: &str = "UPDATE api_keys SET successor_id = $3,
        expires_at = CASE WHEN expires_at < $4 THEN expires_at ELSE $4 END
    WHERE project_id = $1 AND id = $2 AND revoked_at IS NULL AND successor_id IS NULL
      AND (expires_at IS NULL OR expires_at > $5)";
const COUNT: &str = "SELECT COUNT(*) FROM api_keys";

#[derive(sqlx::FromRow)]
struct KeyRow {
    id: String,
    project_id: String,
    name: String,
    role: String,
    secret_hash: Vec<u8>,
    created_at: i64,
    revoked_at: Option<i64>,
    expires_at: Option<i64>,
    successor_id: Option<String>,
    requests_per_minute: Option<i64>,
    bytes_per_minute: Option<i64>,
}

impl TryFrom<KeyRow> for ApiKey {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: codec::parse_id(TABLE, &row.id)?,
            project_id: codec::parse_id(TABLE, &row.project_id)?,
            name: row.name,
            role: codec::from_name(TABLE, &row.role)?,
            secret_hash: codec::hash(TABLE, &row.secret_hash)?,
            created_at: Timestamp::from_micros(row.created_at),
            revoked_at: codec::moment(row.revoked_at),
            expires_at: codec::moment(row.expires_at),
            successor_id: row.successor_id.map(|id| codec::parse_id(TABLE, &id)).transpose()?,
            requests_per_minute: row
                .requests_per_minute
                .map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
            bytes_per_minute: row.bytes_per_minute.map(i64::cast_unsigned),
        })
    }
}

/// Binds a key's columns in the order of [`INSERT`].
macro_rules! insert {
    ($key:expr, $executor:expr) => {
        sqlx::query(INSERT)
            .bind($key.id.to_string())
            .bind($key.project_id.to_string())
            .bind(&$key.name)
            .bind(codec::name_of($key.role))
            .bind($key.secret_hash.as_slice())
            .bind($key.created_at.as_micros())
            .bind($key.revoked_at.map(Timestamp::as_micros))
            .bind($key.expires_at.map(Timestamp::as_micros))
            .bind($key.successor_id.map(|id| id.to_string()))
            .bind($key.requests_per_minute.map(i64::from))
            .bind($key.bytes_per_minute.map(u64::cast_signed))
            .execute($executor)
            .await
            .map(|_| ())
    };
}

impl Store {
    /// Stores a new key.
    pub async fn insert_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| insert!(key, pool))?;
        Ok(())
    }

    /// The key with this id, revoked or not: the caller looks at `revoked_at`.
    pub async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
        let row: Option<KeyRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND).bind(id.to_string()).fetch_optional(pool).await
        })?;
        row.map(ApiKey::try_from).transpose()
    }

    /// The project's keys, oldest first, revoked ones too.
    pub async fn list_keys(&self, project: ProjectId) -> Result<Vec<ApiKey>, StoreError> {
        let rows: Vec<KeyRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST).bind(project.to_string()).fetch_all(pool).await
        })?;
        codec::all(rows)
    }

    /// Revokes a key; false when the project has no such key that is still valid.
    pub async fn revoke_key(
        &self,
        project: ProjectId,
        id: KeyId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let revoked = on_engine!(self, writer, |pool| {
            sqlx::query(REVOKE)
                .bind(project.to_string())
                .bind(id.to_string())
                .bind(now.as_micros())
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(revoked > 0)
    }

    /// Puts `successor` in the place of the key `old`, which ends at `end`; false, with nothing stored,
    /// when the project has no such key that is valid at `now` and was not rotated before.
    pub async fn rotate_key(
        &self,
        old: KeyId,
        successor: &ApiKey,
        end: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let ended = on_tx!(&mut tx, |connection| {
            sqlx::query(SUCCEED)
                .bind(successor.project_id.to_string())
                .bind(old.to_string())
                .bind(successor.id.to_string())
                .bind(end.as_micros())
                .bind(now.as_micros())
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })?;
        if ended == 0 {
            return Ok(false);
        }
        on_tx!(&mut tx, |connection| insert!(successor, connection))?;
        tx.commit().await?;
        Ok(true)
    }

    /// Keys of all projects, revoked ones too: 0 on a new installation.
    pub async fn count_keys(&self) -> Result<i64, StoreError> {
        Ok(on_engine!(self, readers, |pool| sqlx::query_scalar(COUNT).fetch_one(pool).await)?)
    }
}

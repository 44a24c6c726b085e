//! What projects do with personal data, and the keys of their pseudonyms.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::codec;
use super::engine::{Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::screening::{PseudonymKey, Screening};
use crate::screen::policy::PseudonymKeys;

const TABLE: &str = "screenings";
const KEYS: &str = "pseudonym_keys";

const FIND: &str = "SELECT version, settings FROM screenings WHERE project_id = $1";
const VERSION: &str = "SELECT version FROM screenings WHERE project_id = $1";
const SET: &str = "INSERT INTO screenings (project_id, version, settings, updated_at)
    VALUES ($1, 1, $2, $3)
    ON CONFLICT (project_id) DO UPDATE SET version = screenings.version + 1,
        settings = excluded.settings, updated_at = excluded.updated_at
    RETURNING version";
/// Keeps the settings; those of a project that has none are the defaults in $2.
const TOUCH: &str = "INSERT INTO screenings (project_id, version, settings, updated_at)
    VALUES ($1, 1, $2, $3)
    ON CONFLICT (project_id) DO UPDATE SET version = screenings.version + 1,
        updated_at = excluded.updated_at";
const LIST_KEYS: &str = "SELECT number, sealed_key, created_at, destroyed_at FROM pseudonym_keys
    WHERE project_id = $1 ORDER BY number";
const LAST_KEY: &str = "SELECT MAX(number) FROM pseudonym_keys WHERE project_id = $1";
const ADD_KEY: &str = "INSERT INTO pseudonym_keys (project_id, number, sealed_key, created_at)
    VALUES ($1, $2, $3, $4)";
const DESTROY_KEY: &str = "UPDATE pseudonym_keys SET sealed_key = NULL, destroyed_at = $3
    WHERE project_id = $1 AND number = $2 AND destroyed_at IS NULL";

#[derive(sqlx::FromRow)]
struct KeyRow {
    number: i64,
    sealed_key: Option<String>,
    created_at: i64,
    destroyed_at: Option<i64>,
}

/// The id of a key, as it stands in tokens.
fn key_id(number: i64) -> String {
    format!("k{number}")
}

/// What a sealed key is bound to.
pub(super) fn owner(project: ProjectId, number: i64) -> String {
    format!("pseudonym key {project} {number}")
}

impl Store {
    /// What the project does with personal data, and the version of that: 0 while nobody chose.
    pub async fn screening(&self, project: ProjectId) -> Result<(i64, Screening), StoreError> {
        let row: Option<(i64, String)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND).bind(project.to_string()).fetch_optional(pool).await
        })?;
        let Some((version, settings)) = row else { return Ok((0, Screening::default())) };
        Ok((version, codec::from_json(TABLE, &settings)?))
    }

    /// The version alone.
    pub async fn screening_version(&self, project: ProjectId) -> Result<i64, StoreError> {
        let version: Option<i64> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(VERSION).bind(project.to_string()).fetch_optional(pool).await
        })?;
        Ok(version.unwrap_or(0))
    }

    /// Sets what the project does from now on; the new version.
    pub async fn set_screening(
        &self,
        project: ProjectId,
        settings: &Screening,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let settings = codec::to_json(TABLE, settings)?;
        Ok(on_engine!(self, writer, |pool| {
            sqlx::query_scalar(SET)
                .bind(project.to_string())
                .bind(&settings)
                .bind(now.as_micros())
                .fetch_one(pool)
                .await
        })?)
    }

    /// The project's keys for pseudonyms, without the keys themselves, oldest first.
    pub async fn list_pseudonym_keys(
        &self,
        project: ProjectId,
    ) -> Result<Vec<PseudonymKey>, StoreError> {
        let rows = self.key_rows(project).await?.into_iter();
        Ok(rows
            .map(|row| PseudonymKey {
                id: key_id(row.number),
                created_at: Timestamp::from_micros(row.created_at),
                destroyed_at: row.destroyed_at.map(Timestamp::from_micros),
            })
            .collect())
    }

    /// The keys that are not destroyed, the latest of them current; `None` where there is none.
    pub async fn pseudonym_keys(
        &self,
        project: ProjectId,
    ) -> Result<Option<PseudonymKeys>, StoreError> {
        let mut keys = Vec::new();
        for row in self.key_rows(project).await? {
            let Some(sealed) = row.sealed_key else { continue };
            let key = self.sealer.open(&owner(project, row.number), sealed)?;
            let key = BASE64.decode(key).map_err(|_| StoreError::Sealed)?;
            keys.push((key_id(row.number), key));
        }
        let Some(current) = keys.last().map(|(id, _)| id.clone()) else { return Ok(None) };
        let keys = PseudonymKeys::new(&current, keys);
        keys.map(Some).map_err(|error| StoreError::corrupt(KEYS, error.to_string()))
    }

    /// Stores `key` as the project's next and current one.
    pub async fn add_pseudonym_key(
        &self,
        project: ProjectId,
        key: &[u8; 32],
        now: Timestamp,
    ) -> Result<PseudonymKey, StoreError> {
        let id = project.to_string();
        let mut tx = self.begin().await?;
        // First, since it makes two of them wait for each other.
        touch(&mut tx, project, now).await?;
        let last: Option<i64> = on_tx!(&mut tx, |connection| {
            sqlx::query_scalar(LAST_KEY).bind(&id).fetch_one(connection).await
        })?;
        let number = last.unwrap_or(0) + 1;
        let sealed = self.sealer.seal(&owner(project, number), &BASE64.encode(key))?;
        on_tx!(&mut tx, |connection| {
            sqlx::query(ADD_KEY)
                .bind(&id)
                .bind(number)
                .bind(&sealed)
                .bind(now.as_micros())
                .execute(connection)
                .await
                .map(|_| ())
        })?;
        tx.commit().await?;
        Ok(PseudonymKey { id: key_id(number), created_at: now, destroyed_at: None })
    }

    /// Destroys a key for good; `false` where there is none of this id that is not destroyed yet.
    pub async fn destroy_pseudonym_key(
        &self,
        project: ProjectId,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let number = id.strip_prefix('k').and_then(|number| number.parse::<i64>().ok());
        let Some(number) = number.filter(|number| key_id(*number) == id) else { return Ok(false) };
        let mut tx = self.begin().await?;
        let destroyed = on_tx!(&mut tx, |connection| {
            sqlx::query(DESTROY_KEY)
                .bind(project.to_string())
                .bind(number)
                .bind(now.as_micros())
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })?;
        if destroyed == 0 {
            return Ok(false);
        }
        touch(&mut tx, project, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn key_rows(&self, project: ProjectId) -> Result<Vec<KeyRow>, StoreError> {
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST_KEYS).bind(project.to_string()).fetch_all(pool).await
        })?)
    }

    /// A hash of an interaction's content that only the daemon's key leads to; none without a key.
    pub fn keyed_hash(&self, project: ProjectId, hash: &[u8; 32]) -> Option<[u8; 32]> {
        self.sealer.keyed_hash(project, hash)
    }
}

async fn touch(tx: &mut Tx, project: ProjectId, now: Timestamp) -> Result<(), StoreError> {
    let settings = codec::to_json(TABLE, &Screening::default())?;
    on_tx!(tx, |connection| {
        sqlx::query(TOUCH)
            .bind(project.to_string())
            .bind(&settings)
            .bind(now.as_micros())
            .execute(connection)
            .await
            .map(|_| ())
    })?;
    Ok(())
}

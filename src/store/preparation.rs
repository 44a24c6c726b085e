//! How texts are prepared, and what preparation made of them.

use super::codec;
use super::engine::{Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use super::sealed_texts::{self, TextKey};
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::preparation::{Cleaning, Preparation};

const TABLE: &str = "preparations";

const FIND: &str = "SELECT version, settings FROM preparations WHERE project_id = $1";
const VERSION: &str = "SELECT version FROM preparations WHERE project_id = $1";
const SET: &str = "INSERT INTO preparations (project_id, version, settings, updated_at)
    VALUES ($1, 1, $2, $3)
    ON CONFLICT (project_id) DO UPDATE SET version = preparations.version + 1,
        settings = excluded.settings, updated_at = excluded.updated_at
    RETURNING version";
const BOILERPLATE: &str = "SELECT boilerplate, boilerplate_key FROM projects WHERE id = $1";
const SET_BOILERPLATE: &str =
    "UPDATE projects SET boilerplate = $2, boilerplate_key = $3 WHERE id = $1";
const REWRITE: &str = "UPDATE interaction_texts
    SET query = $3, response = $4, original = $5, cleaning = $6, text_key = $7 WHERE day = $1 AND seq = $2";

/// Texts that cleaning changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewrite {
    /// The cleaned query.
    pub query: String,
    /// The cleaned response.
    pub response: Option<String>,
    /// Both as they came, where they are kept.
    pub original: Option<(String, Option<String>)>,
    /// What was changed.
    pub cleaning: Cleaning,
}

impl Store {
    /// How the project's texts are prepared, and the version of that: 0 while nobody chose.
    pub async fn preparation(&self, project: ProjectId) -> Result<(i64, Preparation), StoreError> {
        let row: Option<(i64, String)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND).bind(project.to_string()).fetch_optional(pool).await
        })?;
        let Some((version, settings)) = row else { return Ok((0, Preparation::default())) };
        Ok((version, codec::from_json(TABLE, &settings)?))
    }

    /// The version alone.
    pub async fn preparation_version(&self, project: ProjectId) -> Result<i64, StoreError> {
        let version: Option<i64> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(VERSION).bind(project.to_string()).fetch_optional(pool).await
        })?;
        Ok(version.unwrap_or(0))
    }

    /// Sets how the project's texts are prepared from now on; the new version.
    pub async fn set_preparation(
        &self,
        project: ProjectId,
        settings: &Preparation,
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

    /// What was learned of the texts of the project's latest reference, as JSON.
    pub async fn learned(&self, project: ProjectId) -> Result<Option<String>, StoreError> {
        let found: Option<(Option<String>, Option<i64>)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(BOILERPLATE).bind(project.to_string()).fetch_optional(pool).await
        })?;
        let Some((lines, key)) = found else { return Ok(None) };
        let ring = self.keyring(std::iter::once(key)).await?;
        ring.open_some(key, sealed_texts::BOILERPLATE, &project.to_string(), lines)
    }

    /// Sets that.
    pub async fn set_learned(&self, project: ProjectId, json: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let key = self.newest_text_key(&mut tx, project).await?;
        let (key, id) = (key.as_ref(), project.to_string());
        let lines = sealed_texts::seal(key, sealed_texts::BOILERPLATE, &id, json)?;
        on_tx!(&mut tx, |connection| {
            sqlx::query(SET_BOILERPLATE)
                .bind(&id)
                .bind(&*lines)
                .bind(key.map(TextKey::id))
                .execute(connection)
                .await
                .map(|_| ())
        })?;
        tx.commit().await
    }
}

/// Puts cleaned texts in the place of those that came, in the commit that stores their embeddings.
pub(super) async fn rewrite(
    store: &Store,
    tx: &mut Tx,
    project: ProjectId,
    texts: &[(i64, i64, &str, &Rewrite)],
) -> Result<(), StoreError> {
    if texts.is_empty() {
        return Ok(());
    }
    // Without a key yet, they came before texts were sealed: they are sealed with the others of their time.
    let key = store.newest_text_key(tx, project).await?;
    let key = key.as_ref();
    for &(day, seq, id, rewrite) in texts {
        let original = rewrite.original.as_ref();
        let original =
            original.map(|both| codec::to_json("interaction_texts", both)).transpose()?;
        let cleaning = codec::to_json("interaction_texts", &rewrite.cleaning)?;
        let some = |place, text| sealed_texts::seal_some(key, place, id, text);
        let query = sealed_texts::seal(key, sealed_texts::QUERY, id, &rewrite.query)?;
        let response = some(sealed_texts::RESPONSE, rewrite.response.as_deref())?;
        let original = some(sealed_texts::ORIGINAL, original.as_deref())?;
        on_tx!(tx, |connection| {
            sqlx::query(REWRITE)
                .bind(day)
                .bind(seq)
                .bind(&*query)
                .bind(response.as_deref())
                .bind(original.as_deref())
                .bind(&cleaning)
                .bind(key.map(TextKey::id))
                .execute(connection)
                .await
                .map(|_| ())
        })?;
    }
    Ok(())
}

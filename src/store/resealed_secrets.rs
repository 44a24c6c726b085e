//! After a change of `store.secret_key`: secrets that a previous key sealed are sealed with the present one,
//! so that the previous one can be forgotten.

use sqlx::AssertSqlSafe;

use super::engine::{Store, on_tx};
use super::error::StoreError;
use super::screening;
use super::text_keys::project_id;

/// Columns of secrets that are sealed for the id of their row.
const SECRETS: [(&str, &str); 3] =
    [("receivers", "url"), ("receivers", "secret"), ("retrains", "token")];

const PSEUDONYM_KEYS: &str =
    "SELECT project_id, number, sealed_key FROM pseudonym_keys WHERE sealed_key IS NOT NULL";
const SET_PSEUDONYM_KEY: &str = "UPDATE pseudonym_keys SET sealed_key = $3
    WHERE project_id = $1 AND number = $2 AND sealed_key = $4";

impl Store {
    /// Seals with the present secret key what a previous one sealed, or what was stored before there was
    /// one: data keys of texts, secrets of receivers and retrainings, and keys of pseudonyms; how many.
    pub async fn reseal_secrets(&self) -> Result<i64, StoreError> {
        if !self.sealer.makes_pseudonyms() {
            return Ok(0);
        }
        let mut resealed = self.rewrap_text_keys().await?;
        for (table, column) in SECRETS {
            resealed += self.reseal_column(table, column).await?;
        }
        Ok(resealed + self.reseal_pseudonym_keys().await?)
    }

    async fn reseal_column(&self, table: &str, column: &str) -> Result<i64, StoreError> {
        let find = format!("SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL");
        let write = format!("UPDATE {table} SET {column} = $2 WHERE id = $1 AND {column} = $3");
        let mut tx = self.begin().await?;
        let rows: Vec<(String, String)> = on_tx!(&mut tx, |connection| {
            sqlx::query_as(AssertSqlSafe(find)).fetch_all(connection).await
        })?;
        let mut count = 0;
        for (id, stored) in rows {
            let Some(sealed) = self.sealer.resealed(&id, &stored)? else { continue };
            on_tx!(&mut tx, |connection| {
                sqlx::query(AssertSqlSafe(write.clone()))
                    .bind(&id)
                    .bind(&sealed)
                    .bind(&stored)
                    .execute(connection)
                    .await
                    .map(|_| ())
            })?;
            count += 1;
        }
        tx.commit().await?;
        Ok(count)
    }

    async fn reseal_pseudonym_keys(&self) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let rows: Vec<(String, i64, String)> = on_tx!(&mut tx, |connection| {
            sqlx::query_as(PSEUDONYM_KEYS).fetch_all(connection).await
        })?;
        let mut count = 0;
        for (project, number, stored) in rows {
            let owner = screening::owner(project_id(&project)?, number);
            let Some(sealed) = self.sealer.resealed(&owner, &stored)? else { continue };
            on_tx!(&mut tx, |connection| {
                sqlx::query(SET_PSEUDONYM_KEY)
                    .bind(&project)
                    .bind(number)
                    .bind(&sealed)
                    .bind(&stored)
                    .execute(connection)
                    .await
                    .map(|_| ())
            })?;
            count += 1;
        }
        tx.commit().await?;
        Ok(count)
    }
}

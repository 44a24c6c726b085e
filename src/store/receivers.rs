//! Receivers: where alerts are sent.

use super::codec;
use super::engine::{Sql, Store, on_engine};
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::id::{ProjectId, ReceiverId};
use crate::model::receiver::Receiver;

const TABLE: &str = "receivers";
const INSERT: &str = "INSERT INTO receivers
    (id, project_id, name, kind, url, secret, target, disabled, created_at, settings)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const UPDATE: &str = "UPDATE receivers
    SET name = $3, kind = $4, url = $5, secret = $6, target = $7, disabled = $8, settings = $9
    WHERE project_id = $1 AND id = $2";
const DELETE: &str = "DELETE FROM receivers WHERE project_id = $1 AND id = $2";
const FIND: &str = "SELECT * FROM receivers WHERE project_id = $1 AND id = $2";
const LIST: &str = "SELECT * FROM receivers WHERE project_id = $1 ORDER BY id";
const BY_ID: Sql = Sql {
    postgres: "SELECT * FROM receivers
        WHERE id = ANY (ARRAY (SELECT json_array_elements_text($1::json))) ORDER BY id",
    sqlite: "SELECT * FROM receivers WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id",
};
pub(super) const DISABLE: &str =
    "UPDATE receivers SET disabled = $2 WHERE id = $1 AND disabled <> $2";

#[derive(sqlx::FromRow)]
struct ReceiverRow {
    id: String,
    project_id: String,
    name: String,
    kind: String,
    url: String,
    secret: Option<String>,
    target: String,
    disabled: bool,
    created_at: i64,
    settings: String,
}

impl TryFrom<ReceiverRow> for Receiver {
    type Error = StoreError;

    fn try_from(row: ReceiverRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: codec::parse_id(TABLE, &row.id)?,
            project_id: codec::parse_id(TABLE, &row.project_id)?,
            name: row.name,
            kind: codec::from_name(TABLE, &row.kind)?,
            url: row.url,
            secret: row.secret,
            target: row.target,
            disabled: row.disabled,
            created_at: Timestamp::from_micros(row.created_at),
            settings: codec::from_json(TABLE, &row.settings)?,
        })
    }
}

impl Store {
    /// URL and secret as they are stored.
    fn sealed(&self, receiver: &Receiver) -> Result<(String, Option<String>), StoreError> {
        let owner = receiver.id.to_string();
        let seal = |value: &str| self.sealer.seal(&owner, value);
        Ok((seal(&receiver.url)?, receiver.secret.as_deref().map(seal).transpose()?))
    }

    fn opened(&self, row: ReceiverRow) -> Result<Receiver, StoreError> {
        let mut receiver = Receiver::try_from(row)?;
        let owner = receiver.id.to_string();
        let open = |value| self.sealer.open(&owner, value);
        receiver.url = open(receiver.url)?;
        receiver.secret = receiver.secret.map(open).transpose()?;
        Ok(receiver)
    }

    /// Stores a new receiver.
    pub async fn insert_receiver(&self, receiver: &Receiver) -> Result<(), StoreError> {
        let settings = codec::to_json(TABLE, &receiver.settings)?;
        let (url, secret) = self.sealed(receiver)?;
        on_engine!(self, writer, |pool| {
            sqlx::query(INSERT)
                .bind(receiver.id.to_string())
                .bind(receiver.project_id.to_string())
                .bind(&receiver.name)
                .bind(receiver.kind.as_str())
                .bind(&url)
                .bind(&secret)
                .bind(&receiver.target)
                .bind(receiver.disabled)
                .bind(receiver.created_at.as_micros())
                .bind(&settings)
                .execute(pool)
                .await
                .map(|_| ())
        })
        .map_err(|error| StoreError::from(error).or_taken("receiver", &receiver.name))
    }

    /// Stores a changed receiver; false when the project has no such receiver.
    pub async fn update_receiver(&self, receiver: &Receiver) -> Result<bool, StoreError> {
        let settings = codec::to_json(TABLE, &receiver.settings)?;
        let (url, secret) = self.sealed(receiver)?;
        let changed = on_engine!(self, writer, |pool| {
            sqlx::query(UPDATE)
                .bind(receiver.project_id.to_string())
                .bind(receiver.id.to_string())
                .bind(&receiver.name)
                .bind(receiver.kind.as_str())
                .bind(&url)
                .bind(&secret)
                .bind(&receiver.target)
                .bind(receiver.disabled)
                .bind(&settings)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(|error| StoreError::from(error).or_taken("receiver", &receiver.name))?;
        Ok(changed > 0)
    }

    /// Deletes a receiver with its deliveries; false when there is none.
    pub async fn delete_receiver(
        &self,
        project: ProjectId,
        id: ReceiverId,
    ) -> Result<bool, StoreError> {
        let deleted = on_engine!(self, writer, |pool| {
            sqlx::query(DELETE)
                .bind(project.to_string())
                .bind(id.to_string())
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(deleted > 0)
    }

    /// The project's receiver with this id.
    pub async fn find_receiver(
        &self,
        project: ProjectId,
        id: ReceiverId,
    ) -> Result<Option<Receiver>, StoreError> {
        let row: Option<ReceiverRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND)
                .bind(project.to_string())
                .bind(id.to_string())
                .fetch_optional(pool)
                .await
        })?;
        row.map(|row| self.opened(row)).transpose()
    }

    /// The project's receivers, oldest first.
    pub async fn list_receivers(&self, project: ProjectId) -> Result<Vec<Receiver>, StoreError> {
        let rows: Vec<ReceiverRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST).bind(project.to_string()).fetch_all(pool).await
        })?;
        rows.into_iter().map(|row| self.opened(row)).collect()
    }

    /// Those of `ids` that exist, oldest first.
    pub async fn receivers_by_id(&self, ids: &[ReceiverId]) -> Result<Vec<Receiver>, StoreError> {
        let wanted = codec::to_json(TABLE, &ids)?;
        let rows: Vec<ReceiverRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(self.pick(&BY_ID)).bind(&wanted).fetch_all(pool).await
        })?;
        rows.into_iter().map(|row| self.opened(row)).collect()
    }

    /// Switches a receiver off, such as after 410 Gone.
    pub async fn disable_receiver(&self, id: ReceiverId) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(DISABLE).bind(id.to_string()).bind(true).execute(pool).await.map(|_| ())
        })?;
        Ok(())
    }
}

//! Rows of uploaded reference files, until they are embedded.

use crate::id::ReferenceId;
use crate::model::interaction::NewInteraction;
use crate::model::reference::Reference;
use crate::store::codec;
use crate::store::engine::{Store, Tx, on_engine, on_tx};
use crate::store::error::StoreError;
use crate::store::references;
use crate::store::sealed_texts::{self, TextKey};

const TABLE: &str = "reference_uploads";

/// Rows in one stored chunk.
const CHUNK: usize = 500;

const PUT: &str = "INSERT INTO reference_uploads (reference_id, chunk, rows, text_key)
    VALUES ($1, $2, $3, $4)";
const READ: &str = "SELECT chunk, rows, text_key FROM reference_uploads
    WHERE reference_id = $1 ORDER BY chunk";
const DELETE: &str = "DELETE FROM reference_uploads WHERE reference_id = $1";

impl Store {
    /// Stores a new reference together with its uploaded rows, in one commit.
    pub async fn insert_reference_upload(
        &self,
        reference: &Reference,
        rows: &[NewInteraction],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        references::insert(&mut tx, reference).await?;
        let key = self.text_key(&mut tx, reference.project_id, reference.created_at).await?;
        let key = key.as_ref();
        for (chunk, rows) in rows.chunks(CHUNK).enumerate() {
            let (json, id) = (codec::to_json(TABLE, &rows)?, reference.id.to_string());
            let owner = owner(&id, chunk as i64);
            let json = sealed_texts::seal(key, sealed_texts::UPLOAD, &owner, &json)?;
            on_tx!(&mut tx, |connection| {
                sqlx::query(PUT)
                    .bind(&id)
                    .bind(chunk as i64)
                    .bind(&*json)
                    .bind(key.map(TextKey::id))
                    .execute(connection)
                    .await
                    .map(|_| ())
            })?;
        }
        tx.commit().await
    }

    /// The uploaded rows of a reference, in the order of the file.
    pub async fn reference_upload(
        &self,
        id: ReferenceId,
    ) -> Result<Vec<NewInteraction>, StoreError> {
        let chunks: Vec<(i64, String, Option<i64>)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(READ).bind(id.to_string()).fetch_all(pool).await
        })?;
        let mut rows = Vec::new();
        let ring = self.keyring(chunks.iter().map(|(_, _, key)| *key)).await?;
        for (chunk, json, key) in chunks {
            let owner = owner(&id.to_string(), chunk);
            let json = ring.open(key, sealed_texts::UPLOAD, &owner, json)?;
            rows.extend(codec::from_json::<Vec<NewInteraction>>(TABLE, &json)?);
        }
        Ok(rows)
    }

    /// Forgets the uploaded rows of a reference that is refused; a freeze forgets them itself.
    pub async fn delete_reference_upload(&self, id: ReferenceId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        forget(&mut tx, id).await?;
        tx.commit().await
    }
}

/// What the rows of a chunk are sealed for.
pub(super) fn owner(reference: &str, chunk: i64) -> String {
    format!("{reference}/{chunk}")
}

/// Forgets the uploaded rows of a reference.
pub(super) async fn forget(tx: &mut Tx, id: ReferenceId) -> Result<(), StoreError> {
    on_tx!(tx, |connection| {
        sqlx::query(DELETE).bind(id.to_string()).execute(connection).await.map(|_| ())
    })?;
    Ok(())
}

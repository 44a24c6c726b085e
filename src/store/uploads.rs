//! Rows of uploaded reference files, until they are embedded.

use crate::id::ReferenceId;
use crate::model::interaction::NewInteraction;
use crate::model::reference::Reference;
use crate::store::codec;
use crate::store::engine::{Store, Tx, on_engine, on_tx};
use crate::store::error::StoreError;
use crate::store::references;

const TABLE: &str = "reference_uploads";

/// Rows in one stored chunk.
const CHUNK: usize = 500;

const PUT: &str = "INSERT INTO reference_uploads (reference_id, chunk, rows) VALUES ($1, $2, $3)";
const READ: &str = "SELECT rows FROM reference_uploads WHERE reference_id = $1 ORDER BY chunk";
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
        for (chunk, rows) in rows.chunks(CHUNK).enumerate() {
            let json = codec::to_json(TABLE, &rows)?;
            on_tx!(&mut tx, |connection| {
                sqlx::query(PUT)
                    .bind(reference.id.to_string())
                    .bind(chunk as i64)
                    .bind(&json)
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
        let chunks: Vec<String> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(READ).bind(id.to_string()).fetch_all(pool).await
        })?;
        let mut rows = Vec::new();
        for chunk in chunks {
            rows.extend(codec::from_json::<Vec<NewInteraction>>(TABLE, &chunk)?);
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

/// Forgets the uploaded rows of a reference.
pub(super) async fn forget(tx: &mut Tx, id: ReferenceId) -> Result<(), StoreError> {
    on_tx!(tx, |connection| {
        sqlx::query(DELETE).bind(id.to_string()).execute(connection).await.map(|_| ())
    })?;
    Ok(())
}

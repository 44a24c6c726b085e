//! Parts of a calibration that is under way, until its reference is frozen.

use sha2::{Digest, Sha256};

use crate::id::ReferenceId;
use crate::model::audit::hex;
use crate::model::interaction::Event;
use crate::store::engine::{Store, Tx, on_engine, on_tx};
use crate::store::error::StoreError;
use crate::store::references::encode_chunk;

/// Rows that are encoded together where their digest is taken.
const CHUNK: usize = 500;

const KEEP: &str = "INSERT INTO calibration_steps (reference_id, step, inputs, result)
    SELECT id, $2, $3, $4 FROM frozen_references WHERE id = $1 AND status = 'computing'
    ON CONFLICT (reference_id, step) DO UPDATE SET inputs = excluded.inputs, result = excluded.result";
const READ: &str = "SELECT step, result FROM calibration_steps
    WHERE reference_id = $1 AND inputs = $2";
const FORGET: &str = "DELETE FROM calibration_steps WHERE reference_id = $1";

impl Store {
    /// Keeps one step of the calibration of a reference, made from what `inputs` is the digest of.
    /// Does nothing once the reference is ready.
    pub async fn keep_calibration_step(
        &self,
        id: ReferenceId,
        step: &str,
        inputs: &str,
        result: &str,
    ) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(KEEP)
                .bind(id.to_string())
                .bind(step)
                .bind(inputs)
                .bind(result)
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// The steps of a calibration that were made from the same `inputs`: names and results.
    pub async fn calibration_steps(
        &self,
        id: ReferenceId,
        inputs: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_as(READ).bind(id.to_string()).bind(inputs).fetch_all(pool).await
        })?)
    }

    /// Forgets the steps of a reference that is refused; a freeze forgets them itself.
    pub async fn forget_calibration_steps(&self, id: ReferenceId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        forget(&mut tx, id).await?;
        tx.commit().await
    }
}

/// Forgets the steps of a reference.
pub(super) async fn forget(tx: &mut Tx, id: ReferenceId) -> Result<(), StoreError> {
    on_tx!(tx, |connection| {
        sqlx::query(FORGET).bind(id.to_string()).execute(connection).await.map(|_| ())
    })?;
    Ok(())
}

/// SHA-256 of all that a store keeps of `rows`, and of `settings` before it, in hexadecimal.
pub fn digest_of_rows(settings: &[u8], rows: &[Event]) -> Result<String, StoreError> {
    let mut digest = Sha256::new();
    digest.update((settings.len() as u64).to_le_bytes());
    digest.update(settings);
    for chunk in rows.chunks(CHUNK) {
        let (events, vectors) = encode_chunk(chunk)?;
        digest.update(events);
        digest.update(vectors);
    }
    Ok(hex(&digest.finalize()))
}

//! Leases: rows with an expiry and a fencing token, for what one process at a time may do.

use std::time::Duration;

use super::engine::{Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use crate::clock::Timestamp;

/// A lease that is still its holder's is renewed with the same token; any other acquisition takes
/// the next token.
const ACQUIRE: &str = "INSERT INTO leases (name, holder, token, expires_at) VALUES ($1, $2, 1, $4)
    ON CONFLICT (name) DO UPDATE SET
        token = CASE WHEN leases.holder = excluded.holder AND leases.expires_at > $3
            THEN leases.token ELSE leases.token + 1 END,
        holder = excluded.holder,
        expires_at = excluded.expires_at
    WHERE leases.holder = excluded.holder OR leases.expires_at <= $3
    RETURNING token";
const RELEASE: &str = "UPDATE leases SET expires_at = 0 WHERE name = $1 AND token = $2";
/// An update, because it keeps others from taking the lease over until the commit.
const HOLD: &str = "UPDATE leases SET token = token
    WHERE name = $1 AND token = $2 AND expires_at > $3";

impl Store {
    /// Takes or renews the lease `name` until `now + ttl`; its token, or `None` while another
    /// holder has it.
    pub async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<i64>, StoreError> {
        Ok(on_engine!(self, writer, |pool| {
            sqlx::query_scalar(ACQUIRE)
                .bind(name)
                .bind(holder)
                .bind(now.as_micros())
                .bind(now.plus(ttl).as_micros())
                .fetch_optional(pool)
                .await
        })?)
    }

    /// Gives a lease back, so that nobody waits for its expiry.
    pub async fn release_lease(&self, name: &str, token: i64) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(RELEASE).bind(name).bind(token).execute(pool).await.map(|_| ())
        })?;
        Ok(())
    }
}

/// Whether the lease is still held with this token; if so, it stays so until the commit.
pub(super) async fn hold(
    tx: &mut Tx,
    name: &str,
    token: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let held = on_tx!(tx, |connection| {
        sqlx::query(HOLD)
            .bind(name)
            .bind(token)
            .bind(now.as_micros())
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(held > 0)
}

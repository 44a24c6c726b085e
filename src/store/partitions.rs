//! Daily partitions of texts and embeddings in Postgres, so that a day expires by dropping a table.

use sqlx::{AssertSqlSafe, PgPool};

use super::engine::{Engine, Store};
use super::error::StoreError;
use crate::clock::Timestamp;

/// What is partitioned by day.
pub(super) const PARTITIONED: [&str; 2] = ["interaction_texts", "embeddings"];

/// Days that partitions are made ahead for, today included.
const AHEAD: i64 = 4;

/// Makes two processes that start together take turns; the number is arbitrary, but ours.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7217305166)";
const LIST: &str = "SELECT child.relname::text FROM pg_inherits
    JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = $1::text::regclass";
/// Rows of the day that came before its partition: it cannot be made then, nor is it needed.
const CHECK_VIOLATION: &str = "23514";

impl Store {
    /// Makes the partitions of today and the next days; does nothing in SQLite.
    ///
    /// Rows of days without a partition go to the default one, where retention finds them too.
    pub async fn ensure_partitions(&self, now: Timestamp) -> Result<(), StoreError> {
        let Engine::Postgres(pool) = &self.engine else { return Ok(()) };
        for table in PARTITIONED {
            for day in now.day()..now.day() + AHEAD {
                match create(pool, table, day).await {
                    Err(sqlx::Error::Database(error))
                        if error.code().as_deref() == Some(CHECK_VIOLATION) => {}
                    done => done?,
                }
            }
        }
        Ok(())
    }
}

async fn create(pool: &PgPool, table: &str, day: i64) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query(LOCK).execute(&mut *tx).await?;
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {table}_{day} PARTITION OF {table}
            FOR VALUES FROM ({day}) TO ({})",
        day + 1
    );
    sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await?;
    tx.commit().await
}

/// Drops the partitions of `table` that lie wholly before `day`; how many rows they held.
pub(super) async fn drop_before(
    pool: &PgPool,
    table: &'static str,
    day: i64,
) -> Result<i64, StoreError> {
    let names: Vec<String> = sqlx::query_scalar(LIST).bind(table).fetch_all(pool).await?;
    let mut rows = 0;
    for name in names.iter().filter(|name| is_before(name, table, day)) {
        let mut tx = pool.begin().await?;
        let count = format!("SELECT COUNT(*) FROM {name}");
        rows += sqlx::query_scalar::<_, i64>(AssertSqlSafe(count)).fetch_one(&mut *tx).await?;
        sqlx::query(AssertSqlSafe(format!("DROP TABLE {name}"))).execute(&mut *tx).await?;
        tx.commit().await?;
    }
    Ok(rows)
}

/// The default partition has no number and is never dropped.
fn is_before(name: &str, table: &str, day: i64) -> bool {
    name.strip_prefix(table)
        .and_then(|rest| rest.strip_prefix('_'))
        .and_then(|number| number.parse::<i64>().ok())
        .is_some_and(|of| of < day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_days_before_are_dropped() {
        assert!(is_before("embeddings_20780", "embeddings", 20_781));
        assert!(!is_before("embeddings_20781", "embeddings", 20_781));
        assert!(!is_before("embeddings_default", "embeddings", 20_781));
    }
}

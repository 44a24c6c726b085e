//! The audit trail and erasures, on every kind of store.

mod chain;
pub(crate) mod erasure;
mod roles;
mod routes;

use seamark::store::{Config, SealingKey, Store};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;

/// A store, and a way past it into its database.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) raw: Raw,
    /// Where the database is.
    pub(crate) url: String,
    /// The folder of its file.
    pub(crate) folder: Option<TempDir>,
}

/// A connection that may do everything.
pub(crate) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    pub(crate) async fn run(&mut self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => connection.execute(sqlx::raw_sql(sql)).await.map(|_| ()),
            Self::Postgres(connection) => connection.execute(sqlx::raw_sql(sql)).await.map(|_| ()),
        }
        .unwrap();
    }

    /// The first column of all rows, as texts.
    pub(crate) async fn texts(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => sqlx::query_scalar(sql).fetch_all(connection).await,
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_all(connection).await,
        }
        .unwrap()
    }
}

/// Texts are found in it by looking, unless they are `sealed`.
async fn store(url: &str, sealed: bool) -> Store {
    let secret_key = Some(SealingKey::new("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="));
    let url = url.to_owned();
    let config = Config { url, secret_key, encrypt_texts: sealed, ..Config::default() };
    let store = Store::open(&config).await.unwrap();
    store.migrate().await.unwrap();
    store
}

async fn sqlite() -> Opened {
    open_sqlite(false).await
}

async fn postgres() -> Opened {
    open_postgres(false).await
}

pub(crate) async fn open_sqlite(sealed: bool) -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/seamark.db", folder.path().display());
    let store = store(&url, sealed).await;
    let raw = Raw::Sqlite(SqliteConnection::connect(&url).await.unwrap());
    Opened { store, raw, url, folder: Some(folder) }
}

pub(crate) async fn open_postgres(sealed: bool) -> Opened {
    let url = crate::pg::database().await;
    let raw = Raw::Postgres(PgConnection::connect(&url).await.unwrap());
    Opened { store: store(&url, sealed).await, raw, url, folder: None }
}

/// Runs every test of the list on every engine, as `audit::<engine>::<test>`.
macro_rules! audit_test_suite {
    ($($engine:ident),+; $tests:tt) => {
        $(mod $engine { audit_test_suite!(@tests $engine $tests); })+
    };
    (@tests $engine:ident { $($module:ident: $($test:ident),+;)+ }) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$module::$test(super::$engine().await).await;
            }
        )+)+
    };
}

audit_test_suite! { sqlite, postgres; {
    chain: every_tampering_is_found_at_its_row, erased_payloads_leave_the_chain_whole,
        concurrent_writers_leave_no_gap, a_clock_that_steps_back_changes_no_order,
        a_checkpoint_finds_a_chain_that_was_written_anew;
    erasure: an_erasure_leaves_nothing, an_erasure_leaves_others_alone;
}}

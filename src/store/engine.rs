//! The two engines behind one handle, and the macros that write a body once for both.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Postgres, Sqlite, Transaction};

use super::config::Config;
use super::error::StoreError;
use super::seal::Sealer;
use super::text_keys::TextKeys;

static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");
static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// How long SQLite waits for another process's write, such as a command line beside the daemon.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Bounds on every Postgres session, so that no lost client or stuck query holds locks for long.
const SESSION: [(&str, &str); 4] = [
    ("statement_timeout", "30s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("client_connection_check_interval", "5s"),
];

/// The open store; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) engine: Engine,
    pub(super) sealer: Arc<Sealer>,
    pub(super) text_keys: Arc<TextKeys>,
}

#[derive(Debug, Clone)]
pub(super) enum Engine {
    Postgres(PgPool),
    Sqlite(SqlitePools),
}

/// SQLite allows one writer: a pool of one connection makes writers queue without busy errors.
#[derive(Debug, Clone)]
pub(super) struct SqlitePools {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
}

/// A text that must differ between the engines.
pub(super) struct Sql {
    pub(super) postgres: &'static str,
    pub(super) sqlite: &'static str,
}

/// A transaction that writes. Dropped without [`Tx::commit`], it is rolled back.
pub(super) enum Tx {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, Sqlite>),
}

/// Expands `$body` for the pool of either engine; `$role` is `writer` or `readers`.
macro_rules! on_engine {
    ($store:expr, $role:ident, |$pool:ident| $body:expr) => {
        match &$store.engine {
            $crate::store::engine::Engine::Postgres($pool) => $body,
            $crate::store::engine::Engine::Sqlite(pools) => {
                let $pool = &pools.$role;
                $body
            }
        }
    };
}
pub(super) use on_engine;

/// Expands `$body` for the connection of either engine's transaction.
macro_rules! on_tx {
    ($tx:expr, |$connection:ident| $body:expr) => {
        match $tx {
            $crate::store::engine::Tx::Postgres(tx) => {
                let $connection = &mut **tx;
                $body
            }
            $crate::store::engine::Tx::Sqlite(tx) => {
                let $connection = &mut **tx;
                $body
            }
        }
    };
}
pub(super) use on_tx;

impl Tx {
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Postgres(tx) => tx.commit().await?,
            Self::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

impl Store {
    /// Connects. Nothing is created but an empty SQLite file; see [`Store::migrate`].
    pub async fn open(config: &Config) -> Result<Self, StoreError> {
        let sealer = Sealer::new(config.secret_key.as_ref(), &config.previous_secret_keys)?;
        let text_keys = Arc::new(TextKeys::new(config)?);
        let engine = match config.url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => Engine::Postgres(open_postgres(config).await?),
            Some("sqlite") => Engine::Sqlite(open_sqlite(config).await?),
            _ => return Err(not_a_store(config)),
        };
        Ok(Self { engine, sealer: Arc::new(sealer), text_keys })
    }

    /// Brings the tables up to date; does nothing when they are.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| self.migrator().run(pool).await)
            .map_err(|error| StoreError::Migrate(Box::new(error)))
    }

    /// Whether the database answers and its tables are up to date.
    pub async fn ready(&self) -> Result<(), StoreError> {
        let wanted = self.migrator().iter().map(|migration| migration.version).max().unwrap_or(0);
        let found: Result<i64, _> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(MIGRATED).fetch_one(pool).await
        });
        let found = match found.map_err(StoreError::from) {
            Err(StoreError::Database(_)) => 0,
            other => other?,
        };
        // A newer schema is all right: migrations only add, so that versions can roll over.
        if found < wanted { Err(StoreError::NotMigrated { found, wanted }) } else { Ok(()) }
    }

    /// `postgres` or `sqlite`.
    pub const fn engine_name(&self) -> &'static str {
        match &self.engine {
            Engine::Postgres(_) => "postgres",
            Engine::Sqlite(_) => "sqlite",
        }
    }

    /// Waits for running calls and closes every connection.
    pub async fn close(&self) {
        on_engine!(self, readers, |pool| pool.close().await);
        on_engine!(self, writer, |pool| pool.close().await);
    }

    /// Begins a transaction that writes. SQLite takes its write lock at once: a lock taken at the
    /// first write could fail for having read before another process wrote.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match &self.engine {
            Engine::Postgres(pool) => Tx::Postgres(pool.begin().await?),
            Engine::Sqlite(pools) => Tx::Sqlite(pools.writer.begin_with("BEGIN IMMEDIATE").await?),
        })
    }

    pub(super) const fn pick(&self, sql: &Sql) -> &'static str {
        match &self.engine {
            Engine::Postgres(_) => sql.postgres,
            Engine::Sqlite(_) => sql.sqlite,
        }
    }

    const fn migrator(&self) -> &'static sqlx::migrate::Migrator {
        match &self.engine {
            Engine::Postgres(_) => &POSTGRES,
            Engine::Sqlite(_) => &SQLITE,
        }
    }
}

const MIGRATED: &str =
    "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM _sqlx_migrations WHERE success";

async fn open_postgres(config: &Config) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(&config.url)
        .map_err(|_| not_a_store(config))?
        .application_name("seamark")
        .options(SESSION);
    let pool = PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
        .connect_with(options)
        .await?;
    Ok(pool)
}

async fn open_sqlite(config: &Config) -> Result<SqlitePools, StoreError> {
    let options = SqliteConnectOptions::from_str(&config.url)
        .map_err(|_| not_a_store(config))?
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .journal_mode(SqliteJournalMode::Wal)
        // With NORMAL a power cut could take back what was acknowledged.
        .synchronous(SqliteSynchronous::Full);
    let in_memory = config.url.contains(":memory:") || config.url.contains("mode=memory");
    if !in_memory {
        create_folder(options.get_filename())?;
    }
    let pool = |connections: u32| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
            // A database in memory lives as long as its one connection.
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
    };
    let writer = pool(1).connect_with(options.clone()).await?;
    let readers = if in_memory {
        writer.clone()
    } else {
        let options = options.pragma("query_only", "ON");
        pool(config.max_connections).connect_with(options).await?
    };
    Ok(SqlitePools { writer, readers })
}

fn create_folder(file: &Path) -> Result<(), StoreError> {
    let folder = file.parent().unwrap_or(Path::new(""));
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)
        .map_err(|source| StoreError::Folder { folder: folder.display().to_string(), source })
}

fn not_a_store(config: &Config) -> StoreError {
    StoreError::Url { url: config.shown_url() }
}

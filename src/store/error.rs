//! What can go wrong in the store.

use std::fmt;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names no database that this program can open.
    #[error("{url:?} is not a store; use postgres://…, sqlite://path or sqlite::memory:")]
    Url {
        /// What was given, without its password.
        url: String,
    },
    /// The folder of the SQLite file could not be made.
    #[error("the folder {folder:?} cannot be created; choose another place in store.url")]
    Folder {
        /// The folder.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
    /// The database cannot be reached, is full, or too busy: the same call may succeed later.
    #[error("the database is unavailable; try again when it is back")]
    Unavailable(#[source] sqlx::Error),
    /// `store.secret_key` is no key.
    #[error("store.secret_key is not 32 bytes as base64; make one with `openssl rand -base64 32`")]
    SealingKey,
    /// A sealed secret cannot be opened.
    #[error(
        "a secret is sealed with another key; set store.secret_key to the key it was sealed with, or list that in store.previous_secret_keys"
    )]
    Sealed,
    /// A data key of texts cannot be opened.
    #[error(
        "texts are sealed with another key; set store.secret_key to the key they were sealed with, or list that in store.previous_secret_keys"
    )]
    TextKey,
    /// A sealed text cannot be opened: its data key is gone, or it was changed or moved.
    #[error("a sealed text cannot be opened: it was changed, or its data key is not in text_keys")]
    SealedText,
    /// The tables are missing or older than this program.
    #[error(
        "the database's tables are at version {found}, {wanted} is needed; run `seamark migrate`"
    )]
    NotMigrated {
        /// The version that was found; 0 for an empty database.
        found: i64,
        /// The version this program needs.
        wanted: i64,
    },
    /// A migration failed.
    #[error("the database's tables could not be brought up to date")]
    Migrate(#[source] Box<sqlx::migrate::MigrateError>),
    /// The name is in use in this project.
    #[error("a {what} named {name:?} exists already; choose another name")]
    Taken {
        /// What has the name.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A stored value is not what this program writes.
    #[error("a stored value in {table} cannot be read: {detail}")]
    Corrupt {
        /// Where it lies.
        table: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The database refused a statement: a defect of this program, or of the database.
    #[error("the database refused a statement")]
    Database(#[source] sqlx::Error),
}

impl StoreError {
    pub(super) fn corrupt(table: &'static str, detail: impl fmt::Display) -> Self {
        Self::Corrupt { table, detail: detail.to_string() }
    }

    /// A violated unique key as [`StoreError::Taken`]; anything else as it is.
    pub(super) fn or_taken(self, what: &'static str, name: &str) -> Self {
        match &self {
            Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Self::Taken { what, name: name.to_owned() }
            }
            _ => self,
        }
    }

    /// Whether the database broke a deadlock at this transaction's cost: repeat it.
    pub(super) fn is_deadlock(&self) -> bool {
        matches!(self, Self::Unavailable(sqlx::Error::Database(error))
            if matches!(error.code().as_deref(), Some("40P01" | "40001")))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Io(_) | E::Tls(_) => {
                Self::Unavailable(error)
            }
            E::Database(refused) if refused.code().is_some_and(|code| passes_by_itself(&code)) => {
                Self::Unavailable(error)
            }
            _ => Self::Database(error),
        }
    }
}

/// SQLSTATE classes of connection trouble, rollbacks, missing resources and operators' doings; and
/// SQLite's busy, locked, I/O error and full, whose extended codes keep the primary in the low byte.
fn passes_by_itself(code: &str) -> bool {
    if code.len() == 5 {
        return ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class))
            || matches!(code, "55P03" | "25P03");
    }
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 13 | 14))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_that_passes_is_told_from_refusals() {
        for code in ["08006", "40P01", "53100", "57P01", "57014", "55P03", "5", "517", "13", "522"]
        {
            assert!(passes_by_itself(code), "{code}");
        }
        for code in ["23505", "42P01", "22P02", "2067", "1", "19", "787"] {
            assert!(!passes_by_itself(code), "{code}");
        }
    }
}

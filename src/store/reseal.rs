//! Texts are sealed anew: those of an older data key, and those stored before texts were sealed.
//!
//! In short transactions of one table each, which skip rows that others are at. It can be cut off at any
//! moment: what is left is found again by the key that stands beside each text.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::AssertSqlSafe;

use super::engine::{Engine, Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use super::sealed_texts::{
    self, BODY, BOILERPLATE, EXAMPLE, EXPLANATION, METADATA, ORIGINAL, PROFILE, Place, QUERY,
    RESPONSE, TextKey, UPLOAD,
};
use super::text_keys::{ProjectKeys, project_id};
use super::uploads;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::encryption::{Encryption, TextKeyView};

/// Rows of one transaction: short enough to keep writers waiting for milliseconds only.
const CHUNK: i64 = 200;
/// A key that is in no row any more is destroyed after this time: no transaction lasts as long.
const REST: Duration = Duration::from_hours(1);

/// Older keys that are not destroyed yet.
const OLD: &str = "SELECT k.id FROM text_keys k WHERE k.sealed_key IS NOT NULL AND k.number <
    (SELECT MAX(n.number) FROM text_keys n WHERE n.project_id = k.project_id) ORDER BY k.id";
/// Those of them whose successor is old enough.
const RESTED: &str = "SELECT k.id FROM text_keys k WHERE k.sealed_key IS NOT NULL AND
    (SELECT MIN(n.created_at) FROM text_keys n
        WHERE n.project_id = k.project_id AND n.number > k.number) <= $1 ORDER BY k.id";
const DESTROY: &str = "UPDATE text_keys SET sealed_key = NULL, destroyed_at = $2 WHERE id = $1";
const LIST: &str = "SELECT id, created_at, destroyed_at FROM text_keys
    WHERE project_id = $1 ORDER BY number";

/// A table with sealed texts, as the parts of its statements: its alias is `t`.
struct Sealed {
    table: &'static str,
    from: &'static str,
    project: &'static str,
    /// The owner of a row's texts, a day and a number: what names the row.
    row: &'static str,
    /// The condition that finds the row again by those, `$2` to `$4`.
    is_row: &'static str,
    key: &'static str,
    /// Up to three columns with texts, and where each lies for its key.
    texts: &'static [(&'static str, Place)],
    /// Whether a row has a text.
    there: &'static str,
}

const BY_ID: &str = "id = $2 AND $3 = 0 AND $4 = 0";

const TABLES: [Sealed; 8] = [
    Sealed {
        table: "interaction_texts",
        from: "interaction_texts t JOIN interactions i ON i.seq = t.seq",
        project: "i.project_id",
        row: "i.id, t.day, t.seq",
        is_row: "$2 IS NOT NULL AND day = $3 AND seq = $4",
        key: "text_key",
        texts: &[("query", QUERY), ("response", RESPONSE), ("original", ORIGINAL)],
        there: "TRUE",
    },
    Sealed {
        table: "interactions",
        from: "interactions t",
        project: "t.project_id",
        row: "t.id, t.day, t.seq",
        is_row: "$2 IS NOT NULL AND $3 IS NOT NULL AND seq = $4",
        key: "metadata_key",
        texts: &[("metadata", METADATA)],
        there: "t.metadata IS NOT NULL",
    },
    Sealed {
        table: "reference_uploads",
        from: "reference_uploads t JOIN frozen_references r ON r.id = t.reference_id",
        project: "r.project_id",
        row: "t.reference_id, CAST(0 AS BIGINT), t.chunk",
        is_row: "reference_id = $2 AND $3 = 0 AND chunk = $4",
        key: "text_key",
        texts: &[("rows", UPLOAD)],
        there: "TRUE",
    },
    Sealed {
        table: "deliveries",
        from: "deliveries t",
        project: "t.project_id",
        row: "t.id, CAST(0 AS BIGINT), CAST(0 AS BIGINT)",
        is_row: BY_ID,
        key: "text_key",
        texts: &[("body", BODY)],
        there: "TRUE",
    },
    Sealed {
        table: "reports",
        from: "reports t",
        project: "t.project_id",
        row: "t.id, CAST(0 AS BIGINT), CAST(0 AS BIGINT)",
        is_row: BY_ID,
        key: "text_key",
        texts: &[("explanation", EXPLANATION)],
        there: "t.explanation IS NOT NULL",
    },
    Sealed {
        table: "projects",
        from: "projects t",
        project: "t.id",
        row: "t.id, CAST(0 AS BIGINT), CAST(0 AS BIGINT)",
        is_row: BY_ID,
        key: "boilerplate_key",
        texts: &[("boilerplate", BOILERPLATE)],
        there: "t.boilerplate IS NOT NULL",
    },
    Sealed {
        table: "policy_examples",
        from: "policy_examples t JOIN policies p ON p.id = t.policy_id",
        project: "p.project_id",
        row: "t.policy_id || '/' || t.id, CAST(0 AS BIGINT), CAST(0 AS BIGINT)",
        is_row: "policy_id || '/' || id = $2 AND $3 = 0 AND $4 = 0",
        key: "text_key",
        texts: &[("text", EXAMPLE)],
        there: "TRUE",
    },
    // The one with bytes; see `reseal_profiles`.
    Sealed {
        table: "frozen_references",
        from: "frozen_references t",
        project: "t.project_id",
        row: "t.id, CAST(0 AS BIGINT), CAST(0 AS BIGINT)",
        is_row: BY_ID,
        key: "profile_key",
        texts: &[("profile", PROFILE)],
        there: "t.profile IS NOT NULL",
    },
];

impl Sealed {
    /// Which key is asked for: none, for what was never sealed, or this one.
    fn with(&self, key: Option<i64>) -> String {
        let key = key.map_or_else(|| "IS NULL".to_owned(), |id| format!("= {id}"));
        format!("{} AND t.{} {key}", self.there, self.key)
    }

    /// Up to `$1` rows with that key.
    fn find(&self, key: Option<i64>, lock: &str) -> String {
        let texts = self.texts.iter().map(|(column, _)| format!("t.{column}"));
        let texts: Vec<String> = texts.collect();
        format!(
            "SELECT {}, {}, {} FROM {} WHERE {} LIMIT $1{lock}",
            self.project,
            self.row,
            texts.join(", "),
            self.from,
            self.with(key)
        )
    }

    /// Sets the key `$1` and the texts from `$5` on.
    fn write(&self) -> String {
        let mut set = format!("{} = $1", self.key);
        for (place, (column, _)) in self.texts.iter().enumerate() {
            set = format!("{set}, {column} = ${}", place + 5);
        }
        format!("UPDATE {} SET {set} WHERE {}", self.table, self.is_row)
    }

    fn owner(&self, row: &Row) -> String {
        if self.texts[0].1 == UPLOAD {
            uploads::owner(&row.owner, row.number)
        } else {
            row.owner.clone()
        }
    }
}

/// A row that is sealed anew.
struct Row {
    project: ProjectId,
    owner: String,
    day: i64,
    number: i64,
}

type Named = (String, String, i64, i64);

impl Row {
    fn new((project, owner, day, number): Named) -> Result<Self, StoreError> {
        Ok(Self { project: project_id(&project)?, owner, day, number })
    }
}

impl Store {
    /// Seals some texts anew that are not sealed with their project's newest key; how many rows. None is left
    /// when it is 0, but for those that others were at. Does nothing where texts are not sealed.
    pub async fn reseal_texts(&self, now: Timestamp) -> Result<i64, StoreError> {
        if !self.seals_texts() {
            return Ok(0);
        }
        let old: Vec<i64> =
            on_engine!(self, readers, |pool| sqlx::query_scalar(OLD).fetch_all(pool).await)?;
        for table in &TABLES {
            for key in old.iter().copied().map(Some).chain([None]) {
                let sealed = self.reseal(table, key, now).await?;
                if sealed > 0 {
                    return Ok(sealed);
                }
            }
        }
        Ok(0)
    }

    async fn reseal(
        &self,
        table: &Sealed,
        key: Option<i64>,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let lock = match &self.engine {
            Engine::Postgres(_) => " FOR UPDATE OF t SKIP LOCKED",
            Engine::Sqlite(_) => "",
        };
        let find = table.find(key, lock);
        let sealed = match table.texts {
            [(_, PROFILE)] => self.reseal_bytes(&mut tx, table, &find, key, now).await?,
            [_] => {
                let rows: Vec<(String, String, i64, i64, String)> = found(&mut tx, find).await?;
                let rows = rows.into_iter().map(|(p, o, d, n, text)| ((p, o, d, n), [Some(text)]));
                self.reseal_rows(&mut tx, table, rows.collect(), key, now).await?
            }
            _ => {
                type Texts = (String, String, i64, i64, String, Option<String>, Option<String>);
                let rows: Vec<Texts> = found(&mut tx, find).await?;
                let rows = rows
                    .into_iter()
                    .map(|(p, o, d, n, q, r, original)| ((p, o, d, n), [Some(q), r, original]));
                self.reseal_rows(&mut tx, table, rows.collect(), key, now).await?
            }
        };
        tx.commit().await?;
        Ok(sealed)
    }

    async fn reseal_rows<const N: usize>(
        &self,
        tx: &mut Tx,
        table: &Sealed,
        rows: Vec<(Named, [Option<String>; N])>,
        key: Option<i64>,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        // Before the first new key is made.
        let ring = self.keyring_in(tx, std::iter::once(key)).await?;
        let (count, mut keys, sql) = (rows.len() as i64, ProjectKeys::default(), table.write());
        for (row, texts) in rows {
            let row = Row::new(row)?;
            let owner = table.owner(&row);
            let Some(new) = keys.of(self, tx, row.project, now).await? else { continue };
            let mut sealed = Vec::with_capacity(N);
            for (text, (_, place)) in texts.into_iter().zip(table.texts) {
                let text = ring.open_some(key, *place, &owner, text)?;
                let text = sealed_texts::seal_some(Some(new), *place, &owner, text.as_deref())?;
                sealed.push(text.map(std::borrow::Cow::into_owned));
            }
            on_tx!(tx, |connection| {
                let mut query = sqlx::query(AssertSqlSafe(sql.clone()))
                    .bind(new.id())
                    .bind(&row.owner)
                    .bind(row.day)
                    .bind(row.number);
                for text in &sealed {
                    query = query.bind(text);
                }
                query.execute(connection).await.map(|_| ())
            })?;
        }
        Ok(count)
    }

    async fn reseal_bytes(
        &self,
        tx: &mut Tx,
        table: &Sealed,
        find: &str,
        key: Option<i64>,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let rows: Vec<(String, String, i64, i64, Vec<u8>)> = found(tx, find.to_owned()).await?;
        let ring = self.keyring_in(tx, std::iter::once(key)).await?;
        let (count, mut keys, sql) = (rows.len() as i64, ProjectKeys::default(), table.write());
        for (project, owner, day, number, stored) in rows {
            let row = Row::new((project, owner, day, number))?;
            let Some(new) = keys.of(self, tx, row.project, now).await? else { continue };
            let bytes = ring.open_bytes(key, PROFILE, &row.owner, stored)?;
            let bytes = new.seal_bytes(PROFILE, &row.owner, &bytes)?;
            on_tx!(tx, |connection| {
                sqlx::query(AssertSqlSafe(sql.clone()))
                    .bind(new.id())
                    .bind(&row.owner)
                    .bind(row.day)
                    .bind(row.number)
                    .bind(&bytes)
                    .execute(connection)
                    .await
                    .map(|_| ())
            })?;
        }
        Ok(count)
    }

    /// Makes the project's next data key, with which new texts are sealed from now on; its id. `None` where
    /// texts are not sealed.
    pub async fn rotate_text_key(
        &self,
        project: ProjectId,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        if !self.seals_texts() {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        self.add_text_key(&mut tx, project, now).await?;
        let key = self.newest_text_key(&mut tx, project).await?;
        tx.commit().await?;
        Ok(key.as_ref().map(TextKey::id))
    }

    /// Destroys data keys that no text is sealed with any more; how many. Only of the database's own copy:
    /// backups have theirs.
    pub async fn retire_text_keys(&self, now: Timestamp) -> Result<i64, StoreError> {
        let before = now.minus(REST).as_micros();
        let rested: Vec<i64> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(RESTED).bind(before).fetch_all(pool).await
        })?;
        let mut destroyed = 0;
        for id in rested {
            if self.rows_with(Some(id), None).await?.values().any(|rows| *rows > 0) {
                continue;
            }
            on_engine!(self, writer, |pool| {
                sqlx::query(DESTROY).bind(id).bind(now.as_micros()).execute(pool).await.map(|_| ())
            })?;
            destroyed += 1;
        }
        Ok(destroyed)
    }

    /// How the project's texts are sealed, and how many with which key.
    pub async fn encryption(&self, project: ProjectId) -> Result<Encryption, StoreError> {
        let rows: Vec<(i64, i64, Option<i64>)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST).bind(project.to_string()).fetch_all(pool).await
        })?;
        let mut keys = Vec::new();
        for (id, created_at, destroyed_at) in rows {
            let rows = match destroyed_at {
                Some(_) => BTreeMap::new(),
                None => self.rows_with(Some(id), None).await?,
            };
            keys.push(TextKeyView {
                id,
                created_at: Timestamp::from_micros(created_at),
                destroyed_at: destroyed_at.map(Timestamp::from_micros),
                rows,
            });
        }
        let unsealed = self.rows_with(None, Some(project)).await?;
        Ok(Encryption::new(self.seals_texts(), keys, unsealed))
    }

    /// Rows with that key in each table that has any.
    async fn rows_with(
        &self,
        key: Option<i64>,
        project: Option<ProjectId>,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        let mut rows = BTreeMap::new();
        for table in &TABLES {
            let mut sql = format!("SELECT COUNT(*) FROM {} WHERE {}", table.from, table.with(key));
            if let Some(project) = project {
                sql = format!("{sql} AND {} = '{project}'", table.project);
            }
            let count: i64 = on_engine!(self, readers, |pool| {
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await
            })?;
            if count > 0 {
                rows.insert(table.table.to_owned(), count);
            }
        }
        Ok(rows)
    }
}

/// The rows that `sql` finds.
async fn found<R>(tx: &mut Tx, sql: String) -> Result<Vec<R>, StoreError>
where
    R: Send
        + Unpin
        + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>
        + for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow>,
{
    Ok(on_tx!(tx, |connection| {
        sqlx::query_as(AssertSqlSafe(sql)).bind(CHUNK).fetch_all(connection).await
    })?)
}

//! Business outcomes: stored once, and each joined once with the interaction it is put down to.
//!
//! An outcome without its interaction is parked, and the commit that brings the interaction joins it.
//! So the two must never miss each other: on Postgres, whoever parks waits for the commits of
//! interactions that are under way and looks once more; SQLite has one writer anyhow.

mod attach;
mod definitions;
mod delays;
mod matured;
mod summary;

use std::collections::{BTreeMap, HashMap};

use sqlx::{Postgres, Sqlite, Transaction};

use super::codec;
use super::counters::{self, Counter};
use super::engine::{Sql, Store, Tx, on_tx};
use super::error::StoreError;
use super::interactions::DEADLOCK_RETRIES;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::outcome::{NewOutcome, OutcomeDefinition, Pseudonym, Subject};

pub(super) use attach::{Stored, announce, attach};
pub use definitions::MAX_DEFINITIONS;
pub use summary::{OutcomeCounts, OutcomeGroup, OutcomeQuery};

const TABLE: &str = "outcomes";

/// What became of one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeInsert {
    /// Stored and joined with its interaction.
    Joined,
    /// Stored; its interaction is not there yet.
    Parked,
    /// Stored before, with the same content.
    Duplicate,
    /// The id is in use for another content; nothing was stored.
    Conflict,
    /// The value is none of the definition's kind, for this reason; nothing was stored.
    Misfit(&'static str),
    /// The project has as many names as it may; nothing was stored.
    TooManyNames,
}

/// Where those that arrive and those that look must not pass each other by.
#[derive(Debug, Clone, Copy)]
enum Gate {
    /// Commits of interactions go through; whoever parks an outcome closes it.
    Arrival,
    /// Commits of outcomes go through; whoever hands out mature interactions closes it.
    HandOut,
}

impl Gate {
    /// Arbitrary, but ours.
    const fn seed(self) -> i64 {
        match self {
            Self::Arrival => 7_217_305_167,
            Self::HandOut => 7_217_305_168,
        }
    }
}

const PASS: &str = "SELECT pg_advisory_xact_lock_shared(hashtextextended(id, $2))
    FROM UNNEST($1::text[]) AS t (id)";
const CLOSE: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))";

const INSERT_MANY: &str = "INSERT INTO outcomes (project_id, idempotency_key, content_hash, name,
        target, target_id, value, category, occurred_at, received_at, day, late)
    SELECT $9, key, hash, name, target, target_id, value, category, occurred_at, $10, $11, FALSE
    FROM UNNEST($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::float8[],
        $7::text[], $8::bigint[]) WITH ORDINALITY
        AS t (key, hash, name, target, target_id, value, category, occurred_at, ordinal)
    ORDER BY ordinal
    ON CONFLICT (project_id, idempotency_key) DO NOTHING
    RETURNING idempotency_key, seq";
const STORED_HASHES: &str = "SELECT idempotency_key, content_hash FROM outcomes
    WHERE project_id = $1 AND idempotency_key = ANY ($2)";
const INSERT_ONE: &str = "INSERT INTO outcomes (project_id, idempotency_key, content_hash, name,
        target, target_id, value, category, occurred_at, received_at, day, late)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, FALSE)
    ON CONFLICT (project_id, idempotency_key) DO NOTHING RETURNING seq";
const STORED_HASH: &str =
    "SELECT content_hash FROM outcomes WHERE project_id = $1 AND idempotency_key = $2";

/// Joins those of the outcomes `$1` whose interaction is there; `$which` finds it.
macro_rules! join {
    ($list:literal, $($which:literal),+) => {
        concat!(
            "UPDATE outcomes SET day = i.day, interaction_seq = i.seq,
                interaction_at = i.occurred_at,
                late = COALESCE(i.position <= (SELECT w.position FROM outcome_watermarks w
                    WHERE w.project_id = i.project_id), FALSE)
            FROM interactions i
            WHERE outcomes.interaction_seq IS NULL AND outcomes.seq ",
            $list,
            " AND i.seq = (SELECT c.seq FROM interactions c
                WHERE c.project_id = outcomes.project_id AND ",
            $($which,)+
            " LIMIT 1) RETURNING outcomes.seq"
        )
    };
}

/// The latest interaction at the time of the outcome, within the definition's window.
macro_rules! join_latest {
    ($list:literal, $column:literal) => {
        join!(
            $list,
            $column,
            " = outcomes.target_id AND c.occurred_at <= outcomes.occurred_at
            AND c.occurred_at >= outcomes.occurred_at - 86400000000 * COALESCE((
                SELECT d.attribution_window_days FROM outcome_definitions d
                WHERE d.project_id = outcomes.project_id AND d.name = outcomes.name), 7)
            ORDER BY c.occurred_at DESC, c.seq DESC"
        )
    };
}

const JOIN_INTERACTION: Sql = Sql {
    postgres: join!(
        "= ANY (ARRAY (SELECT json_array_elements_text($1::json)::bigint))",
        "c.id = outcomes.target_id"
    ),
    sqlite: join!("IN (SELECT value FROM json_each($1))", "c.id = outcomes.target_id"),
};

const JOIN_SESSION: Sql = Sql {
    postgres: join_latest!(
        "= ANY (ARRAY (SELECT json_array_elements_text($1::json)::bigint))",
        "c.session_id"
    ),
    sqlite: join_latest!("IN (SELECT value FROM json_each($1))", "c.session_id"),
};

const JOIN_SUBJECT: Sql = Sql {
    postgres: join_latest!(
        "= ANY (ARRAY (SELECT json_array_elements_text($1::json)::bigint))",
        "c.subject"
    ),
    sqlite: join_latest!("IN (SELECT value FROM json_each($1))", "c.subject"),
};

type Key = [u8; 32];

impl Store {
    /// Whether subjects can be kept: there is a key to make pseudonyms with.
    pub fn keeps_subjects(&self) -> bool {
        self.sealer.makes_pseudonyms()
    }

    /// What is stored of a subject; none without a key.
    pub fn pseudonym(&self, project: ProjectId, subject: &Subject) -> Option<Pseudonym> {
        self.sealer.pseudonym(project, subject)
    }

    /// Stores what is new of `items` in one durable commit and joins what can be joined; the
    /// answers are in the items' order. A name that is new gets a definition.
    pub async fn insert_outcomes(
        &self,
        project: ProjectId,
        items: &[NewOutcome],
        now: Timestamp,
    ) -> Result<Vec<OutcomeInsert>, StoreError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut retries = 0;
        loop {
            match self.try_insert_outcomes(project, items, now).await {
                Err(error) if error.is_deadlock() && retries < DEADLOCK_RETRIES => {
                    retries += 1;
                }
                done => return done,
            }
        }
    }

    async fn try_insert_outcomes(
        &self,
        project: ProjectId,
        items: &[NewOutcome],
        now: Timestamp,
    ) -> Result<Vec<OutcomeInsert>, StoreError> {
        let mut tx = self.begin().await?;
        pass(&mut tx, Gate::HandOut, &[project]).await?;
        let values = items.iter().map(|item| (item.name.as_str(), &item.value));
        let definitions = definitions::ensure(&mut tx, project, values, now).await?;
        let refused: Vec<_> = items.iter().map(|item| refusal(item, &definitions)).collect();
        let mut firsts: Vec<&NewOutcome> = Vec::new();
        let mut seen: HashMap<Key, &NewOutcome> = HashMap::new();
        for (item, _) in items.iter().zip(&refused).filter(|(_, refused)| refused.is_none()) {
            seen.entry(item.key).or_insert_with(|| {
                firsts.push(item);
                item
            });
        }
        let (mut inserted, stored) = match &mut tx {
            Tx::Postgres(tx) => insert_postgres(tx, project, &firsts, now).await?,
            Tx::Sqlite(tx) => insert_sqlite(tx, project, &firsts, now).await?,
        };
        let joined = self.join_new(&mut tx, project, &firsts, &inserted).await?;
        let results: Vec<OutcomeInsert> = items
            .iter()
            .zip(refused)
            .map(|(item, refused)| {
                if let Some(refused) = refused {
                    return refused;
                }
                match inserted.remove(&item.key) {
                    Some(seq) if joined.contains(&seq) => return OutcomeInsert::Joined,
                    Some(_) => return OutcomeInsert::Parked,
                    None => {}
                }
                let first = seen.get(&item.key).map(|first| first.content_hash);
                match stored.get(&item.key).copied().or(first) {
                    Some(hash) if hash != item.content_hash => OutcomeInsert::Conflict,
                    _ => OutcomeInsert::Duplicate,
                }
            })
            .collect();
        counters::add(&mut tx, project, &counted(&results)).await?;
        tx.commit().await?;
        Ok(results)
    }

    /// Joins what was just inserted; the numbers of those that found their interaction.
    async fn join_new(
        &self,
        tx: &mut Tx,
        project: ProjectId,
        items: &[&NewOutcome],
        inserted: &HashMap<Key, i64>,
    ) -> Result<Vec<i64>, StoreError> {
        let mut open: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
        for item in items {
            if let Some(seq) = inserted.get(&item.key) {
                open.entry(item.target.kind()).or_default().push(*seq);
            }
        }
        let mut joined = self.join_all(tx, &open).await?;
        if joined.len() < inserted.len() && matches!(tx, Tx::Postgres(_)) {
            close(tx, Gate::Arrival, project).await?;
            // A statement of its own: only a new snapshot sees what was committed meanwhile.
            joined.extend(self.join_all(tx, &open).await?);
        }
        Ok(joined)
    }

    /// Joins those outcomes that are still parked and whose interaction is there.
    async fn join_all(
        &self,
        tx: &mut Tx,
        by_kind: &BTreeMap<&'static str, Vec<i64>>,
    ) -> Result<Vec<i64>, StoreError> {
        let mut joined = Vec::new();
        for (kind, seqs) in by_kind {
            let sql = match *kind {
                "interaction" => self.pick(&JOIN_INTERACTION),
                "session" => self.pick(&JOIN_SESSION),
                _ => self.pick(&JOIN_SUBJECT),
            };
            let seqs = codec::to_json(TABLE, seqs)?;
            let done: Vec<i64> = on_tx!(tx, |connection| {
                sqlx::query_scalar(sql).bind(&seqs).fetch_all(connection).await
            })?;
            joined.extend(done);
        }
        Ok(joined)
    }
}

fn refusal(
    item: &NewOutcome,
    definitions: &BTreeMap<String, OutcomeDefinition>,
) -> Option<OutcomeInsert> {
    let Some(definition) = definitions.get(&item.name) else {
        return Some(OutcomeInsert::TooManyNames);
    };
    definition.kind.problem(&item.value).map(OutcomeInsert::Misfit)
}

fn counted(results: &[OutcomeInsert]) -> Vec<(Counter, i64)> {
    use OutcomeInsert as I;
    let count = |wanted: fn(&OutcomeInsert) -> bool| {
        results.iter().filter(|result| wanted(result)).count() as i64
    };
    vec![
        (Counter::OutcomesAccepted, count(|r| matches!(r, I::Joined | I::Parked))),
        (Counter::OutcomesDuplicate, count(|r| matches!(r, I::Duplicate))),
        (Counter::OutcomesConflict, count(|r| matches!(r, I::Conflict))),
        (Counter::OutcomesRejected, count(|r| matches!(r, I::Misfit(_) | I::TooManyNames))),
        (Counter::OutcomesJoined, count(|r| matches!(r, I::Joined))),
    ]
}

/// Goes through a gate together with others, until the commit.
async fn pass(tx: &mut Tx, gate: Gate, projects: &[ProjectId]) -> Result<(), StoreError> {
    let Tx::Postgres(tx) = tx else { return Ok(()) };
    let projects: Vec<String> = projects.iter().map(ToString::to_string).collect();
    sqlx::query(PASS).bind(projects).bind(gate.seed()).execute(&mut **tx).await?;
    Ok(())
}

/// Waits for those that go through a gate and keeps others out, until the commit.
async fn close(tx: &mut Tx, gate: Gate, project: ProjectId) -> Result<(), StoreError> {
    let Tx::Postgres(tx) = tx else { return Ok(()) };
    sqlx::query(CLOSE).bind(project.to_string()).bind(gate.seed()).execute(&mut **tx).await?;
    Ok(())
}

async fn insert_postgres(
    tx: &mut Transaction<'static, Postgres>,
    project: ProjectId,
    items: &[&NewOutcome],
    now: Timestamp,
) -> Result<(HashMap<Key, i64>, HashMap<Key, Key>), StoreError> {
    let keys: Vec<&[u8]> = items.iter().map(|item| item.key.as_slice()).collect();
    let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(INSERT_MANY)
        .bind(&keys)
        .bind(items.iter().map(|item| item.content_hash.as_slice()).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.target.kind()).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.target.id()).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.value.number()).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.value.category()).collect::<Vec<_>>())
        .bind(items.iter().map(|item| item.occurred_at.as_micros()).collect::<Vec<_>>())
        .bind(project.to_string())
        .bind(now.as_micros())
        .bind(now.day())
        .fetch_all(&mut **tx)
        .await?;
    let inserted: HashMap<Key, i64> = rows
        .into_iter()
        .map(|(key, seq)| Ok((codec::hash(TABLE, &key)?, seq)))
        .collect::<Result<_, StoreError>>()?;
    let mut stored = HashMap::new();
    if inserted.len() < items.len() {
        // A statement of its own: only a new snapshot sees what a concurrent sender committed.
        let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(STORED_HASHES)
            .bind(project.to_string())
            .bind(&keys)
            .fetch_all(&mut **tx)
            .await?;
        for (key, hash) in rows {
            stored.insert(codec::hash(TABLE, &key)?, codec::hash(TABLE, &hash)?);
        }
    }
    Ok((inserted, stored))
}

async fn insert_sqlite(
    tx: &mut Transaction<'static, Sqlite>,
    project: ProjectId,
    items: &[&NewOutcome],
    now: Timestamp,
) -> Result<(HashMap<Key, i64>, HashMap<Key, Key>), StoreError> {
    let project = project.to_string();
    let (mut inserted, mut stored) = (HashMap::new(), HashMap::new());
    for item in items {
        let seq: Option<i64> = sqlx::query_scalar(INSERT_ONE)
            .bind(&project)
            .bind(item.key.as_slice())
            .bind(item.content_hash.as_slice())
            .bind(&item.name)
            .bind(item.target.kind())
            .bind(item.target.id())
            .bind(item.value.number())
            .bind(item.value.category())
            .bind(item.occurred_at.as_micros())
            .bind(now.as_micros())
            .bind(now.day())
            .fetch_optional(&mut **tx)
            .await?;
        if let Some(seq) = seq {
            inserted.insert(item.key, seq);
        } else {
            let hash: Vec<u8> = sqlx::query_scalar(STORED_HASH)
                .bind(&project)
                .bind(item.key.as_slice())
                .fetch_one(&mut **tx)
                .await?;
            stored.insert(item.key, codec::hash(TABLE, &hash)?);
        }
    }
    Ok((inserted, stored))
}

//! Erasures: one commit removes everything that is held on an interaction, a session or a subject, and
//! appends to the audit trail how much it was.
//!
//! Interactions are locked first: an embedding that is under way is waited for, and finds no row later.

mod chunks;
mod quotes;

use std::collections::HashSet;

use super::audit;
use super::codec;
use super::counters::{self, Counter};
use super::engine::{Sql, Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use super::sealed_texts;
use crate::clock::Timestamp;
use crate::id::{ErasureId, ProjectId};
use crate::model::audit::AuditRecord;
use crate::model::erasure::{Erasure, ErasureCounts, ErasureState, NewErasure};
use crate::model::outcome::{Pseudonym, Target};

pub(super) use chunks::Wanted;

const TABLE: &str = "erasures";

const INSERT: &str = "INSERT INTO erasures
        (id, project_id, kind, target_id, state, requested_by, created_at)
    VALUES ($1, $2, $3, $4, 'pending', $5, $6)";
const FIND: &str = "SELECT * FROM erasures WHERE project_id = $1 AND id = $2";
const DONE: &str = "SELECT COUNT(*) FROM erasures WHERE project_id = $1 AND state = 'done'";
const NEXT: Sql = Sql {
    postgres: "SELECT * FROM erasures WHERE state = 'pending' ORDER BY created_at, id LIMIT 1
        FOR UPDATE SKIP LOCKED",
    sqlite: "SELECT * FROM erasures WHERE state = 'pending' ORDER BY created_at, id LIMIT 1",
};
const FINISH: &str = "UPDATE erasures SET state = 'done', target_id = NULL, done_at = $2,
    counts = $3, audit_seq = $4 WHERE id = $1";

/// The interactions of `$2`, found by `$column` and locked until the commit.
macro_rules! lock {
    ($column:literal) => {
        Sql {
            postgres: concat!(
                "SELECT seq, id FROM interactions WHERE project_id = $1 AND ",
                $column,
                " = $2 ORDER BY seq FOR UPDATE"
            ),
            sqlite: concat!(
                "SELECT seq, id FROM interactions WHERE project_id = $1 AND ",
                $column,
                " = $2 ORDER BY seq"
            ),
        }
    };
}

const LOCK_ID: Sql = lock!("id");
const LOCK_SESSION: Sql = lock!("session_id");
const LOCK_SUBJECT: Sql = lock!("subject");

/// A statement about the interactions of the list `$1`, by their day and number.
macro_rules! by_number {
    ($before:literal, $after:literal) => {
        Sql {
            postgres: concat!(
                $before,
                " WHERE (day, seq) IN (SELECT day, seq FROM interactions WHERE seq = ANY
                    (ARRAY (SELECT json_array_elements_text($1::json)::bigint)))",
                $after
            ),
            sqlite: concat!(
                $before,
                " WHERE (day, seq) IN (SELECT day, seq FROM interactions
                    WHERE seq IN (SELECT value FROM json_each($1)))",
                $after
            ),
        }
    };
}

const TEXTS: Sql = Sql {
    postgres: "SELECT i.id, t.query, t.response, t.original, t.text_key FROM interactions i
        JOIN interaction_texts t ON t.day = i.day AND t.seq = i.seq
        WHERE i.seq = ANY (ARRAY (SELECT json_array_elements_text($1::json)::bigint))",
    sqlite: "SELECT i.id, t.query, t.response, t.original, t.text_key FROM interactions i
        JOIN interaction_texts t ON t.day = i.day AND t.seq = i.seq
        WHERE i.seq IN (SELECT value FROM json_each($1))",
};
const DELETE_TEXTS: Sql = by_number!("DELETE FROM interaction_texts", "");
const DELETE_EMBEDDINGS: Sql = by_number!("DELETE FROM embeddings", "");
const DELETE_INTERACTIONS: Sql = by_number!("DELETE FROM interactions", " RETURNING position");
const DELETE_JOINED: Sql = Sql {
    postgres: "DELETE FROM outcomes WHERE interaction_seq = ANY
        (ARRAY (SELECT json_array_elements_text($1::json)::bigint)) RETURNING interaction_seq",
    sqlite: "DELETE FROM outcomes WHERE interaction_seq IN (SELECT value FROM json_each($1))
        RETURNING interaction_seq",
};
const DELETE_TOLD: Sql = Sql {
    postgres: "DELETE FROM outcomes WHERE project_id = $1 AND target = $2 AND target_id = ANY
        (ARRAY (SELECT json_array_elements_text($3::json))) RETURNING interaction_seq",
    sqlite: "DELETE FROM outcomes WHERE project_id = $1 AND target = $2
        AND target_id IN (SELECT value FROM json_each($3)) RETURNING interaction_seq",
};

#[derive(sqlx::FromRow)]
struct ErasureRow {
    id: String,
    project_id: String,
    kind: String,
    target_id: Option<String>,
    state: String,
    requested_by: String,
    created_at: i64,
    done_at: Option<i64>,
    counts: Option<String>,
    audit_seq: Option<i64>,
}

impl TryFrom<ErasureRow> for Erasure {
    type Error = StoreError;

    fn try_from(row: ErasureRow) -> Result<Self, StoreError> {
        let counts = row.counts.as_deref();
        Ok(Self {
            id: codec::parse_id(TABLE, &row.id)?,
            project_id: codec::parse_id(TABLE, &row.project_id)?,
            kind: row.kind,
            state: codec::from_name(TABLE, &row.state)?,
            requested_by: row.requested_by,
            created_at: Timestamp::from_micros(row.created_at),
            done_at: codec::moment(row.done_at),
            counts: counts.map(|counts| codec::from_json(TABLE, counts)).transpose()?,
            audit_seq: row.audit_seq,
        })
    }
}

impl Store {
    /// Notes what is to be erased.
    pub async fn insert_erasure(&self, erasure: &NewErasure) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(INSERT)
                .bind(erasure.id.to_string())
                .bind(erasure.project_id.to_string())
                .bind(erasure.target.kind())
                .bind(erasure.target.id())
                .bind(&erasure.requested_by)
                .bind(erasure.created_at.as_micros())
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// The project's erasure with this id.
    pub async fn find_erasure(
        &self,
        project: ProjectId,
        id: ErasureId,
    ) -> Result<Option<Erasure>, StoreError> {
        let row: Option<ErasureRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND)
                .bind(project.to_string())
                .bind(id.to_string())
                .fetch_optional(pool)
                .await
        })?;
        row.map(Erasure::try_from).transpose()
    }

    /// Erasures of the project that are done: whoever read rows before and sees the same number after
    /// writing them elsewhere has written none that are erased.
    pub async fn erasures_done(&self, project: ProjectId) -> Result<i64, StoreError> {
        Ok(on_engine!(self, writer, |pool| {
            sqlx::query_scalar(DONE).bind(project.to_string()).fetch_one(pool).await
        })?)
    }

    /// Carries out the oldest erasure that waits, in one commit; `None` when there is none.
    pub async fn run_erasure(&self, now: Timestamp) -> Result<Option<Erasure>, StoreError> {
        let mut tx = self.begin().await?;
        let next = self.pick(&NEXT);
        let row: Option<ErasureRow> = on_tx!(&mut tx, |connection| {
            sqlx::query_as(next).fetch_optional(connection).await
        })?;
        let Some(row) = row else { return Ok(None) };
        let target = target(&row)?;
        let mut erasure = Erasure::try_from(row)?;
        let counts = self.erase(&mut tx, erasure.project_id, &target).await?;
        let payload = serde_json::json!({
            "kind": erasure.kind, "requested_by": erasure.requested_by, "counts": counts,
        });
        let record = AuditRecord::by_system("erasure.done", erasure.id.to_string(), payload);
        let seq = audit::append(&mut tx, &self.sealer, erasure.project_id, &record, now).await?;
        let json = codec::to_json(TABLE, &counts)?;
        on_tx!(&mut tx, |connection| {
            sqlx::query(FINISH)
                .bind(erasure.id.to_string())
                .bind(now.as_micros())
                .bind(&json)
                .bind(seq)
                .execute(connection)
                .await
                .map(|_| ())
        })?;
        tx.commit().await?;
        erasure.state = ErasureState::Done;
        (erasure.done_at, erasure.counts, erasure.audit_seq) = (Some(now), Some(counts), Some(seq));
        Ok(Some(erasure))
    }

    async fn erase(
        &self,
        tx: &mut Tx,
        project: ProjectId,
        target: &Target,
    ) -> Result<ErasureCounts, StoreError> {
        let lock = self.pick(match target {
            Target::Interaction(_) => &LOCK_ID,
            Target::Session(_) => &LOCK_SESSION,
            Target::Subject(_) => &LOCK_SUBJECT,
        });
        let rows: Vec<(i64, String)> = on_tx!(tx, |connection| {
            sqlx::query_as(lock)
                .bind(project.to_string())
                .bind(target.id())
                .fetch_all(connection)
                .await
        })?;
        let (seqs, mut ids): (Vec<i64>, HashSet<String>) = rows.into_iter().unzip();
        if let Target::Interaction(id) = target {
            ids.insert(id.clone());
        }
        let seqs = codec::to_json(TABLE, &seqs)?;
        let mut counts = ErasureCounts::default();
        let texts = self.texts_of(tx, &seqs).await?;
        let mut quotes = quotes::Quotes::new(&ids, &texts);
        counts.outcomes = self.erase_outcomes(tx, project, target, (&seqs, &ids)).await?;
        let session = match target {
            Target::Session(id) => Some(id.as_str()),
            _ => None,
        };
        counts.told_values = self.forget_told(tx, project, &seqs, session).await?;
        counts.interaction_texts = delete(tx, self.pick(&DELETE_TEXTS), &seqs).await?;
        counts.embeddings = delete(tx, self.pick(&DELETE_EMBEDDINGS), &seqs).await?;
        let positions: Vec<Option<i64>> = on_tx!(tx, |connection| {
            sqlx::query_scalar(self.pick(&DELETE_INTERACTIONS))
                .bind(&seqs)
                .fetch_all(connection)
                .await
        })?;
        counts.interactions = positions.len() as i64;
        let gone = [(Counter::Expired, positions.len() as i64), {
            let embedded = positions.iter().flatten().count();
            (Counter::ExpiredEmbedded, embedded as i64)
        }];
        counters::add(tx, project, &gone).await?;
        let wanted = Wanted { ids: &ids, session };
        counts.reference_rows = chunks::erase_references(tx, project, wanted).await?;
        counts.upload_rows = chunks::erase_uploads(self, tx, project, wanted, &mut quotes).await?;
        counts.deliveries = quotes::erase(self, tx, project, &quotes).await?;
        for about in ids.iter().map(String::as_str).chain([target.id()]) {
            counts.audit_payloads += audit::forget(tx, project, about).await?;
        }
        Ok(counts)
    }

    async fn texts_of(&self, tx: &mut Tx, seqs: &str) -> Result<Vec<quotes::Texts>, StoreError> {
        type Row = (String, String, Option<String>, Option<String>, Option<i64>);
        let rows: Vec<Row> = on_tx!(tx, |connection| {
            sqlx::query_as(self.pick(&TEXTS)).bind(seqs).fetch_all(connection).await
        })?;
        let ring = self.keyring_in(tx, rows.iter().map(|row| row.4)).await?;
        let open = |(id, query, response, original, key): Row| {
            Ok((
                ring.open(key, sealed_texts::QUERY, &id, query)?,
                ring.open_some(key, sealed_texts::RESPONSE, &id, response)?,
                ring.open_some(key, sealed_texts::ORIGINAL, &id, original)?,
            ))
        };
        rows.into_iter().map(open).collect()
    }

    async fn erase_outcomes(
        &self,
        tx: &mut Tx,
        project: ProjectId,
        target: &Target,
        (seqs, ids): (&str, &HashSet<String>),
    ) -> Result<i64, StoreError> {
        let mut gone: Vec<Option<i64>> = on_tx!(tx, |connection| {
            sqlx::query_scalar(self.pick(&DELETE_JOINED)).bind(seqs).fetch_all(connection).await
        })?;
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        for (kind, ids) in [("interaction", ids), (target.kind(), vec![target.id()])] {
            let ids = codec::to_json(TABLE, &ids)?;
            let more: Vec<Option<i64>> = on_tx!(tx, |connection| {
                sqlx::query_scalar(self.pick(&DELETE_TOLD))
                    .bind(project.to_string())
                    .bind(kind)
                    .bind(&ids)
                    .fetch_all(connection)
                    .await
            })?;
            gone.extend(more);
        }
        let joined = gone.iter().flatten().count() as i64;
        let counted = [
            (Counter::OutcomesExpired, gone.len() as i64),
            (Counter::OutcomesExpiredJoined, joined),
        ];
        counters::add(tx, project, &counted).await?;
        Ok(gone.len() as i64)
    }
}

fn target(row: &ErasureRow) -> Result<Target, StoreError> {
    let id = row.target_id.clone();
    let id = id.ok_or_else(|| StoreError::corrupt(TABLE, "an open one without its target"))?;
    match row.kind.as_str() {
        "interaction" => Ok(Target::Interaction(id)),
        "session" => Ok(Target::Session(id)),
        "subject" => Ok(Target::Subject(Pseudonym(id))),
        other => Err(StoreError::corrupt(TABLE, format!("the kind {other:?}"))),
    }
}

async fn delete(tx: &mut Tx, sql: &'static str, seqs: &str) -> Result<i64, StoreError> {
    let done = on_tx!(tx, |connection| {
        let done = sqlx::query(sql).bind(seqs).execute(connection).await;
        done.map(|done| done.rows_affected())
    })?;
    Ok(done as i64)
}

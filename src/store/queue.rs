//! The work queue of the embedder: interactions without an embedding yet.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::{Postgres, Sqlite, Transaction};

use super::codec;
use super::engine::{Sql, Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use super::preparation::{self, Rewrite};
use super::quality;
use super::sealed_texts::{self, Keyring};
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::interaction::Attributes;
use crate::model::signals::{Personal, Signals};
use crate::model::vector;
use crate::text::hashes::Hashes;

/// A text that this process has claimed and is to embed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingText {
    /// The project.
    pub project_id: ProjectId,
    /// The store's number of the interaction, in order of arrival.
    pub seq: i64,
    /// The caller's id.
    pub id: String,
    /// What the application was asked.
    pub query: String,
    /// What it answered.
    pub response: Option<String>,
    /// Fencing token: proof of this claim, void once another process claims the row.
    pub token: i64,
    /// How often embedding it has failed before.
    pub failures: i64,
    /// Labels for segments.
    pub attributes: Attributes,
    /// What screening found in the texts as they were received.
    pub personal: Personal,
    /// Whether the texts are to be deleted once they are embedded.
    pub until_embedded: bool,
}

/// The embeddings of one claimed text.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddedText {
    /// The project.
    pub project_id: ProjectId,
    /// As in the claim.
    pub seq: i64,
    /// As in the claim.
    pub token: i64,
    /// Unit vector of the query; `None` for a blank text.
    pub query: Option<Vec<f32>>,
    /// Unit vector of the response; `None` for none or a blank text.
    pub response: Option<Vec<f32>>,
    /// Of the query; `None` for a blank text.
    pub hashes: Option<Hashes>,
    /// What was seen of the texts themselves.
    pub signals: Signals,
    /// Labels for segments.
    pub attributes: Attributes,
    /// The rule that keeps the interaction out of statistics.
    pub excluded: Option<String>,
    /// Words of the query that were repaired for its embedding.
    pub repaired_words: usize,
    /// The texts, where cleaning changed them.
    pub rewrite: Option<Rewrite>,
    /// As in the claim.
    pub until_embedded: bool,
}

const CLAIM: Sql = Sql {
    postgres: "UPDATE interactions
        SET claim_holder = $1, claim_until = $3, claim_token = claim_token + 1
        WHERE seq = ANY (ARRAY (SELECT seq FROM interactions
            WHERE state = 'pending' AND claim_until <= $2
            ORDER BY seq LIMIT $4 FOR UPDATE SKIP LOCKED))
        RETURNING project_id, seq, id, claim_token, failures, attributes,
            (SELECT t.query FROM interaction_texts t
                WHERE t.day = interactions.day AND t.seq = interactions.seq) AS query,
            (SELECT t.response FROM interaction_texts t
                WHERE t.day = interactions.day AND t.seq = interactions.seq) AS response,
            (SELECT t.personal FROM interaction_texts t
                WHERE t.day = interactions.day AND t.seq = interactions.seq) AS personal,
            (SELECT t.until_embedded FROM interaction_texts t
                WHERE t.day = interactions.day AND t.seq = interactions.seq) AS until_embedded,
            (SELECT t.text_key FROM interaction_texts t
                WHERE t.day = interactions.day AND t.seq = interactions.seq) AS text_key",
    sqlite: "UPDATE interactions
        SET claim_holder = $1, claim_until = $3, claim_token = claim_token + 1
        WHERE seq IN (SELECT seq FROM interactions
            WHERE state = 'pending' AND claim_until <= $2 ORDER BY seq LIMIT $4)
        RETURNING project_id, seq, id, claim_token, failures, attributes,
            (SELECT t.query FROM interaction_texts t WHERE t.seq = interactions.seq) AS query,
            (SELECT t.response FROM interaction_texts t WHERE t.seq = interactions.seq) AS response,
            (SELECT t.personal FROM interaction_texts t WHERE t.seq = interactions.seq) AS personal,
            (SELECT t.until_embedded FROM interaction_texts t
                WHERE t.seq = interactions.seq) AS until_embedded,
            (SELECT t.text_key FROM interaction_texts t
                WHERE t.seq = interactions.seq) AS text_key",
};

const RELEASE: &str = "UPDATE interactions SET claim_holder = NULL, claim_until = 0
    WHERE state = 'pending' AND claim_holder = $1";

const FAIL: &str = "UPDATE interactions SET failures = failures + 1, last_error = $4,
        claim_holder = NULL, claim_until = 0,
        state = CASE WHEN failures + 1 >= $5 THEN 'quarantined' ELSE state END
    WHERE project_id = $1 AND seq = $2 AND claim_token = $3 AND state = 'pending'";

/// Takes the lock that makes completers of a project wait for each other, hence no gaps.
const LOCK_POSITION: &str =
    "UPDATE projects SET position = position WHERE id = $1 RETURNING position";
const SET_POSITION: &str = "UPDATE projects SET position = $2 WHERE id = $1";

/// By key alone: with fresh statistics missing, Postgres would rather read the whole queue than
/// look up a hundred rows, if the conditions on state and project were in the statement.
const LOCK_MANY: &str = "SELECT seq, day, id, project_id, state, claim_token FROM interactions
    WHERE seq = ANY ($1) ORDER BY seq FOR UPDATE";
const FIND_ONE: &str =
    "SELECT seq, day, id, project_id, state, claim_token FROM interactions WHERE seq = $1";

const EMBED_MANY: &str = "WITH items AS (
        SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[],
            $7::bigint[], $8::bigint[], $9::text[], $10::text[])
            AS t (seq, day, position, query, response, fingerprint, simhash, signals, excluded)
    ), vectors AS (
        INSERT INTO embeddings
            (day, seq, model_digest, query, response, fingerprint, simhash, signals, excluded)
        SELECT day, seq, $6, query, response, fingerprint, simhash, signals, excluded FROM items
    )
    UPDATE interactions SET state = 'embedded', position = items.position,
        claim_holder = NULL, claim_until = 0
    FROM items WHERE interactions.seq = items.seq";
const EMBED_ONE: &str = "UPDATE interactions SET state = 'embedded', position = $2,
    claim_holder = NULL, claim_until = 0 WHERE seq = $1";
const INSERT_EMBEDDING: &str = "INSERT INTO embeddings
    (day, seq, model_digest, query, response, fingerprint, simhash, signals, excluded)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const FORGET_TEXT: &str = "DELETE FROM interaction_texts WHERE day = $1 AND seq = $2";

#[derive(sqlx::FromRow)]
struct PendingRow {
    project_id: String,
    seq: i64,
    id: String,
    claim_token: i64,
    failures: i64,
    attributes: String,
    query: Option<String>,
    response: Option<String>,
    personal: Option<String>,
    until_embedded: Option<i64>,
    text_key: Option<i64>,
}

impl PendingRow {
    fn read(self, ring: &Keyring) -> Result<PendingText, StoreError> {
        let open = |place, text| ring.open_some(self.text_key, place, &self.id, text);
        Ok(PendingText {
            project_id: codec::parse_id("interactions", &self.project_id)?,
            seq: self.seq,
            // Blank when retention took the text after the claim chose the row.
            query: open(sealed_texts::QUERY, self.query)?.unwrap_or_default(),
            response: open(sealed_texts::RESPONSE, self.response)?,
            id: self.id,
            token: self.claim_token,
            failures: self.failures,
            attributes: codec::from_json("interactions", &self.attributes)?,
            personal: match &self.personal {
                Some(json) => codec::from_json("interaction_texts", json)?,
                None => Personal::default(),
            },
            until_embedded: self.until_embedded == Some(1),
        })
    }
}

/// What is compared before a result is written.
#[derive(sqlx::FromRow)]
struct ClaimedRow {
    seq: i64,
    day: i64,
    id: String,
    project_id: String,
    state: String,
    claim_token: i64,
}

impl ClaimedRow {
    fn is_held(&self, project: &str, text: &EmbeddedText) -> bool {
        self.seq == text.seq
            && self.claim_token == text.token
            && self.project_id == project
            && self.state == "pending"
    }
}

/// A valid claim on its way to be completed.
struct Completed<'a> {
    day: i64,
    id: &'a str,
    position: i64,
    text: &'a EmbeddedText,
}

impl Store {
    /// Claims up to `limit` texts for `holder` until `now + lease`, oldest first. Rows that others
    /// have claimed are left out until their lease has run out.
    pub async fn claim_pending(
        &self,
        holder: &str,
        limit: i64,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<PendingText>, StoreError> {
        let rows: Vec<PendingRow> = on_engine!(self, writer, |pool| {
            sqlx::query_as(self.pick(&CLAIM))
                .bind(holder)
                .bind(now.as_micros())
                .bind(now.plus(lease).as_micros())
                .bind(limit)
                .fetch_all(pool)
                .await
        })?;
        let ring = self.keyring(rows.iter().map(|row| row.text_key)).await?;
        let claimed = rows.into_iter().map(|row| row.read(&ring));
        let mut claimed = claimed.collect::<Result<Vec<_>, _>>()?;
        claimed.sort_by_key(|text| text.seq);
        Ok(claimed)
    }

    /// Gives back what `holder` has claimed, at a graceful stop.
    pub async fn release_claims(&self, holder: &str) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(RELEASE).bind(holder).execute(pool).await.map(|_| ())
        })?;
        Ok(())
    }

    /// Records that a claimed text could not be embedded; at its `quarantine_after`-th failure it
    /// is set aside. False when the claim was lost: then nothing is recorded.
    pub async fn fail_embedding(
        &self,
        project: ProjectId,
        seq: i64,
        token: i64,
        error: &str,
        quarantine_after: i64,
    ) -> Result<bool, StoreError> {
        let changed = on_engine!(self, writer, |pool| {
            sqlx::query(FAIL)
                .bind(project.to_string())
                .bind(seq)
                .bind(token)
                .bind(error)
                .bind(quarantine_after)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(changed > 0)
    }

    /// Stores embeddings and gives each its project's next position, in order of arrival; how many
    /// were still validly claimed and are now embedded.
    pub async fn complete_embeddings(
        &self,
        batch: &[EmbeddedText],
        model_digest: &str,
    ) -> Result<usize, StoreError> {
        let mut by_project: BTreeMap<ProjectId, Vec<&EmbeddedText>> = BTreeMap::new();
        for text in batch {
            by_project.entry(text.project_id).or_default().push(text);
        }
        let mut tx = self.begin().await?;
        let mut completed = 0;
        for (project, mut texts) in by_project {
            texts.sort_by_key(|text| text.seq);
            texts.dedup_by_key(|text| text.seq);
            completed += complete_project(self, &mut tx, project, &texts, model_digest).await?;
        }
        tx.commit().await?;
        Ok(completed)
    }
}

async fn complete_project(
    store: &Store,
    tx: &mut Tx,
    project: ProjectId,
    texts: &[&EmbeddedText],
    model_digest: &str,
) -> Result<usize, StoreError> {
    let id = project.to_string();
    let position: i64 = on_tx!(tx, |connection| {
        sqlx::query_scalar(LOCK_POSITION).bind(&id).fetch_one(connection).await
    })?;
    let rows = match tx {
        Tx::Postgres(tx) => lock_postgres(tx, texts).await?,
        Tx::Sqlite(tx) => find_sqlite(tx, texts).await?,
    };
    let completed: Vec<Completed<'_>> = texts
        .iter()
        .filter_map(|text| Some((rows.iter().find(|row| row.is_held(&id, text))?, *text)))
        .zip(position + 1..)
        .map(|((row, text), position)| Completed { day: row.day, id: &row.id, position, text })
        .collect();
    let seen = completed.iter().map(|item| (item.day, item.text));
    quality::count(store, tx, project, seen).await?;
    let mut rewritten = Vec::new();
    for item in &completed {
        if let Some(rewrite) = &item.text.rewrite {
            rewritten.push((item.day, item.text.seq, item.id, rewrite));
        }
    }
    preparation::rewrite(store, tx, project, &rewritten).await?;
    for item in completed.iter().filter(|item| item.text.until_embedded) {
        on_tx!(tx, |connection| {
            sqlx::query(FORGET_TEXT)
                .bind(item.day)
                .bind(item.text.seq)
                .execute(connection)
                .await
                .map(|_| ())
        })?;
    }
    match tx {
        Tx::Postgres(tx) => embed_postgres(tx, &completed, model_digest).await?,
        Tx::Sqlite(tx) => embed_sqlite(tx, &completed, model_digest).await?,
    }
    on_tx!(tx, |connection| {
        sqlx::query(SET_POSITION)
            .bind(&id)
            .bind(position + completed.len() as i64)
            .execute(connection)
            .await
            .map(|_| ())
    })?;
    Ok(completed.len())
}

/// The rows of a batch, locked until the commit.
async fn lock_postgres(
    tx: &mut Transaction<'static, Postgres>,
    texts: &[&EmbeddedText],
) -> Result<Vec<ClaimedRow>, StoreError> {
    let seqs: Vec<i64> = texts.iter().map(|text| text.seq).collect();
    Ok(sqlx::query_as(LOCK_MANY).bind(seqs).fetch_all(&mut **tx).await?)
}

/// The transaction itself keeps other writers out.
async fn find_sqlite(
    tx: &mut Transaction<'static, Sqlite>,
    texts: &[&EmbeddedText],
) -> Result<Vec<ClaimedRow>, StoreError> {
    let mut rows = Vec::new();
    for text in texts {
        rows.extend(sqlx::query_as(FIND_ONE).bind(text.seq).fetch_optional(&mut **tx).await?);
    }
    Ok(rows)
}

fn bytes(vector: Option<&Vec<f32>>) -> Option<Vec<u8>> {
    vector.map(|vector| vector::encode(vector))
}

/// Stores know signed numbers only.
fn fingerprint(text: &EmbeddedText) -> Option<i64> {
    text.hashes.map(|hashes| hashes.fingerprint.cast_signed())
}

fn simhash(text: &EmbeddedText) -> Option<i64> {
    text.hashes?.simhash.map(u64::cast_signed)
}

fn signals(text: &EmbeddedText) -> Result<String, StoreError> {
    codec::to_json("embeddings", &text.signals)
}

async fn embed_postgres(
    tx: &mut Transaction<'static, Postgres>,
    completed: &[Completed<'_>],
    model_digest: &str,
) -> Result<(), StoreError> {
    let vectors = |of: fn(&EmbeddedText) -> Option<&Vec<f32>>| -> Vec<Option<Vec<u8>>> {
        completed.iter().map(|item| bytes(of(item.text))).collect()
    };
    sqlx::query(EMBED_MANY)
        .bind(completed.iter().map(|item| item.text.seq).collect::<Vec<_>>())
        .bind(completed.iter().map(|item| item.day).collect::<Vec<_>>())
        .bind(completed.iter().map(|item| item.position).collect::<Vec<_>>())
        .bind(vectors(|text| text.query.as_ref()))
        .bind(vectors(|text| text.response.as_ref()))
        .bind(model_digest)
        .bind(completed.iter().map(|item| fingerprint(item.text)).collect::<Vec<_>>())
        .bind(completed.iter().map(|item| simhash(item.text)).collect::<Vec<_>>())
        .bind(completed.iter().map(|item| signals(item.text)).collect::<Result<Vec<_>, _>>()?)
        .bind(completed.iter().map(|item| item.text.excluded.clone()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn embed_sqlite(
    tx: &mut Transaction<'static, Sqlite>,
    completed: &[Completed<'_>],
    model_digest: &str,
) -> Result<(), StoreError> {
    for item in completed {
        sqlx::query(INSERT_EMBEDDING)
            .bind(item.day)
            .bind(item.text.seq)
            .bind(model_digest)
            .bind(bytes(item.text.query.as_ref()))
            .bind(bytes(item.text.response.as_ref()))
            .bind(fingerprint(item.text))
            .bind(simhash(item.text))
            .bind(signals(item.text)?)
            .bind(item.text.excluded.as_deref())
            .execute(&mut **tx)
            .await?;
        sqlx::query(EMBED_ONE).bind(item.text.seq).bind(item.position).execute(&mut **tx).await?;
    }
    Ok(())
}

//! The audit trail: appended to under a lock on the chain's end, read in order, verified row by row.
//!
//! On Postgres all writing is done by the function `audit_append`, which may be the only thing that the
//! daemon's role may do to the log. On SQLite the same is done here, within the one writing transaction.

use sqlx::{Sqlite, Transaction};

use super::codec;
use super::engine::{Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use super::seal::Sealer;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::audit::{
    AuditEntry, AuditRecord, ChainFault, ChainHead, Checkpoint, GENESIS, Walk, Wrong, commitment,
    hex, unhex,
};

const TABLE: &str = "audit_log";
/// Rows read at a time.
const CHUNK: i64 = 1000;

const APPEND: &str = "SELECT audit_append($1, $2, $3, $4, $5, $6, $7, $8)";
const INSERT: &str = "INSERT INTO audit_log
        (project_id, seq, at, actor, action, object, commitment, prev, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const INSERT_PAYLOAD: &str = "INSERT INTO audit_payloads (project_id, seq, salt, payload, about)
    VALUES ($1, $2, $3, $4, $5)";
const MOVE_HEAD: &str = "INSERT INTO audit_heads (project_id, seq, hash) VALUES ($1, $2, $3)
    ON CONFLICT (project_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash";
const HEAD: &str = "SELECT seq, hash FROM audit_heads WHERE project_id = $1";
const HEADS: &str = "SELECT project_id FROM audit_heads ORDER BY project_id";
const AFTER: &str = "SELECT l.*, p.salt, p.payload FROM audit_log l
    LEFT JOIN audit_payloads p ON p.project_id = l.project_id AND p.seq = l.seq
    WHERE l.project_id = $1 AND l.seq > $2 ORDER BY l.seq LIMIT $3";
const LIST: &str = "SELECT l.*, p.salt, p.payload FROM audit_log l
    LEFT JOIN audit_payloads p ON p.project_id = l.project_id AND p.seq = l.seq
    WHERE l.project_id = $1 AND ($2 IS NULL OR l.action = $2)
      AND ($3 IS NULL OR l.at >= $3) AND ($4 IS NULL OR l.at < $4)
      AND ($5 IS NULL OR l.seq < $5)
    ORDER BY l.seq DESC LIMIT $6";

/// Which rows are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this action.
    pub action: Option<String>,
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// Before this row.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    project_id: String,
    seq: i64,
    at: i64,
    actor: String,
    action: String,
    object: String,
    commitment: Vec<u8>,
    prev: Vec<u8>,
    hash: Vec<u8>,
    salt: Option<Vec<u8>>,
    payload: Option<String>,
}

impl From<EntryRow> for AuditEntry {
    fn from(row: EntryRow) -> Self {
        Self {
            project: row.project_id,
            seq: row.seq,
            at: Timestamp::from_micros(row.at),
            actor: row.actor,
            action: row.action,
            object: row.object,
            commitment: row.commitment,
            prev: row.prev,
            hash: row.hash,
            payload: row.salt.zip(row.payload),
        }
    }
}

impl Store {
    /// Appends to the project's chain, in a commit of its own; the row's place.
    pub async fn append_audit(
        &self,
        project: ProjectId,
        record: &AuditRecord,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let seq = append(&mut tx, &self.sealer, project, record, now).await?;
        tx.commit().await?;
        Ok(seq)
    }

    /// Rows of the project's trail, newest first.
    pub async fn list_audit(
        &self,
        project: ProjectId,
        filter: &AuditFilter,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let rows: Vec<EntryRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST)
                .bind(project.to_string())
                .bind(filter.action.as_deref())
                .bind(filter.from.map(Timestamp::as_micros))
                .bind(filter.to.map(Timestamp::as_micros))
                .bind(filter.before)
                .bind(filter.limit)
                .fetch_all(pool)
                .await
        })?;
        Ok(rows.into_iter().map(AuditEntry::from).collect())
    }

    /// At most a thousand rows behind the row `after`, in order.
    pub async fn audit_after(
        &self,
        project: ProjectId,
        after: i64,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let rows: Vec<EntryRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(AFTER)
                .bind(project.to_string())
                .bind(after)
                .bind(CHUNK)
                .fetch_all(pool)
                .await
        })?;
        Ok(rows.into_iter().map(AuditEntry::from).collect())
    }

    /// Where the project's chain ends.
    pub async fn audit_head(&self, project: ProjectId) -> Result<ChainHead, StoreError> {
        let row: Option<(i64, Vec<u8>)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(HEAD).bind(project.to_string()).fetch_optional(pool).await
        })?;
        let (seq, hash) = row.unwrap_or((0, GENESIS.to_vec()));
        Ok(ChainHead { seq, hash })
    }

    /// Where the project's chain stands, signed where there is a key.
    pub async fn audit_checkpoint(
        &self,
        project: ProjectId,
        now: Timestamp,
    ) -> Result<Checkpoint, StoreError> {
        let head = self.audit_head(project).await?;
        let mut checkpoint = Checkpoint {
            project,
            seq: head.seq,
            hash: hex(&head.hash),
            at: now,
            signature: None,
            public_key: None,
        };
        let signed = self.sealer.sign(&checkpoint.message());
        (checkpoint.signature, checkpoint.public_key) =
            signed.map(|(signature, key)| (hex(&signature), hex(&key))).unzip();
        Ok(checkpoint)
    }

    /// A checkpoint of every project that has a trail.
    pub async fn audit_checkpoints(&self, now: Timestamp) -> Result<Vec<Checkpoint>, StoreError> {
        let projects: Vec<String> =
            on_engine!(self, readers, |pool| sqlx::query_scalar(HEADS).fetch_all(pool).await)?;
        let mut checkpoints = Vec::new();
        for project in projects {
            let project = codec::parse_id("audit_heads", &project)?;
            checkpoints.push(self.audit_checkpoint(project, now).await?);
        }
        Ok(checkpoints)
    }

    /// Looks at every row of the project's chain, or at those from a checkpoint on; how far the look
    /// came, or the first row that is not as it was written.
    pub async fn verify_audit(
        &self,
        project: ProjectId,
        since: Option<&Checkpoint>,
    ) -> Result<Result<Walk, ChainFault>, StoreError> {
        // Rows that come meanwhile are behind this end and are not looked at.
        let head = self.audit_head(project).await?;
        let mut walk = Walk::from(0, GENESIS, head.seq);
        if let Some(checkpoint) = since.filter(|checkpoint| checkpoint.seq > 0) {
            match self.start_at(project, checkpoint, &head).await? {
                Ok(start) => walk = start,
                Err(fault) => return Ok(Err(fault)),
            }
        }
        loop {
            let rows = self.audit_after(project, walk.seq()).await?;
            let more = rows.len() as i64 == CHUNK;
            for row in rows.iter().filter(|row| row.seq <= head.seq) {
                if let Err(fault) = walk.step(row) {
                    return Ok(Err(fault));
                }
            }
            if !more || walk.seq() >= head.seq {
                if let Err(fault) = walk.finish(&head) {
                    return Ok(Err(fault));
                }
                let beyond = self.audit_after(project, head.seq).await?;
                let grown = self.audit_head(project).await?.seq > head.seq;
                let beyond = beyond.first().filter(|_| !grown);
                return Ok(beyond
                    .map_or(Ok(walk), |row| Err(ChainFault { seq: row.seq, wrong: Wrong::Head })));
            }
        }
    }

    /// A look that begins behind the row of a checkpoint, once that row is found to be the one it names.
    async fn start_at(
        &self,
        project: ProjectId,
        checkpoint: &Checkpoint,
        head: &ChainHead,
    ) -> Result<Result<Walk, ChainFault>, StoreError> {
        let seq = checkpoint.seq;
        let rows = self.audit_after(project, seq - 1).await?;
        let Some(row) = rows.first().filter(|row| row.seq == seq) else {
            return Ok(Err(ChainFault { seq, wrong: Wrong::Missing }));
        };
        let hash = row.computed();
        if hash.as_slice() != row.hash || hex(&hash) != checkpoint.hash {
            return Ok(Err(ChainFault { seq, wrong: Wrong::Head }));
        }
        Ok(Ok(Walk::from(seq, hash, head.seq)))
    }
}

/// Whether a checkpoint carries a signature of its own public key.
pub fn verify_checkpoint(checkpoint: &Checkpoint) -> bool {
    let bytes = |text: &Option<String>| text.as_deref().and_then(unhex);
    let (Some(key), Some(signature)) =
        (bytes(&checkpoint.public_key), bytes(&checkpoint.signature))
    else {
        return false;
    };
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key);
    key.verify(&checkpoint.message(), &signature).is_ok()
}

/// Appends to the project's chain within a commit that does what is told of; the row's place.
pub(super) async fn append(
    tx: &mut Tx,
    sealer: &Sealer,
    project: ProjectId,
    record: &AuditRecord,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let salt = sealer.salt()?;
    let payload = codec::to_json(TABLE, &record.payload)?;
    match tx {
        Tx::Postgres(tx) => Ok(sqlx::query_scalar(APPEND)
            .bind(project.to_string())
            .bind(now.as_micros())
            .bind(&record.actor)
            .bind(record.action)
            .bind(&record.object)
            .bind(salt.as_slice())
            .bind(&payload)
            .bind(&record.about)
            .fetch_one(&mut **tx)
            .await?),
        Tx::Sqlite(tx) => append_sqlite(tx, project, record, (&salt, &payload), now).await,
    }
}

/// The transaction itself keeps other writers out.
async fn append_sqlite(
    tx: &mut Transaction<'static, Sqlite>,
    project: ProjectId,
    record: &AuditRecord,
    (salt, payload): (&[u8], &str),
    now: Timestamp,
) -> Result<i64, StoreError> {
    let project = project.to_string();
    let head: Option<(i64, Vec<u8>)> =
        sqlx::query_as(HEAD).bind(&project).fetch_optional(&mut **tx).await?;
    let (last, prev) = head.unwrap_or((0, GENESIS.to_vec()));
    let mut entry = AuditEntry {
        project,
        seq: last + 1,
        at: now,
        actor: record.actor.clone(),
        action: record.action.to_owned(),
        object: record.object.clone(),
        commitment: commitment(salt, payload).to_vec(),
        prev,
        hash: Vec::new(),
        payload: None,
    };
    entry.hash = entry.computed().to_vec();
    sqlx::query(INSERT)
        .bind(&entry.project)
        .bind(entry.seq)
        .bind(now.as_micros())
        .bind(&entry.actor)
        .bind(&entry.action)
        .bind(&entry.object)
        .bind(&entry.commitment)
        .bind(&entry.prev)
        .bind(&entry.hash)
        .execute(&mut **tx)
        .await?;
    sqlx::query(INSERT_PAYLOAD)
        .bind(&entry.project)
        .bind(entry.seq)
        .bind(salt)
        .bind(payload)
        .bind(&record.about)
        .execute(&mut **tx)
        .await?;
    sqlx::query(MOVE_HEAD)
        .bind(&entry.project)
        .bind(entry.seq)
        .bind(&entry.hash)
        .execute(&mut **tx)
        .await?;
    Ok(entry.seq)
}

const FORGET: &str = "DELETE FROM audit_payloads WHERE project_id = $1 AND about = $2";

/// Erases the payloads that name `about`: the chain stays as it is.
pub(super) async fn forget(
    tx: &mut Tx,
    project: ProjectId,
    about: &str,
) -> Result<i64, StoreError> {
    let done = on_tx!(tx, |connection| {
        let done =
            sqlx::query(FORGET).bind(project.to_string()).bind(about).execute(connection).await;
        done.map(|done| done.rows_affected())
    })?;
    Ok(done as i64)
}

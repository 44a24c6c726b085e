//! Which values of personal data were told in which conversation, so that one that comes up in another
//! is noticed. Only hashes are stored, under a key that is not in the database.

use std::collections::BTreeSet;

use super::engine::{Sql, Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::signals::PersonalValue;

/// A value that this many conversations told is no secret of one of them: a help line, a shop's address.
const SHARED: usize = 3;

const NOTE: &str = "INSERT INTO told_values (project_id, value, session, day)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (project_id, value, session) DO UPDATE SET day = excluded.day";
const FIND: &str = "SELECT session FROM told_values WHERE project_id = $1 AND value = $2";
const FORGET: &str = "DELETE FROM told_values WHERE project_id = $1 AND session = $2";
const SESSIONS: Sql = Sql {
    postgres: "SELECT DISTINCT session_id FROM interactions WHERE session_id IS NOT NULL
        AND seq = ANY (ARRAY (SELECT json_array_elements_text($1::json)::bigint))",
    sqlite: "SELECT DISTINCT session_id FROM interactions WHERE session_id IS NOT NULL
        AND seq IN (SELECT value FROM json_each($1))",
};

/// Statement of the retention: a value is forgotten with the texts of the day that told it last.
pub(super) const EXPIRE: &str = "DELETE FROM told_values WHERE (project_id, value, session) IN
    (SELECT project_id, value, session FROM told_values WHERE day < $1 LIMIT $2)";

impl Store {
    /// Notes which values were told in which conversations, in one commit. Without a key nothing is
    /// noted: a plain hash of a telephone number tells it to whoever tries them all.
    pub async fn note_values(
        &self,
        project: ProjectId,
        told: &[(&str, &[PersonalValue])],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let hash = |bytes: &[u8]| self.sealer.told_hash(project, bytes);
        let rows = told.iter().flat_map(|(session, values)| {
            values
                .iter()
                .filter_map(move |value| Some((hash(&value.hash)?, hash(session.as_bytes())?)))
        });
        // In one order, so that two who note the same values never wait for each other.
        let rows: BTreeSet<([u8; 32], [u8; 32])> = rows.collect();
        if rows.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for (value, session) in rows {
            on_tx!(&mut tx, |connection| {
                sqlx::query(NOTE)
                    .bind(project.to_string())
                    .bind(value.as_slice())
                    .bind(session.as_slice())
                    .bind(now.day())
                    .execute(connection)
                    .await
                    .map(|_| ())
            })?;
        }
        tx.commit().await
    }

    /// Whether `value` was told in one or two other conversations and not in `session`.
    pub async fn is_of_others(
        &self,
        project: ProjectId,
        session: &str,
        value: &PersonalValue,
    ) -> Result<bool, StoreError> {
        let own = self.sealer.told_hash(project, session.as_bytes());
        let (Some(own), Some(hash)) = (own, self.sealer.told_hash(project, &value.hash)) else {
            return Ok(false);
        };
        let sessions: Vec<Vec<u8>> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(FIND)
                .bind(project.to_string())
                .bind(hash.as_slice())
                .fetch_all(pool)
                .await
        })?;
        let is_own = sessions.iter().any(|session| session.as_slice() == own.as_slice());
        Ok(!is_own && (1..SHARED).contains(&sessions.len()))
    }

    /// Forgets what the conversations of the interactions `seqs` (a JSON list) told, and `session`;
    /// to be called before the interactions are deleted.
    pub(super) async fn forget_told(
        &self,
        tx: &mut Tx,
        project: ProjectId,
        seqs: &str,
        session: Option<&str>,
    ) -> Result<i64, StoreError> {
        let mut sessions: Vec<String> = on_tx!(tx, |connection| {
            sqlx::query_scalar(self.pick(&SESSIONS)).bind(seqs).fetch_all(connection).await
        })?;
        sessions.extend(session.map(str::to_owned));
        let mut forgotten = 0;
        for session in sessions {
            let Some(hash) = self.sealer.told_hash(project, session.as_bytes()) else { continue };
            forgotten += on_tx!(tx, |connection| {
                sqlx::query(FORGET)
                    .bind(project.to_string())
                    .bind(hash.as_slice())
                    .execute(connection)
                    .await
                    .map(|done| done.rows_affected())
            })? as i64;
        }
        Ok(forgotten)
    }
}

//! Everything that is held on an interaction, a session or a subject, as it is given out.

use std::collections::HashSet;

use serde::Serialize;

use super::codec;
use super::engine::{Sql, Store, on_engine};
use super::erasures::Wanted;
use super::error::StoreError;
use super::sealed_texts::{self, Keyring};
use crate::clock::Timestamp;
use crate::id::{ProjectId, ReferenceId};
use crate::model::interaction::{Event, NewInteraction};
use crate::model::outcome::Target;

/// Interactions read at a time.
const CHUNK: i64 = 500;

/// The interactions of `$2` behind the number `$3`, found by `$column`.
macro_rules! held {
    ($column:literal) => {
        concat!(
            "SELECT i.seq, i.id, i.occurred_at, i.received_at, i.session_id, i.subject,
                i.attributes, i.model, i.metadata, i.metadata_key, i.state, t.query, t.response,
                t.original, t.text_key
            FROM interactions i LEFT JOIN interaction_texts t ON t.day = i.day AND t.seq = i.seq
            WHERE i.project_id = $1 AND i.",
            $column,
            " = $2 AND i.seq > $3 ORDER BY i.seq LIMIT $4"
        )
    };
}

const BY_ID: &str = held!("id");
const BY_SESSION: &str = held!("session_id");
const BY_SUBJECT: &str = held!("subject");
const OUTCOMES: Sql = Sql {
    postgres: "SELECT name, target, target_id, value, category, occurred_at, received_at
        FROM outcomes WHERE project_id = $1 AND (interaction_seq = ANY
            (ARRAY (SELECT json_array_elements_text($2::json)::bigint))
            OR (target = $3 AND target_id = $4)) ORDER BY seq",
    sqlite: "SELECT name, target, target_id, value, category, occurred_at, received_at
        FROM outcomes WHERE project_id = $1 AND (interaction_seq IN (SELECT value FROM json_each($2))
            OR (target = $3 AND target_id = $4)) ORDER BY seq",
};

/// An interaction with all that is stored of it but its vectors, which are made of its texts.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
pub struct HeldInteraction {
    /// The store's number of it.
    #[serde(skip)]
    pub seq: i64,
    /// The caller's id.
    pub id: String,
    /// When it happened.
    #[sqlx(try_from = "i64")]
    pub occurred_at: Micros,
    /// When it was stored.
    #[sqlx(try_from = "i64")]
    pub received_at: Micros,
    /// The conversation.
    pub session_id: Option<String>,
    /// The pseudonym.
    pub subject: Option<String>,
    /// Labels, as JSON.
    pub attributes: String,
    /// The model that answered.
    pub model: Option<String>,
    /// Anything else, as JSON.
    pub metadata: Option<String>,
    /// How far it has come.
    pub state: String,
    /// What was asked.
    pub query: Option<String>,
    /// What was answered.
    pub response: Option<String>,
    /// The texts as they came, where cleaning changed them; JSON.
    pub original: Option<String>,
    #[serde(skip)]
    text_key: Option<i64>,
    #[serde(skip)]
    metadata_key: Option<i64>,
}

impl HeldInteraction {
    fn open(&mut self, ring: &Keyring) -> Result<(), StoreError> {
        let open = |key, place, text| ring.open_some(key, place, &self.id, text);
        self.query = open(self.text_key, sealed_texts::QUERY, self.query.take())?;
        self.response = open(self.text_key, sealed_texts::RESPONSE, self.response.take())?;
        self.original = open(self.text_key, sealed_texts::ORIGINAL, self.original.take())?;
        self.metadata = open(self.metadata_key, sealed_texts::METADATA, self.metadata.take())?;
        Ok(())
    }
}

/// An outcome as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
pub struct HeldOutcome {
    /// What was measured.
    pub name: String,
    /// Whether it is about an interaction, a session or a subject, or came with its interaction.
    pub target: String,
    /// Which one.
    pub target_id: String,
    /// The value.
    pub value: Option<f64>,
    /// The category.
    pub category: Option<String>,
    /// When it came about.
    #[sqlx(try_from = "i64")]
    pub occurred_at: Micros,
    /// When it was stored.
    #[sqlx(try_from = "i64")]
    pub received_at: Micros,
}

/// A moment as it is stored, shown as people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Micros(pub Timestamp);

impl From<i64> for Micros {
    fn from(micros: i64) -> Self {
        Self(Timestamp::from_micros(micros))
    }
}

impl Store {
    /// Some of the interactions behind the number `after`, in the order of arrival; none is the end.
    pub async fn held_interactions(
        &self,
        project: ProjectId,
        target: &Target,
        after: i64,
    ) -> Result<Vec<HeldInteraction>, StoreError> {
        let sql = match target {
            Target::Interaction(_) => BY_ID,
            Target::Session(_) => BY_SESSION,
            Target::Subject(_) => BY_SUBJECT,
        };
        let mut held: Vec<HeldInteraction> = on_engine!(self, readers, |pool| {
            sqlx::query_as(sql)
                .bind(project.to_string())
                .bind(target.id())
                .bind(after)
                .bind(CHUNK)
                .fetch_all(pool)
                .await
        })?;
        let keys = held.iter().flat_map(|row| [row.text_key, row.metadata_key]);
        let ring = self.keyring(keys).await?;
        held.iter_mut().try_for_each(|row| row.open(&ring))?;
        Ok(held)
    }

    /// The outcomes of these interactions, by the store's numbers, and those told of the target itself.
    pub async fn held_outcomes(
        &self,
        project: ProjectId,
        target: &Target,
        seqs: &[i64],
    ) -> Result<Vec<HeldOutcome>, StoreError> {
        let (sql, seqs) = (self.pick(&OUTCOMES), codec::to_json("outcomes", &seqs)?);
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_as(sql)
                .bind(project.to_string())
                .bind(&seqs)
                .bind(target.kind())
                .bind(target.id())
                .fetch_all(pool)
                .await
        })?)
    }

    /// Rows of references and of uploaded files: those of these interactions, and of the session.
    pub async fn held_references(
        &self,
        project: ProjectId,
        target: &Target,
        ids: &HashSet<String>,
    ) -> Result<Vec<(ReferenceId, Vec<Event>, Vec<NewInteraction>)>, StoreError> {
        let session = match target {
            Target::Session(id) => Some(id.as_str()),
            _ => None,
        };
        let wanted = Wanted { ids, session };
        let mut held = Vec::new();
        for reference in self.list_references(project, None).await? {
            let mut rows = self.reference_rows(reference.id).await?;
            rows.retain(|row| wanted.event(row));
            let mut uploads = self.reference_upload(reference.id).await?;
            uploads.retain(|row| wanted.upload(row));
            if !rows.is_empty() || !uploads.is_empty() {
                held.push((reference.id, rows, uploads));
            }
        }
        Ok(held)
    }
}

//! Erasures: everything that is held on an interaction, a session or a subject, removed for good.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{ErasureId, ProjectId};
use crate::model::outcome::Target;

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// Waits for the worker.
    Pending,
    /// Done.
    Done,
}

/// How many rows of each table were erased or rewritten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErasureCounts {
    /// Interactions.
    pub interactions: i64,
    /// Texts of interactions.
    pub interaction_texts: i64,
    /// Embeddings of interactions.
    pub embeddings: i64,
    /// Outcomes, the parked ones too.
    pub outcomes: i64,
    /// Rows of references.
    pub reference_rows: i64,
    /// Rows of uploaded files that wait for their embeddings.
    pub upload_rows: i64,
    /// Messages from which a quotation was taken.
    pub deliveries: i64,
    /// Hashes of values that their conversations told.
    #[serde(default)]
    pub told_values: i64,
    /// Payloads of the audit trail.
    pub audit_payloads: i64,
}

/// An erasure that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Erasure {
    /// Its id.
    pub id: ErasureId,
    /// The project.
    pub project_id: ProjectId,
    /// What is erased: `interaction`, `session` or `subject`. Which one is forgotten with it.
    pub kind: String,
    /// How far it is.
    pub state: ErasureState,
    /// Who asked for it.
    pub requested_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Timestamp>,
    /// What was erased; absent before it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<ErasureCounts>,
    /// The row of the audit trail that holds the same counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_seq: Option<i64>,
}

/// An erasure with what it is of.
#[derive(Debug, Clone, PartialEq)]
pub struct NewErasure {
    /// Its id.
    pub id: ErasureId,
    /// The project.
    pub project_id: ProjectId,
    /// What is erased.
    pub target: Target,
    /// Who asks for it.
    pub requested_by: String,
    /// When.
    pub created_at: Timestamp,
}

//! A reference: the frozen traffic that windows are compared with.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{MonitorId, ProjectId, ReferenceId};

/// A stored reference, without its vectors and profile.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Reference {
    /// Its id.
    pub id: ReferenceId,
    /// The project it belongs to.
    pub project_id: ProjectId,
    /// The monitor it was frozen for.
    pub monitor_id: MonitorId,
    /// The name; versions count under it.
    pub name: String,
    /// 1, 2, 3 … under the name.
    pub version: i64,
    /// Where its rows come from.
    pub source: ReferenceSource,
    /// How far it has come.
    pub status: ReferenceStatus,
    /// Share of the present step that is done, in 0..=1.
    pub progress: f64,
    /// Why it failed, or what to know of it.
    pub message: Option<String>,
    /// Rows it holds.
    pub n: i64,
    /// Digest of the embedding model; a window made with another is refused.
    pub model_digest: Option<String>,
    /// Seed of everything random in its profile.
    pub seed: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it became immutable.
    pub frozen_at: Option<Timestamp>,
}

/// Where a reference's rows come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReferenceSource {
    /// The embedded interactions that occurred in `[from, to)`.
    TimeRange {
        /// First moment that belongs to it.
        from: Timestamp,
        /// First moment that no longer belongs to it.
        to: Timestamp,
    },
    /// The next `count` interactions that are embedded from now on.
    Next {
        /// How many.
        count: u32,
        /// Only those with a greater position; filled in when the reference is asked for.
        #[serde(default)]
        after: Option<i64>,
    },
    /// Interactions uploaded from a file of JSON lines; its name, for the record.
    File {
        /// The file's name.
        name: String,
    },
}

/// How far a reference has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceStatus {
    /// Waits for its rows (`next`, or a backlog that is still to be embedded).
    Collecting,
    /// Rows are frozen; profile and calibration are being computed.
    Computing,
    /// Ready and immutable.
    Ready,
    /// Refused; the message says why.
    Failed,
}

impl ReferenceStatus {
    const ALL: [Self; 4] = [Self::Collecting, Self::Computing, Self::Ready, Self::Failed];

    /// The status's name on the wire and in the stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Collecting => "collecting",
            Self::Computing => "computing",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    /// The status called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

//! What is watched of an interaction.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A stream of numbers taken from interactions.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// The embedding of the query: unit vectors.
    Query,
    /// The embedding of the response: unit vectors.
    Response,
    /// cos(query, response): a scalar.
    Relevance,
    /// Queries that come again and again: counted as texts, so it has no values.
    Duplicates,
}

impl Stream {
    /// Every stream, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Query, Self::Response, Self::Relevance, Self::Duplicates];

    /// Whether each interaction gives it a value that is compared with the reference's.
    pub const fn has_values(self) -> bool {
        !matches!(self, Self::Duplicates)
    }

    /// The stream's name on the wire and in the stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Response => "response",
            Self::Relevance => "relevance",
            Self::Duplicates => "duplicates",
        }
    }

    /// The stream called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.as_str() == name)
    }

    /// The kind of alert that drift in this stream raises.
    pub const fn alert_kind(self) -> &'static str {
        match self {
            Self::Query => "query_drift",
            Self::Response => "response_drift",
            Self::Relevance => "relevance_drift",
            Self::Duplicates => "duplicates",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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
    /// What is wrong with the query as a text: a number in 0…1 for each check.
    QueryQuality,
    /// What is wrong with the response as a text.
    ResponseQuality,
    /// The language of the query: 1 for the one that it is in, 0 for the others.
    Language,
    /// What became of interactions: judged once outcomes have had time to come.
    Outcome,
    /// Personal data in the response that the query did not contain: 1 for each type of it.
    Privacy,
    /// Texts that are against the project's policies: 1 for each policy.
    Policy,
}

/// What a stream's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Unit vectors, whose neighbours mean the same.
    Embedding,
    /// One number.
    Scalar,
    /// Numbers in 0…1 that each have a name; their means are rates.
    Rates,
    /// The same of what nobody wants: a rate that falls is no drift.
    Rises,
    /// 1 for one of several names, 0 for the others; their means are shares.
    Shares,
    /// None: texts or outcomes are counted.
    Counted,
}

impl Stream {
    /// Every stream, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::Query,
        Self::Response,
        Self::Relevance,
        Self::Duplicates,
        Self::QueryQuality,
        Self::ResponseQuality,
        Self::Language,
        Self::Outcome,
        Self::Privacy,
        Self::Policy,
    ];

    /// What its values are.
    pub const fn values(self) -> Values {
        match self {
            Self::Query | Self::Response => Values::Embedding,
            Self::Relevance => Values::Scalar,
            Self::QueryQuality | Self::ResponseQuality | Self::Policy => Values::Rates,
            Self::Privacy => Values::Rises,
            Self::Language => Values::Shares,
            Self::Duplicates | Self::Outcome => Values::Counted,
        }
    }

    /// Whether its values are numbers with names, whose means are told when they change.
    pub const fn has_names(self) -> bool {
        matches!(self.values(), Values::Rates | Values::Rises | Values::Shares)
    }

    /// Whether each interaction gives it a value that is compared with the reference's.
    pub const fn has_values(self) -> bool {
        !matches!(self.values(), Values::Counted)
    }

    /// The stream's name on the wire and in the stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Response => "response",
            Self::Relevance => "relevance",
            Self::Duplicates => "duplicates",
            Self::QueryQuality => "query_quality",
            Self::ResponseQuality => "response_quality",
            Self::Language => "language",
            Self::Privacy => "privacy",
            Self::Policy => "policy",
            Self::Outcome => "outcome",
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
            Self::QueryQuality | Self::ResponseQuality => "text_quality",
            Self::Language => "language_mix",
            Self::Privacy => "privacy",
            Self::Policy => "policy",
            Self::Outcome => "outcome_drop",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! Counts of what the checks of texts found.

use serde::{Deserialize, Serialize};

/// Which text of an interaction.
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
pub enum Side {
    /// What was asked.
    Query,
    /// What was answered.
    Response,
}

impl Side {
    /// Its name on the wire and in the stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Response => "response",
        }
    }
}

/// The label whose values are counted apart.
pub const CHANNEL: &str = "channel";

/// Bytes of a channel's name that are kept.
const CHANNEL_BYTES: usize = 100;

/// A channel's name as it is counted, no longer than a key may be.
pub fn counted_channel(name: &str) -> &str {
    name.get(..name.floor_char_boundary(CHANNEL_BYTES)).unwrap_or(name)
}

/// What queries count as whose embedding is that of a repaired text.
pub const REPAIRED: &str = "repaired";

/// What the words count as that were repaired in them.
pub const REPAIRED_WORDS: &str = "repaired_words";

/// How many texts of one group, on one day, a check found something in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityCount {
    /// Days since 1970-01-01, by arrival.
    pub day: i64,
    /// The side.
    pub side: Side,
    /// The value of the label `channel`; empty without one.
    pub channel: String,
    /// The language's code.
    pub language: String,
    /// The check; empty for all texts of the group.
    pub signal: String,
    /// Texts; words for [`REPAIRED_WORDS`].
    pub count: i64,
}

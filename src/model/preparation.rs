//! How a project's texts are prepared before they are embedded.

use serde::{Deserialize, Serialize};

use crate::text::clean::{Change, Steps};
use crate::text::irrelevant::Rules;

/// A project's choice; what is missing has its default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Preparation {
    /// The steps of cleaning.
    pub clean: Steps,
    /// Whether a text that cleaning changed is kept as it came, too.
    pub keep_original: bool,
    /// Which traffic is left out of statistics.
    pub exclude: Rules,
    /// Whether slips in queries are repaired before they are embedded, by the words of the latest
    /// reference; what is stored stays as it is. Off by default.
    pub repair: bool,
}

impl Preparation {
    /// Everything that is wrong with it, as (JSON pointer, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let within = |(pointer, detail)| (format!("/exclude{pointer}"), detail);
        self.exclude.problems().into_iter().map(within).collect()
    }
}

/// What cleaning changed in an interaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleaning {
    /// The version of the steps.
    pub version: u32,
    /// Changes of the query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<Change>,
    /// Changes of the response.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response: Vec<Change>,
}

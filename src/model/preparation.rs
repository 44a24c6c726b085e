//! How a project's texts are prepared before they are embedded.

use serde::{Deserialize, Serialize};

use crate::model::interaction::Attributes;
use crate::text::clean::{Change, Steps};
use crate::text::irrelevant::Rules;
use crate::text::is_blank;

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
    /// What each record is expected to hold; one that lacks some of it is `incomplete`.
    pub expect: Expected,
    /// Whether slips in queries are repaired before they are embedded, by the words of the latest
    /// reference; what is stored stays as it is. Off by default.
    pub repair: bool,
}

/// What a record holds when it is complete. By default nothing: queries alone are a project, too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expected {
    /// A response that says something.
    pub response: bool,
    /// A value for each of these attributes.
    pub attributes: Vec<String>,
}

/// The most attributes that can be expected.
const MAX_ATTRIBUTES: usize = 16;

impl Expected {
    /// Whether a record with these parts has all that is expected.
    pub fn are_met(&self, response: Option<&str>, attributes: &Attributes) -> bool {
        let has = |name: &String| attributes.get(name).is_some_and(|value| !is_blank(value));
        let answered = || response.is_some_and(|text| !is_blank(text));
        (!self.response || answered()) && self.attributes.iter().all(has)
    }

    fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.attributes.len() > MAX_ATTRIBUTES {
            let detail = format!("names more than {MAX_ATTRIBUTES} attributes; leave some out");
            problems.push(("/expect/attributes".to_owned(), detail));
        }
        for (i, _) in self.attributes.iter().enumerate().filter(|(_, name)| name.trim().is_empty())
        {
            let detail = "is empty; name an attribute, as in channel".to_owned();
            problems.push((format!("/expect/attributes/{i}"), detail));
        }
        problems
    }
}

impl Preparation {
    /// Everything that is wrong with it, as (JSON pointer, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let within = |(pointer, detail)| (format!("/exclude{pointer}"), detail);
        self.exclude.problems().into_iter().map(within).chain(self.expect.problems()).collect()
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

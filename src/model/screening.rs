//! What a project does with personal data and secrets before anything is stored.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::screen::policy::Policy;
use crate::screen::{NameFinder, Problems, Screener, Settings};

/// Longest time that a call of `POST /v1/screen` may take, in milliseconds.
pub const MAX_DEADLINE_MS: u32 = 10_000;

/// A project's choice; what is missing has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Screening {
    /// Whether texts are screened at all.
    pub enabled: bool,
    /// What is looked for.
    pub screen: Settings,
    /// What is done with it. Its `version` is set by the store.
    pub policy: Policy,
    /// Whether the screened texts are kept once they are embedded.
    pub store_text: StoreText,
    /// What `POST /v1/screen` answers once its deadline has passed.
    pub fail: Fail,
    /// That deadline in milliseconds, where a call names none.
    pub deadline_ms: u32,
}

/// Which texts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreText {
    /// The screened ones, until their retention ends.
    Screened,
    /// None: they are deleted in the commit that stores their embeddings.
    None,
}

/// What is answered without having looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fail {
    /// The texts may pass.
    Open,
    /// The texts may not pass.
    Closed,
}

impl Default for Screening {
    /// Every strong form is masked; no region is named.
    fn default() -> Self {
        Self {
            enabled: true,
            screen: Settings::default(),
            policy: Policy::default(),
            store_text: StoreText::Screened,
            fail: Fail::Closed,
            deadline_ms: 200,
        }
    }
}

impl Screening {
    /// Everything that is wrong with it, as (JSON pointer, what is wrong and the remedy); `has_key`
    /// says whether there is a key for pseudonyms, `names` is the model of names if there is one.
    pub fn problems(
        &self,
        has_key: bool,
        names: Option<Arc<dyn NameFinder>>,
    ) -> Vec<(String, String)> {
        let mut found = within("/screen", self.screen.problems());
        // Without sound settings it is not known which types there are.
        if found.is_empty() {
            match Screener::with_names(&self.screen, names) {
                Ok(screener) => {
                    let problems = self.policy.problems(|label| screener.knows(label), has_key);
                    found.extend(within("/policy", problems));
                }
                Err(problems) => found.extend(within("/screen", problems)),
            }
        }
        if !(1..=MAX_DEADLINE_MS).contains(&self.deadline_ms) {
            let detail = format!("must be 1 to {MAX_DEADLINE_MS} milliseconds");
            found.push(("/deadline_ms".to_owned(), detail));
        }
        found
    }
}

fn within(place: &str, problems: Problems) -> Vec<(String, String)> {
    let problems = problems.0.into_iter();
    problems.map(|problem| (format!("{place}{}", problem.field), problem.message)).collect()
}

/// A key for pseudonyms, without the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PseudonymKey {
    /// Its id, as it stands in tokens: `k1`.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was destroyed.
    pub destroyed_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_its_place() {
        let read = |json: &str| -> Screening { serde_json::from_str(json).unwrap() };
        assert!(Screening::default().problems(false, None).is_empty());
        let wrong = read(
            r#"{"policy": {"default": "pseudonym", "rules": [{"entity": "EMIAL", "action": "mask"}]},
                "deadline_ms": 0}"#,
        );
        let places: Vec<String> =
            wrong.problems(false, None).into_iter().map(|(at, _)| at).collect();
        assert_eq!(places, ["/policy/default", "/policy/rules/0/entity", "/deadline_ms"]);
        assert_eq!(wrong.problems(true, None).len(), 2);
        let regions = read(r#"{"screen": {"regions": ["XX"]}}"#);
        assert_eq!(regions.problems(true, None)[0].0, "/screen/regions/0");
    }
}

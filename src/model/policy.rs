//! A rule of a project on what texts may say: how it is set, what was learned, what is in force.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{PolicyId, ProjectId};
use crate::policy::{Judge, Lexicon, MAX_WORDS, Member, Report};
use crate::screen::policy::Side;

const NAME_BYTES: usize = 100;
const WORD_BYTES: usize = 200;

/// What a policy is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    /// Examples that the project gives.
    Examples,
    /// Responses that refuse to help; begins with examples of ours.
    Refusal,
    /// Queries that try to override instructions; begins with examples of ours.
    Injection,
    /// Texts unlike anything in the reference.
    OffTopic,
    /// Words.
    Lexicon,
}

/// What a text that is against a policy leads to at `POST /v1/screen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum PolicyAction {
    /// It is reported.
    #[default]
    Flag,
    /// The answer is `block`. Interactions that are sent to be watched are never refused for it.
    Block,
}

/// How a policy is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// A name for people, unique in the project.
    pub name: String,
    /// What it is made of.
    pub kind: PolicyKind,
    /// The texts that it looks at: `query` or `response`. Refusals are looked for in responses,
    /// injections and other topics in queries, where it is missing; others must say.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub side: Option<Side>,
    /// What a text that is against it leads to.
    #[serde(default)]
    pub action: PolicyAction,
    /// The share of texts that are no such case that may be flagged, more than 0 and at most 0.2.
    #[serde(default = "one_percent")]
    pub false_alarms: f64,
    /// The words of a lexicon: whole words and phrases, in any case and spelling of letters.
    #[serde(default)]
    pub words: Vec<String>,
}

const fn one_percent() -> f64 {
    0.01
}

impl PolicySpec {
    /// The texts that it looks at; none where it does not say and has to.
    pub fn side(&self) -> Option<Side> {
        self.side.or(match self.kind {
            PolicyKind::Refusal => Some(Side::Response),
            PolicyKind::Injection | PolicyKind::OffTopic => Some(Side::Query),
            PolicyKind::Examples | PolicyKind::Lexicon => None,
        })
    }

    /// Everything that is wrong with it, as (JSON pointer, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut add = |pointer: String, detail: String| found.push((pointer, detail));
        if self.name.trim().is_empty() || self.name.len() > NAME_BYTES {
            add("/name".to_owned(), format!("must hold 1 to {NAME_BYTES} bytes"));
        }
        if self.side().is_none() {
            add("/side".to_owned(), "say which texts it looks at: query or response".to_owned());
        }
        if !(self.false_alarms > 0.0 && self.false_alarms <= 0.2) {
            let detail =
                "must be more than 0 and at most 0.2: 0.01 flags one harmless text in a hundred";
            add("/false_alarms".to_owned(), detail.to_owned());
        }
        let is_lexicon = self.kind == PolicyKind::Lexicon;
        if is_lexicon == self.words.is_empty() {
            let detail = if is_lexicon { "name the words" } else { "only a lexicon has words" };
            add("/words".to_owned(), detail.to_owned());
        }
        if self.words.len() > MAX_WORDS {
            add("/words".to_owned(), format!("at most {MAX_WORDS} entries"));
        }
        for (at, word) in self.words.iter().take(MAX_WORDS).enumerate() {
            let long = format!("holds more than {WORD_BYTES} bytes");
            let problem = (word.len() > WORD_BYTES).then_some(long);
            if let Some(detail) = problem.or_else(|| Lexicon::problem(word)) {
                add(format!("/words/{at}"), detail);
            }
        }
        found
    }
}

/// A judge, what was measured of it, and which model's embeddings it knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// The judge.
    pub judge: Judge,
    /// What was measured; none of a lexicon.
    pub report: Option<Report>,
    /// Digest of the embedding model; none of a lexicon.
    pub model_digest: Option<String>,
    /// When it was made.
    pub made_at: Timestamp,
}

/// A policy as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// Its project.
    pub project_id: ProjectId,
    /// How it is set.
    pub spec: PolicySpec,
    /// Its bit in what is noted of a text, as long as it lives.
    pub slot: u8,
    /// How often it was changed.
    pub version: i64,
    /// What was learned last; not in force unless it is also `active`.
    pub fitted: Option<Made>,
    /// What is in force.
    pub active: Option<Made>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Policy {
    /// What is in force, where it can judge embeddings of the model with `digest`.
    pub fn member(&self, digest: Option<&str>) -> Option<Member> {
        let active = self.active.as_ref()?;
        let is_ours = active.model_digest.is_none() || active.model_digest.as_deref() == digest;
        is_ours.then_some(())?;
        Some(Member {
            slot: self.slot,
            name: self.spec.name.clone(),
            side: self.spec.side()?,
            blocks: self.spec.action == PolicyAction::Block,
            judge: active.judge.clone(),
        })
    }
}

/// An example of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PolicyExample {
    /// Its id, made from the text.
    pub id: String,
    /// The text.
    pub text: String,
    /// Whether it is a case of the policy.
    pub label: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: &str) -> PolicySpec {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_problem_has_its_place() {
        let places = |json| {
            spec(json).problems().into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>()
        };
        assert!(places(r#"{"name": "r", "kind": "refusal"}"#).is_empty());
        assert_eq!(places(r#"{"name": "", "kind": "examples"}"#), ["/name", "/side"]);
        assert_eq!(
            places(r#"{"name": "l", "kind": "lexicon", "side": "query", "words": ["a", "-"]}"#),
            ["/words/1"]
        );
        assert_eq!(
            places(r#"{"name": "x", "kind": "injection", "false_alarms": 0, "words": ["a"]}"#),
            ["/false_alarms", "/words"]
        );
        assert_eq!(spec(r#"{"name": "o", "kind": "off_topic"}"#).side(), Some(Side::Query));
    }
}

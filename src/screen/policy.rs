//! What is done with findings: by type, by side, per project.

mod pseudonym;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::entity::EntityType;
use super::placeholder::{masked, partial};
use super::screener::{Finding, Recogniser};
use super::settings::Problems;

pub use pseudonym::{KeyError, PseudonymKeys, canonical};

/// What is done with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing.
    Allow,
    /// It stays and is reported.
    Flag,
    /// `<EMAIL>` stands instead.
    Mask,
    /// Its last four characters stay: `<CREDIT_CARD:****1234>`.
    Partial,
    /// A keyed token stands instead, the same for the same value: `<PHONE:k2:7f3a9c1b2d4e>`.
    Pseudonym,
    /// The whole text is left out.
    Drop,
    /// The interaction is refused.
    Block,
}

/// The side of an interaction that a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What was asked.
    Query,
    /// What was answered.
    Response,
}

/// A project's policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Noted with every decision.
    pub version: u32,
    /// What is done where no rule fits.
    pub default: Action,
    /// Exceptions; the most specific one that fits counts, whatever the order.
    pub rules: Vec<PolicyRule>,
}

/// An exception for a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRule {
    /// Label of a type (`NATIONAL_ID`) or of a subtype (`ZA_ID`), which is more specific.
    pub entity: String,
    /// One side only; both where absent.
    #[serde(default)]
    pub side: Option<Side>,
    /// What is done.
    pub action: Action,
}

/// The strongest of what was done with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing was found, or all of it is allowed.
    Allow,
    /// The text is unchanged; something is reported.
    Flag,
    /// The text was changed or left out.
    Redact,
    /// The interaction is refused.
    Block,
}

/// A text after the policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Screened {
    /// The text that may be kept; none where it was dropped or blocked.
    pub text: Option<String>,
    /// The strongest action.
    pub decision: Decision,
    /// Version of the policy.
    pub policy_version: u32,
    /// What was done with each finding, without the value.
    pub applied: Vec<Applied>,
}

/// What was done with a finding: for the audit, so without the value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Applied {
    /// What it is.
    pub entity: EntityType,
    /// What exactly.
    pub subtype: Option<String>,
    /// Bytes of the text as it came.
    pub span: Range<usize>,
    /// How sure.
    pub score: f32,
    /// What found it.
    pub recogniser: Recogniser,
    /// What was done.
    pub action: Action,
}

impl Default for Policy {
    /// Every value is masked.
    fn default() -> Self {
        Self { version: 1, default: Action::Mask, rules: Vec::new() }
    }
}

impl Policy {
    /// What is done with this finding on this side.
    pub fn action(&self, finding: &Finding, side: Side) -> Action {
        let fits = |rule: &&PolicyRule| {
            let subtype = finding.subtype.as_deref() == Some(rule.entity.as_str());
            (subtype || finding.entity.label() == rule.entity)
                && rule.side.is_none_or(|only| only == side)
        };
        let specific =
            |rule: &&PolicyRule| (finding.entity.label() != rule.entity, rule.side.is_some());
        self.rules.iter().filter(fits).max_by_key(specific).map_or(self.default, |rule| rule.action)
    }

    /// Everything that is wrong: rules for labels that no recogniser has (`known` says which it
    /// has, subtypes included), two rules for the same, pseudonyms without a key.
    pub fn problems(&self, known: impl Fn(&str) -> bool, has_key: bool) -> Problems {
        let mut problems = Problems(Vec::new());
        let unkeyed = |action: Action| action == Action::Pseudonym && !has_key;
        let no_key = "needs a pseudonym key: add one, or use mask";
        if unkeyed(self.default) {
            problems.add("/default", no_key);
        }
        for (at, rule) in self.rules.iter().enumerate() {
            if !known(&rule.entity) {
                let message =
                    format!("{} is no type: use a label such as EMAIL or ZA_ID", rule.entity);
                problems.add(format!("/rules/{at}/entity"), message);
            }
            let earlier = self.rules.iter().take(at);
            if earlier.clone().any(|r| r.entity == rule.entity && r.side == rule.side) {
                let message = format!("a second rule for {}: remove one", rule.entity);
                problems.add(format!("/rules/{at}"), message);
            }
            if unkeyed(rule.action) {
                problems.add(format!("/rules/{at}/action"), no_key);
            }
        }
        problems
    }
}

/// Does with each finding what the policy says. `findings` are those of `text`, in order and without
/// overlap; others are passed over. Without a key a pseudonym is a mask.
pub fn apply(
    text: &str,
    findings: &[Finding],
    policy: &Policy,
    side: Side,
    keys: Option<&PseudonymKeys>,
) -> Screened {
    let mut kept = String::with_capacity(text.len());
    let mut applied = Vec::with_capacity(findings.len());
    let mut at = 0;
    for finding in findings {
        let Range { start, end } = finding.span;
        let (Some(between), Some(value)) = (text.get(at..start), text.get(start..end)) else {
            continue;
        };
        let action = policy.action(finding, side);
        kept.push_str(between);
        match action {
            Action::Allow | Action::Flag => kept.push_str(value),
            Action::Partial => kept.push_str(&partial(&finding.entity, value)),
            Action::Pseudonym => match keys {
                Some(keys) => kept.push_str(&keys.token(finding, value)),
                None => kept.push_str(&masked(&finding.entity)),
            },
            Action::Mask | Action::Drop | Action::Block => kept.push_str(&masked(&finding.entity)),
        }
        at = end;
        let Finding { entity, subtype, span, score, recogniser } = finding.clone();
        applied.push(Applied { entity, subtype, span, score, recogniser, action });
    }
    kept.push_str(text.get(at..).unwrap_or_default());
    let strongest = applied.iter().map(|applied| applied.action).max().unwrap_or(Action::Allow);
    let (decision, text) = match strongest {
        Action::Allow => (Decision::Allow, Some(kept)),
        Action::Flag => (Decision::Flag, Some(kept)),
        Action::Mask | Action::Partial | Action::Pseudonym => (Decision::Redact, Some(kept)),
        Action::Drop => (Decision::Redact, None),
        Action::Block => (Decision::Block, None),
    };
    Screened { text, decision, policy_version: policy.version, applied }
}

#[cfg(test)]
mod tests;

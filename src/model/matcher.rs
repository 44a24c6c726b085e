//! Matchers of labels, in Alertmanager's notation: `severity="critical"`, `monitor=~"shop-.*"`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// Labels of an alert.
pub type Labels = BTreeMap<String, String>;

/// What is wrong with labels that a user gives to alerts.
pub(in crate::model) fn label_problem(labels: &Labels) -> Option<String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
    };
    let fits = |(name, value): (&String, &String)| {
        is_name(name) && name.len() <= 100 && value.len() <= 200
    };
    (labels.len() > 20 || !labels.iter().all(fits)).then(|| {
        "give at most 20; names are letters, digits, _ - . (100 bytes at most), values at most 200 bytes"
            .to_owned()
    })
}

/// Bytes of a compiled expression, at most.
const REGEX_BYTES: usize = 64 * 1024;

/// One condition on one label. A label that is absent has the value "".
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Matcher {
    label: String,
    operator: Operator,
    value: String,
    regex: Option<Regex>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Matches,
    MatchesNot,
}

/// A text that is no matcher.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// Not of the form.
    #[error("{0:?} is no matcher: write label=\"value\", with =, !=, =~ or !~")]
    Form(String),
    /// Its expression is none, or too large.
    #[error("the expression of {0:?} cannot be used: {1}")]
    Regex(String, String),
}

impl Matcher {
    /// Whether `labels` fulfil it.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        let by_regex = || self.regex.as_ref().is_some_and(|regex| regex.is_match(value));
        match self.operator {
            Operator::Equal => value == self.value,
            Operator::NotEqual => value != self.value,
            Operator::Matches => by_regex(),
            Operator::MatchesNot => !by_regex(),
        }
    }
}

/// Whether `labels` fulfil all of `matchers`.
pub fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels))
}

impl Eq for Matcher {}

impl FromStr for Matcher {
    type Err = MatcherError;

    fn from_str(text: &str) -> Result<Self, MatcherError> {
        let form = || MatcherError::Form(text.chars().take(100).collect());
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let trimmed = text.trim();
        let end = trimmed.find(|c| !is_name(c)).filter(|end| *end > 0).ok_or_else(form)?;
        let (label, rest) = trimmed.split_at(end);
        let rest = rest.trim_start();
        let operators = [
            ("=~", Operator::Matches),
            ("!~", Operator::MatchesNot),
            ("!=", Operator::NotEqual),
            ("=", Operator::Equal),
        ];
        let (sign, operator) =
            operators.into_iter().find(|(sign, _)| rest.starts_with(sign)).ok_or_else(form)?;
        let value = rest[sign.len()..].trim();
        let quoted = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        let value = quoted.unwrap_or(value).to_owned();
        if (quoted.is_none() && value.contains('"')) || value.len() > 500 || label.len() > 200 {
            return Err(form());
        }
        let regex = match operator {
            Operator::Matches | Operator::MatchesNot => Some(compile(text, &value)?),
            Operator::Equal | Operator::NotEqual => None,
        };
        Ok(Self { label: label.to_owned(), operator, value, regex })
    }
}

/// Anchored at both ends, as Alertmanager's are.
fn compile(text: &str, expression: &str) -> Result<Regex, MatcherError> {
    RegexBuilder::new(&format!("^(?:{expression})$"))
        .size_limit(REGEX_BYTES)
        .build()
        .map_err(|error| MatcherError::Regex(text.chars().take(100).collect(), error.to_string()))
}

impl TryFrom<String> for Matcher {
    type Error = MatcherError;

    fn try_from(text: String) -> Result<Self, MatcherError> {
        text.parse()
    }
}

impl From<Matcher> for String {
    fn from(matcher: Matcher) -> Self {
        matcher.to_string()
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.operator {
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Matches => "=~",
            Operator::MatchesNot => "!~",
        };
        write!(f, "{}{sign}\"{}\"", self.label, self.value)
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.label, self.operator, &self.value) == (&other.label, other.operator, &other.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        [("severity", "critical"), ("monitor", "shop-eu")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into()
    }

    #[test]
    fn each_operator_means_what_it_does_in_alertmanager() {
        for (text, wanted) in [
            ("severity=\"critical\"", true),
            ("severity = critical", true),
            ("severity!=\"critical\"", false),
            ("monitor=~\"shop-.*\"", true),
            ("monitor=~\"shop\"", false),
            ("monitor!~\"shop-(eu|us)\"", false),
            ("absent=\"\"", true),
            ("absent=~\".+\"", false),
        ] {
            let matcher: Matcher = text.parse().unwrap();
            assert_eq!(matcher.matches(&labels()), wanted, "{text}");
            assert_eq!(matcher.to_string().parse::<Matcher>().unwrap(), matcher);
        }
    }

    #[test]
    fn what_is_no_matcher_is_refused_with_the_form() {
        for text in ["", "severity", "=x", "a b=c", "a=\"b", "a=~\"(\"", "a=~\"(x{1000}){1000}\""] {
            assert!(text.parse::<Matcher>().is_err(), "{text}");
        }
    }
}

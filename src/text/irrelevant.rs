//! Traffic that is left out of statistics: probes, bots, tests and whatever a user says, each by the
//! name of the rule that left it out, so that it can be counted.

mod greeting;
mod probe;

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::signals::reading::Reading;
use super::signals::{keyboard, placeholder};

/// Names of the rules that are built in.
const BUILT_IN: [&str; 4] = ["health_check", "bot", "test", "greeting"];

/// Rules of a user at most, and values in one.
const MAX_CUSTOM: usize = 50;
const MAX_VALUES: usize = 1_000;
/// Bytes of a name, a pattern and a value.
const MAX_NAME: usize = 64;
const MAX_PATTERN: usize = 1_000;
const MAX_VALUE: usize = 500;
/// Bytes that a pattern may take when compiled, and depth of its groups.
const COMPILED_BYTES: usize = 256 * 1024;
const NESTING: u32 = 50;

/// Which traffic is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Rules {
    /// Probes: "ping", "health check", "are you there".
    pub health_check: bool,
    /// User agents of crawlers and monitors, in the interaction's attributes.
    pub bot: bool,
    /// "test", "testing 123", lorem ipsum, keys hit at random.
    pub test: bool,
    /// Messages that only greet, thank or take leave.
    pub greeting: bool,
    /// Rules of the user's own.
    pub custom: Vec<Custom>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { health_check: true, bot: true, test: true, greeting: false, custom: Vec::new() }
    }
}

/// A rule of the user's own: a pattern for the query, values of an attribute, or both at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custom {
    /// Under which its interactions are counted.
    pub name: String,
    /// A regular expression that is searched in the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The name of an attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// The values of the attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<String>,
}

impl Rules {
    /// Every problem of the rules, as (JSON pointer, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.custom.len() > MAX_CUSTOM {
            problems.push(("/custom".to_owned(), format!("give at most {MAX_CUSTOM} rules")));
        }
        for (i, rule) in self.custom.iter().enumerate() {
            let mut say = |field: &str, detail: String| {
                problems.push((format!("/custom/{i}/{field}"), detail));
            };
            if let Some(detail) = name_problem(&rule.name) {
                say("name", detail);
            } else if BUILT_IN.contains(&rule.name.as_str())
                || self.custom[..i].iter().any(|other| other.name == rule.name)
            {
                say("name", "is taken; give each rule a name of its own".to_owned());
            }
            rule.condition_problems(&mut say);
        }
        problems
    }
}

impl Custom {
    fn condition_problems(&self, say: &mut impl FnMut(&str, String)) {
        if self.query.is_none() && self.attribute.is_none() {
            say("query", "is missing; give a pattern here, or an attribute and one_of".to_owned());
        }
        if let Some(Err(detail)) = self.query.as_deref().map(pattern) {
            say("query", detail);
        }
        if self.attribute.as_deref() == Some("") {
            say("attribute", "is empty; give the name of an attribute".to_owned());
        }
        match (&self.attribute, self.one_of.len()) {
            (Some(_), 0) => say("one_of", "is empty; give the values to look for".to_owned()),
            (None, 1..) => {
                say("attribute", "is missing; say which attribute has these values".to_owned());
            }
            (Some(_), values) if values > MAX_VALUES => {
                say("one_of", format!("give at most {MAX_VALUES} values"));
            }
            _ => {}
        }
        if self.one_of.iter().any(|value| value.len() > MAX_VALUE) {
            say("one_of", format!("give values of at most {MAX_VALUE} bytes"));
        }
    }
}

fn name_problem(name: &str) -> Option<String> {
    let good = !name.is_empty()
        && name.len() <= MAX_NAME
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (!good).then(|| format!("must be 1 to {MAX_NAME} of a-z, 0-9 and _"))
}

/// The pattern, or what is wrong with it.
fn pattern(text: &str) -> Result<Regex, String> {
    if text.is_empty() || text.len() > MAX_PATTERN {
        return Err(format!("must hold 1 to {MAX_PATTERN} bytes"));
    }
    let built = RegexBuilder::new(text).size_limit(COMPILED_BYTES).nest_limit(NESTING).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too large; use fewer or smaller repeats".to_owned(),
        error => {
            // The last line says what is wrong, those before draw where.
            let detail = error.to_string();
            let reason = detail.lines().next_back().unwrap_or_default();
            format!("is no regular expression: {}", reason.trim_start_matches("error: "))
        }
    })
}

/// [`Rules`] ready to be applied.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    rules: Rules,
    /// The pattern of each custom rule.
    patterns: Vec<Option<Regex>>,
}

impl Filter {
    /// The filter of `rules`, or every problem of theirs (see [`Rules::problems`]).
    pub fn new(rules: Rules) -> Result<Self, Vec<(String, String)>> {
        let problems = rules.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let compiled = |rule: &Custom| rule.query.as_deref().and_then(|text| pattern(text).ok());
        let patterns = rules.custom.iter().map(compiled).collect();
        Ok(Self { rules, patterns })
    }

    /// The name of the first rule that leaves this interaction out, if one does: those built in come
    /// before the user's own.
    pub fn excluded(&self, query: &str, attributes: &BTreeMap<String, String>) -> Option<&str> {
        let rules = &self.rules;
        let reading = Reading::new(query);
        if rules.health_check && probe::is_health_check(&reading) {
            return Some("health_check");
        }
        if rules.bot && probe::is_bot(attributes) {
            return Some("bot");
        }
        if rules.test && (placeholder::is_test(&reading) || keyboard::find(&reading).is_some()) {
            return Some("test");
        }
        if rules.greeting && greeting::is_greeting(query) {
            return Some("greeting");
        }
        let mut custom = rules.custom.iter().zip(&self.patterns);
        let found = custom.find(|(rule, pattern)| {
            let query_fits = pattern.as_ref().is_none_or(|pattern| pattern.is_match(query));
            let attribute_fits = rule.attribute.as_ref().is_none_or(|name| {
                attributes.get(name).is_some_and(|value| rule.one_of.contains(value))
            });
            query_fits && attribute_fits
        });
        found.map(|(rule, _)| rule.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(json: &str) -> Rules {
        serde_json::from_str(json).unwrap()
    }

    fn excluded(rules: &Rules, query: &str, attributes: &[(&str, &str)]) -> Option<String> {
        let attributes =
            attributes.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let filter = Filter::new(rules.clone()).unwrap();
        filter.excluded(query, &attributes).map(str::to_owned)
    }

    #[test]
    fn built_in_rules_leave_out_what_they_name() {
        let rules = Rules { greeting: true, ..Rules::default() };
        for (query, rule) in [
            ("ping", Some("health_check")),
            ("Are you there?", Some("health_check")),
            ("testing 1 2 3", Some("test")),
            ("Lorem ipsum dolor sit amet", Some("test")),
            ("asdfgh", Some("test")),
            ("Hi there, good morning!", Some("greeting")),
            ("hi, where is my card", None),
            ("I want a covid test", None),
            ("", None),
        ] {
            assert_eq!(excluded(&rules, query, &[]).as_deref(), rule, "{query}");
        }
        let agent = [("user_agent", "Mozilla/5.0 (compatible; Googlebot/2.1)")];
        assert_eq!(excluded(&rules, "where is my card", &agent).as_deref(), Some("bot"));
    }

    #[test]
    fn rules_can_be_switched_off() {
        let off = rules(r#"{"health_check":false,"bot":false,"test":false}"#);
        for query in ["ping", "test", "hello"] {
            assert_eq!(
                excluded(&off, query, &[("user_agent", "kube-probe/1.30")]),
                None,
                "{query}"
            );
        }
        assert_eq!(excluded(&Rules::default(), "hello", &[]), None, "off by default");
    }

    #[test]
    fn custom_rules_look_at_queries_and_attributes() {
        let rules = rules(
            r#"{"custom":[
                {"name":"tickets","query":"(?i)^ticket \\d+$"},
                {"name":"staff","attribute":"tenant","one_of":["us","qa"]},
                {"name":"demo","query":"demo","attribute":"channel","one_of":["web"]}]}"#,
        );
        let of = |query, attributes: &[_]| excluded(&rules, query, attributes);
        assert_eq!(of("Ticket 12", &[]).as_deref(), Some("tickets"));
        assert_eq!(of("hello", &[("tenant", "qa")]).as_deref(), Some("staff"));
        assert_eq!(of("hello", &[("tenant", "qa2")]), None);
        assert_eq!(of("a demo", &[("channel", "web")]).as_deref(), Some("demo"));
        assert_eq!(of("a demo", &[]), None, "both must hold");
    }

    #[test]
    fn problems_say_where_and_what() {
        let bad = rules(
            r#"{"custom":[
                {"name":"Bad name","query":"(a"},
                {"name":"bot","query":"\\w{900}{900}"},
                {"name":"x","one_of":["a"]},
                {"name":"x","attribute":""},
                {"name":"y","query":""}]}"#,
        );
        let problems = bad.problems();
        let places: Vec<&str> = problems.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(
            places,
            [
                "/custom/0/name",
                "/custom/0/query",
                "/custom/1/name",
                "/custom/1/query",
                "/custom/2/query",
                "/custom/2/attribute",
                "/custom/3/name",
                "/custom/3/attribute",
                "/custom/3/one_of",
                "/custom/4/query",
            ]
        );
        assert_eq!(problems[1].1, "is no regular expression: unclosed group");
        assert!(problems[3].1.starts_with("is too large"), "{}", problems[3].1);
        assert_eq!(Filter::new(bad).unwrap_err(), problems);
        let many = Rules { custom: vec![Custom::default(); 51], ..Rules::default() };
        assert_eq!(many.problems()[0].0, "/custom");
    }

    #[test]
    fn settings_are_read_back_and_unknown_ones_refused() {
        let given = rules(r#"{"greeting":true,"custom":[{"name":"a","query":"b"}]}"#);
        let json = serde_json::to_string(&given).unwrap();
        assert_eq!(rules(&json), given);
        assert_eq!(rules("{}"), Rules::default());
        assert!(serde_json::from_str::<Rules>(r#"{"bots":true}"#).is_err());
        assert!(serde_json::from_str::<Rules>(r#"{"custom":[{"name":"a","when":1}]}"#).is_err());
    }

    proptest! {
        #[test]
        fn any_text_can_be_judged(query in any::<String>(), agent in any::<String>()) {
            let rules = Rules { greeting: true, ..Rules::default() };
            let name = excluded(&rules, &query, &[("user-agent", &agent)]);
            prop_assert!(name.is_none_or(|name| BUILT_IN.contains(&name.as_str())));
        }

        #[test]
        fn any_pattern_is_taken_or_refused(text in any::<String>()) {
            let custom = Custom { name: "a".into(), query: Some(text), ..Custom::default() };
            let rules = Rules { custom: vec![custom], ..Rules::default() };
            prop_assert_eq!(Filter::new(rules.clone()).is_ok(), rules.problems().is_empty());
        }
    }
}

//! Texts as they come become texts that are embedded: looked at, cleaned, or left out of statistics.
//!
//! Pure: the daemon, `replay` and `POST /v1/clean` all run this code. Before it, and before anything
//! is stored, [`guard`] deals with personal data.

pub mod guard;

use std::borrow::Cow;

use crate::model::interaction::Attributes;
use crate::model::preparation::{Cleaning, Expected, Preparation};
use crate::model::signals::Signals;
use crate::text::clean::{Boilerplate, Change, Cleaner, VERSION};
use crate::text::irrelevant::Filter;
use crate::text::signals::Flag;

/// Prepares the texts of one project.
#[derive(Debug)]
pub struct Preparer {
    cleaner: Cleaner,
    filter: Filter,
    keep_original: bool,
    expected: Expected,
}

/// An interaction's texts, prepared.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The query to embed.
    pub query: String,
    /// The response to embed.
    pub response: Option<String>,
    /// What was seen of the texts as they came.
    pub signals: Signals,
    /// The rule that leaves the interaction out of statistics.
    pub excluded: Option<String>,
    /// What cleaning changed; `None` where it changed nothing.
    pub cleaning: Option<Cleaning>,
    /// The texts as they came, where they are to be kept beside the cleaned ones.
    pub original: Option<(String, Option<String>)>,
}

impl Preparer {
    /// Prepares as `settings` say; `boilerplate` are lines learned from a reference. The errors are
    /// those of [`Preparation::problems`].
    pub fn new(
        settings: &Preparation,
        boilerplate: Boilerplate,
    ) -> Result<Self, Vec<(String, String)>> {
        let filter = Filter::new(settings.exclude.clone())?;
        let cleaner = Cleaner::new(settings.clean, boilerplate);
        let expected = settings.expect.clone();
        Ok(Self { cleaner, filter, keep_original: settings.keep_original, expected })
    }

    /// Prepares as the default settings say.
    pub fn standard(boilerplate: Boilerplate) -> Self {
        let Preparation { clean, keep_original, expect, .. } = Preparation::default();
        let cleaner = Cleaner::new(clean, boilerplate);
        Self { cleaner, filter: Filter::default(), keep_original, expected: expect }
    }

    /// Prepares a query and its response. O(characters).
    pub fn prepare(
        &self,
        query: &str,
        response: Option<&str>,
        attributes: &Attributes,
    ) -> Prepared {
        let mut signals = Signals::of(query, response);
        if let Some(seen) = &mut signals.query
            && !self.expected.are_met(response, attributes)
        {
            seen.flags.insert(Flag::Incomplete);
        }
        let excluded = self.filter.excluded(query, attributes).map(str::to_owned);
        let (clean_query, query_changes) = self.clean(query);
        let (clean_response, response_changes) = match response.map(|text| self.clean(text)) {
            Some((text, changes)) => (Some(text), changes),
            None => (None, Vec::new()),
        };
        let is_changed = !(query_changes.is_empty() && response_changes.is_empty());
        let original = (is_changed && self.keep_original)
            .then(|| (query.to_owned(), response.map(str::to_owned)));
        let cleaning = is_changed.then_some(Cleaning {
            version: VERSION,
            query: query_changes,
            response: response_changes,
        });
        Prepared {
            query: clean_query.into_owned(),
            response: clean_response.map(Cow::into_owned),
            signals,
            excluded,
            cleaning,
            original,
        }
    }

    fn clean<'a>(&self, text: &'a str) -> (Cow<'a, str>, Vec<Change>) {
        let cleaned = self.cleaner.clean(text);
        (cleaned.text, cleaned.changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preparer(settings: &Preparation) -> Preparer {
        Preparer::new(settings, Boilerplate::default()).unwrap()
    }

    #[test]
    fn what_is_cleaned_is_told_and_signals_are_of_the_text_as_it_came() {
        let settings = Preparation { keep_original: true, ..Preparation::default() };
        let query = "Where is my  cafÃ© order?\u{200b}";
        let prepared = preparer(&settings).prepare(query, Some("On its way."), &Attributes::new());
        assert_eq!(prepared.query, "Where is my café order?");
        assert_eq!(prepared.original, Some((query.to_owned(), Some("On its way.".to_owned()))));
        let cleaning = prepared.cleaning.unwrap();
        assert!(cleaning.query.len() >= 2 && cleaning.response.is_empty());
        let flags: Vec<&str> =
            prepared.signals.query.unwrap().flags.iter().map(Flag::as_str).collect();
        assert!(flags.contains(&"encoding"), "{flags:?}");
    }

    #[test]
    fn clean_texts_pass_as_they_are() {
        let prepared =
            preparer(&Preparation::default()).prepare("Hello?", None, &Attributes::new());
        assert_eq!(
            (prepared.query.as_str(), prepared.cleaning, prepared.original),
            ("Hello?", None, None)
        );
    }

    #[test]
    fn probes_are_left_out_by_the_name_of_their_rule() {
        let excluded = |settings: &Preparation| {
            preparer(settings).prepare("health check", None, &Attributes::new()).excluded
        };
        assert_eq!(excluded(&Preparation::default()).as_deref(), Some("health_check"));
        let mut off = Preparation::default();
        off.exclude.health_check = false;
        assert_eq!(excluded(&off), None);
    }

    #[test]
    fn a_record_without_what_is_expected_is_incomplete() {
        let settings = r#"{"expect": {"response": true, "attributes": ["channel"]}}"#;
        let preparer = preparer(&serde_json::from_str(settings).unwrap());
        let is_incomplete = |response: Option<&str>, channel: Option<&str>| {
            let channel = channel.map(|value| ("channel".to_owned(), value.to_owned()));
            let prepared = preparer.prepare("Hello?", response, &channel.into_iter().collect());
            prepared.signals.query.unwrap().flags.contains(Flag::Incomplete)
        };
        assert!(!is_incomplete(Some("Yes."), Some("web")));
        for (response, channel) in [
            (None, Some("web")),
            (Some(" \u{200b}"), Some("web")),
            (Some("Yes."), None),
            (Some("Yes."), Some(" ")),
        ] {
            assert!(is_incomplete(response, channel), "{response:?} {channel:?}");
        }
    }

    #[test]
    fn what_cannot_be_expected_is_named_by_its_place() {
        let names: Vec<String> = (0..17).map(|i| format!("a{i}")).collect();
        let settings = serde_json::json!({"expect": {"attributes": names}});
        let settings: Preparation = serde_json::from_value(settings).unwrap();
        assert_eq!(settings.problems()[0].0, "/expect/attributes");
        let settings: Preparation =
            serde_json::from_str(r#"{"expect": {"attributes": ["a", " "]}}"#).unwrap();
        assert_eq!(settings.problems()[0].0, "/expect/attributes/1");
    }

    #[test]
    fn a_bad_pattern_is_named_by_its_place() {
        let settings: Preparation =
            serde_json::from_str(r#"{"exclude": {"custom": [{"name": "x", "query": "("}]}}"#)
                .unwrap();
        assert!(settings.problems()[0].0.starts_with("/exclude/custom/0"));
    }
}

//! Texts as they come become texts that are embedded: looked at, cleaned, or left out of statistics.
//!
//! Pure: the daemon, `replay` and `POST /v1/clean` all run this code. Before it, and before anything
//! is stored, [`guard`] deals with personal data.

pub mod guard;
mod learned;

use std::borrow::Cow;

pub use self::learned::Learned;
use crate::model::interaction::Attributes;
use crate::model::preparation::{Cleaning, Expected, Preparation};
use crate::model::signals::Signals;
use crate::text::clean::{Boilerplate, Change, Cleaner, VERSION};
use crate::text::irrelevant::Filter;
use crate::text::repair::{Repair, Repairer};
use crate::text::signals::Flag;

/// Prepares the texts of one project.
#[derive(Debug)]
pub struct Preparer {
    cleaner: Cleaner,
    filter: Filter,
    keep_original: bool,
    expected: Expected,
    repairer: Option<Repairer>,
}

/// An interaction's texts, prepared.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The query to store, and to embed where it is not repaired.
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
    /// The query to embed in its place, where slips were repaired; never stored.
    pub repaired: Option<Repaired>,
}

/// A query with its slips repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// What is embedded.
    pub query: String,
    /// The words that changed, with their places in the cleaned query.
    pub repairs: Vec<Repair>,
}

impl Prepared {
    /// The query to embed.
    pub fn query_to_embed(&self) -> &str {
        self.repaired.as_ref().map_or(&self.query, |repaired| &repaired.query)
    }
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
        Ok(Self {
            cleaner,
            filter,
            keep_original: settings.keep_original,
            expected,
            repairer: None,
        })
    }

    /// Repairs slips in queries, too; `None` repairs nothing.
    #[must_use]
    pub fn repairing(self, repairer: Option<Repairer>) -> Self {
        Self { repairer, ..self }
    }

    /// Prepares as the default settings say.
    pub fn standard(boilerplate: Boilerplate) -> Self {
        let Preparation { clean, keep_original, expect: expected, .. } = Preparation::default();
        let cleaner = Cleaner::new(clean, boilerplate);
        Self { cleaner, filter: Filter::default(), keep_original, expected, repairer: None }
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
        let repaired = self.repair(&clean_query);
        Prepared {
            query: clean_query.into_owned(),
            response: clean_response.map(Cow::into_owned),
            signals,
            excluded,
            cleaning,
            original,
            repaired,
        }
    }

    fn repair(&self, query: &str) -> Option<Repaired> {
        let (text, repairs) = self.repairer.as_ref()?.repair(query);
        (!repairs.is_empty()).then(|| Repaired { query: text.into_owned(), repairs })
    }

    fn clean<'a>(&self, text: &'a str) -> (Cow<'a, str>, Vec<Change>) {
        let cleaned = self.cleaner.clean(text);
        (cleaned.text, cleaned.changes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::text::repair::Vocabulary;

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
    fn repaired_is_what_is_embedded_and_nothing_else() {
        let texts = ["Where is my order?", "Cancel my order now.", "My order is late."];
        let vocabulary = Vocabulary::learn(texts, |_| true);
        let repairer = Repairer::new(&vocabulary, Arc::new(|word| word != "ordre"));
        let preparer = preparer(&Preparation::default()).repairing(repairer);
        let prepared = preparer.prepare("My  ordre!", Some("Your ordre."), &Attributes::new());
        assert_eq!(
            (prepared.query.as_str(), prepared.query_to_embed()),
            ("My ordre!", "My order!")
        );
        assert_eq!(prepared.response.as_deref(), Some("Your ordre."));
        assert_eq!(prepared.signals, Signals::of("My  ordre!", Some("Your ordre.")));
        assert_eq!(prepared.repaired.unwrap().repairs[0].word, "order");
        let fine = preparer.prepare("My order!", None, &Attributes::new());
        assert_eq!((fine.query_to_embed(), &fine.repaired), ("My order!", &None));
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
    fn a_stretch_in_another_language_is_a_signal_of_its_text() {
        let english = "I would like to know when the shop opens today please";
        let both = format!("{english} lakini sijui kama wataniruhusu kuingia bila kitambulisho");
        let has_switched = |text: &str| {
            let prepared =
                preparer(&Preparation::default()).prepare(text, None, &Attributes::new());
            prepared.signals.query.unwrap().flags.contains(Flag::CodeSwitching)
        };
        assert!(has_switched(&both) && !has_switched(english));
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

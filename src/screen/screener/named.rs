//! What a model of names found, fitted in between what the rules found.

use std::ops::Range;

use super::super::names::{NameFinder, Named};
use super::{Candidate, Context, Folded, Judged, Outcome, Recogniser, Screener, placeholders};

/// What stands as the check of a text that the model could not read.
const FAILED: &str = "the model failed";

impl Screener {
    /// Adds the names that `finder` finds to what became of the rules' candidates.
    ///
    /// What a rule found stays, since its form says more than a guess; of a name that a rule and the
    /// model read alike the longer reading stays; what is left of the model's spans is found.
    pub(super) fn add_names<'v>(
        &'v self,
        finder: &dyn NameFinder,
        folded: &Folded<'_>,
        original: &str,
        judged: &mut Vec<Judged<'v>>,
    ) {
        let text = folded.text();
        let least = finder.threshold().max(self.settings.minimum_score);
        let named: Vec<(Candidate<'v>, Option<Outcome>)> = self
            .named(finder, text)
            .into_iter()
            .map(|candidate| {
                let outcome = self.outcome(&candidate, folded, least);
                (candidate, outcome)
            })
            .collect();
        for rule in judged.iter_mut().filter(|rule| rule.outcome == Outcome::Found) {
            let longer = |(name, outcome): &(Candidate<'_>, Option<Outcome>)| {
                outcome.is_none() && is_part(&rule.candidate, name)
            };
            if named.iter().any(longer) {
                rule.outcome = Outcome::Overlapped;
            }
        }
        let taken = taken(judged, folded, original);
        for (candidate, outcome) in named {
            let mut add = |span, outcome| {
                let candidate = Candidate { span, ..candidate.clone() };
                let recogniser = Recogniser::NamesModel;
                judged.push(Judged { candidate, outcome, recogniser });
            };
            match (outcome, cut(&candidate.span, &taken, text)) {
                (Some(outcome), _) => add(candidate.span.clone(), outcome),
                (None, parts) if parts.is_empty() => {
                    add(candidate.span.clone(), Outcome::Overlapped);
                }
                (None, parts) => parts.into_iter().for_each(|part| add(part, Outcome::Found)),
            }
        }
    }

    /// The model's candidates: in order, none within another.
    fn named<'v>(&self, finder: &dyn NameFinder, text: &str) -> Vec<Candidate<'v>> {
        let wanted = finder.entities().iter().find(|entity| !self.settings.off.contains(entity));
        let (mut found, check) = match (finder.find(text), wanted) {
            (Some(found), _) => (found, None),
            (None, Some(entity)) => {
                let whole = Named { entity: entity.clone(), span: 0..text.len(), score: 1.0 };
                (vec![whole], Some(FAILED))
            }
            (None, None) => (Vec::new(), None),
        };
        found.sort_by_key(|name| (name.span.start, std::cmp::Reverse(name.span.end)));
        let mut end = 0;
        found.retain_mut(|name| {
            name.span.start = name.span.start.max(end);
            let fits = text.get(name.span.clone()).is_some_and(|value| !value.is_empty());
            end = if fits { name.span.end } else { end };
            fits
        });
        let candidate = |Named { entity, span, score }| Candidate {
            entity,
            subtype: None,
            span,
            base: score,
            score,
            check,
            context: Context::Silent,
        };
        found.into_iter().map(candidate).collect()
    }
}

/// Whether the rule's candidate is a shorter reading of the model's.
fn is_part(rule: &Candidate<'_>, name: &Candidate<'_>) -> bool {
    rule.entity == name.entity
        && rule.span != name.span
        && name.span.start <= rule.span.start
        && rule.span.end <= name.span.end
}

/// What of the folded text is not for names, in order: findings and placeholders.
fn taken(judged: &[Judged<'_>], folded: &Folded<'_>, original: &str) -> Vec<Range<usize>> {
    let found = judged.iter().filter(|judged| judged.outcome == Outcome::Found);
    let mut taken: Vec<Range<usize>> = found.map(|found| found.candidate.span.clone()).collect();
    // One that is a placeholder only once it is folded was written by somebody else.
    let is_ours = |span: &Range<usize>| {
        original.get(folded.original(span)) == folded.text().get(span.clone())
    };
    taken.extend(placeholders(folded.text()).into_iter().filter(is_ours));
    taken.sort_by_key(|span| span.start);
    taken
}

/// The parts of `span` outside of `taken` that hold a letter or digit, without blanks around them.
fn cut(span: &Range<usize>, taken: &[Range<usize>], text: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut from = span.start;
    let ends = std::iter::once(span.end..span.end);
    let within = taken.iter().filter(|t| t.start < span.end && t.end > span.start).cloned();
    for Range { start, end } in within.chain(ends) {
        let part = text.get(from..start.max(from)).unwrap_or_default();
        if part.contains(char::is_alphanumeric) {
            let head = from + part.len() - part.trim_start().len();
            parts.push(head..head + part.trim().len());
        }
        from = end.max(from);
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::screen::{EntityType, Finding, Settings};

    /// Finds these words, with these scores, or fails.
    #[derive(Debug)]
    struct Words(Option<Vec<(&'static str, f32)>>);

    impl NameFinder for Words {
        fn find(&self, text: &str) -> Option<Vec<Named>> {
            let named = |(word, score): &(&str, f32)| {
                let start = text.find(word)?;
                let span = start..start + word.len();
                Some(Named { entity: EntityType::Person, span, score: *score })
            };
            Some(self.0.as_ref()?.iter().filter_map(named).collect())
        }

        fn entities(&self) -> &[EntityType] {
            &[EntityType::Person]
        }

        fn threshold(&self) -> f32 {
            0.8
        }

        fn digest(&self) -> &'static str {
            "words"
        }
    }

    fn screener(words: Option<&[(&'static str, f32)]>, settings: Settings) -> Screener {
        let finder = Words(words.map(<[_]>::to_vec));
        let settings = Settings { names: true, ..settings };
        Screener::with_names(&settings, Some(Arc::new(finder))).unwrap()
    }

    fn told(text: &str, findings: &[Finding]) -> Vec<(String, String, Recogniser)> {
        let tell = |f: &Finding| {
            let value = text.get(f.span.clone()).unwrap().to_owned();
            (f.entity.to_string(), value, f.recogniser)
        };
        findings.iter().map(tell).collect()
    }

    #[test]
    fn what_rules_found_is_cut_out_of_names() {
        let text = "Write Thandi thandi@example.com Mokoena today";
        let name = "Thandi thandi@example.com Mokoena";
        let found = screener(Some(&[(name, 0.99)]), Settings::default()).find(text);
        let expected = [
            ("PERSON", "Thandi", Recogniser::NamesModel),
            ("EMAIL", "thandi@example.com", Recogniser::Rules),
            ("PERSON", "Mokoena", Recogniser::NamesModel),
        ];
        let expected = expected.map(|(e, v, r)| (e.to_owned(), v.to_owned(), r));
        assert_eq!(told(text, &found), expected);
    }

    #[test]
    fn of_two_readings_of_a_name_the_longer_stays() {
        let text = "My name is Thandi Mokoena of Soweto";
        let settings = Settings::default;
        let longer = screener(Some(&[("Thandi Mokoena of Soweto", 0.9)]), settings());
        let told_of = told(text, &longer.find(text));
        let model = ("PERSON".to_owned(), "Thandi Mokoena of Soweto".to_owned());
        assert_eq!(told_of, [(model.0, model.1, Recogniser::NamesModel)]);
        let shorter = screener(Some(&[("Thandi", 0.9)]), settings());
        let told_of = told(text, &shorter.find(text));
        let rule = ("PERSON".to_owned(), "Thandi Mokoena".to_owned());
        assert_eq!(told_of, [(rule.0, rule.1, Recogniser::Rules)]);
        let outcomes: Vec<(Recogniser, Outcome)> =
            shorter.explain(text).iter().map(|e| (e.finding.recogniser, e.outcome)).collect();
        let expected =
            [(Recogniser::Rules, Outcome::Found), (Recogniser::NamesModel, Outcome::Overlapped)];
        assert_eq!(outcomes, expected);
    }

    #[test]
    fn scores_below_the_threshold_are_explained_and_not_found() {
        let text = "ask Thandi or Sipho or Lerato";
        let words = [("Thandi", 0.81), ("Sipho", 0.79), ("Lerato", 0.99)];
        let with = |settings| screener(Some(&words), settings);
        let values = |screener: &Screener| -> Vec<String> {
            told(text, &screener.find(text)).into_iter().map(|(_, value, _)| value).collect()
        };
        assert_eq!(values(&with(Settings::default())), ["Thandi", "Lerato"]);
        let strict = Settings { minimum_score: 0.9, ..Settings::default() };
        assert_eq!(values(&with(strict)), ["Lerato"]);
        let allowed = Settings { allow: vec!["thandi".to_owned()], ..Settings::default() };
        assert_eq!(values(&with(allowed)), ["Lerato"]);
        let off = Settings { off: vec![EntityType::Person], ..Settings::default() };
        assert!(!with(off).reads_names());
        let explained = with(Settings::default()).explain(text);
        assert_eq!(explained[1].outcome, Outcome::BelowMinimum);
    }

    #[test]
    fn names_are_the_projects_choice() {
        let finder = Arc::new(Words(Some(vec![("Thandi", 0.99)])));
        let screener = Screener::with_names(&Settings::default(), Some(finder)).unwrap();
        assert!(!screener.reads_names() && screener.find("ask Thandi").is_empty());
    }

    #[test]
    fn a_text_that_the_model_cannot_read_is_taken_for_names() {
        let text = "call a@example.com or Sipho, <PHONE>";
        let screener = screener(None, Settings::default());
        let values: Vec<(String, String)> =
            told(text, &screener.find(text)).into_iter().map(|(e, v, _)| (e, v)).collect();
        let expected = [("PERSON", "call"), ("EMAIL", "a@example.com"), ("PERSON", "or Sipho,")];
        assert_eq!(values, expected.map(|(e, v)| (e.to_owned(), v.to_owned())));
        assert!(screener.explain(text).iter().any(|e| e.check == Some(FAILED)));
    }

    #[test]
    fn placeholders_stay_and_spans_are_of_the_text_as_it_came() {
        let text = "Grüße, <PERSON> Tha\u{200b}ndi";
        let found = screener(Some(&[("PERSON> Thandi", 0.9)]), Settings::default()).find(text);
        let values: Vec<String> = told(text, &found).into_iter().map(|(_, v, _)| v).collect();
        assert_eq!(values, ["Tha\u{200b}ndi"]);
        assert_eq!(found[0].code_points(text), 16..23);
    }
}

//! All recognisers together: candidates, their scores, and which of them are findings.

use std::ops::Range;

use regex::Regex;
use serde::Serialize;

use super::address::ADDRESSES;
use super::context::{Context, Surroundings, Topic, Vocabulary};
use super::email::emails;
use super::entity::EntityType;
use super::finance::FINANCE;
use super::fold::Folded;
use super::identifiers::{AFRICA, OVERSEAS};
use super::network::NETWORKS;
use super::overlap;
use super::papers::{DATES_IN_WORDS, PAPERS};
use super::person::PERSONS;
use super::phone::Plans;
use super::placeholder::{placeholders, touches};
use super::rule::{Candidate, Rule, Rules, each_match, scored};
use super::secret::{LONE, Secrets};
use super::settings::{CustomRecogniser, Problems, Settings, allowed_form};

/// Recognisers of numbers and other signs, in ASCII.
const TABLES: &[&[Rule]] = &[AFRICA, OVERSEAS, FINANCE, NETWORKS, PAPERS, LONE];
/// Recognisers of words, in Unicode.
const WRITTEN: &[&[Rule]] = &[ADDRESSES, DATES_IN_WORDS];
/// What speaks for a telephone number; money is sent to them.
const PHONE: &[Topic] = &[Topic::Phone, Topic::MobileMoney];
/// What every spelt-out e-mail address holds one of.
const SPELT_AT: &[&str] = &[" at ", " AT ", "[", "(", "{", "<", "arroba", "arobase"];

/// Recognisers of personal data and secrets, compiled for one project.
#[derive(Debug)]
pub struct Screener {
    settings: Settings,
    vocabulary: Vocabulary,
    numbers: Rules,
    written: Rules,
    plans: Plans,
    secrets: Secrets,
    custom: Vec<Regex>,
    allow: Vec<String>,
}

/// A value that is personal or secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What it is.
    pub entity: EntityType,
    /// What exactly, where known: `ZA_ID`, a telephone number's region, a token's provider.
    pub subtype: Option<String>,
    /// Bytes of the text.
    pub span: Range<usize>,
    /// How sure, from 0 to 1: an order, not a probability.
    pub score: f32,
}

impl Finding {
    /// The span in Unicode code points instead of bytes.
    pub fn code_points(&self, text: &str) -> Range<usize> {
        let count = |to: usize| text.char_indices().take_while(|(at, _)| *at < to).count();
        count(self.span.start)..count(self.span.end)
    }
}

/// A candidate with the reasons for its score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// The candidate as it would be found.
    pub finding: Finding,
    /// Score by its form alone.
    pub base: f32,
    /// The check that it passed.
    pub check: Option<&'static str>,
    /// The word near it that changed the score.
    pub word: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is a finding.
    Found,
    /// Its score is too low.
    BelowMinimum,
    /// A better candidate has the same characters.
    Overlapped,
    /// Its type is switched off or its value allowed.
    Allowed,
}

impl Screener {
    /// Compiles the recognisers; some milliseconds.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn new(settings: &Settings) -> Result<Self, Problems> {
        let problems = settings.problems();
        if !problems.0.is_empty() {
            return Err(problems);
        }
        Self::build(settings).map_err(|message| {
            let mut problems = Problems(Vec::new());
            problems.add("", message);
            problems
        })
    }

    fn build(settings: &Settings) -> Result<Self, String> {
        let words = settings.custom.iter().enumerate();
        let words: Vec<(Topic, Vec<String>)> =
            words.map(|(at, custom)| (Topic::Custom(at as u16), custom.context.clone())).collect();
        let mut written = WRITTEN.to_vec();
        if settings.names {
            written.push(PERSONS);
        }
        let compiled = |error: regex::Error| error.to_string();
        Ok(Self {
            vocabulary: Vocabulary::new(&words).map_err(|error| error.to_string())?,
            numbers: Rules::new(TABLES, &settings.regions, false).map_err(compiled)?,
            written: Rules::new(&written, &settings.regions, true).map_err(compiled)?,
            plans: Plans::new(&settings.regions),
            secrets: Secrets::new().map_err(|error| error.to_string())?,
            custom: settings
                .custom
                .iter()
                .map(CustomRecogniser::compile)
                .collect::<Result<_, _>>()?,
            allow: settings.allow.iter().map(|value| allowed_form(value)).collect(),
            settings: settings.clone(),
        })
    }

    /// Whether findings can bear this label, as a type or as a subtype such as `ZA_ID`.
    pub fn knows(&self, label: &str) -> bool {
        let custom = self.settings.custom.iter().any(|custom| custom.name == label);
        let mut rules = [TABLES.concat(), WRITTEN.concat()].concat().into_iter();
        custom
            || EntityType::built_in().any(|entity| entity.label() == label)
            || (!label.is_empty() && rules.any(|rule| rule.subtype == label))
            || Secrets::knows(label)
    }

    /// The findings, in order and without overlap.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let (folded, vocabulary) = (Folded::new(text), &self.vocabulary);
        let near = Surroundings::new(vocabulary, text);
        let mut candidates = self.candidates(&folded, text, &near);
        candidates.retain(|candidate| self.outcome(candidate, &folded).is_none());
        let stays = overlap::resolve(&candidates, |c| c.span.clone(), |c| c.score);
        let found = candidates.into_iter().zip(stays).filter(|(_, stays)| *stays);
        let mut found: Vec<Finding> =
            found.map(|(candidate, _)| finding(candidate, &folded)).collect();
        found.sort_by_key(|finding| finding.span.start);
        found
    }

    /// Every candidate, found or not, with the reasons, in order.
    pub fn explain(&self, text: &str) -> Vec<Explained> {
        let folded = Folded::new(text);
        let near = Surroundings::new(&self.vocabulary, text);
        let candidates = self.candidates(&folded, text, &near);
        let outcomes: Vec<Option<Outcome>> =
            candidates.iter().map(|candidate| self.outcome(candidate, &folded)).collect();
        let eligible: Vec<&Candidate<'_>> = candidates
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| outcome.is_none())
            .map(|(candidate, _)| candidate)
            .collect();
        let stays = overlap::resolve(&eligible, |c| c.span.clone(), |c| c.score);
        let mut stays = stays.into_iter();
        let mut explained: Vec<Explained> = candidates
            .iter()
            .zip(outcomes)
            .map(|(candidate, outcome)| {
                let outcome = outcome.unwrap_or_else(|| match stays.next() {
                    Some(true) => Outcome::Found,
                    _ => Outcome::Overlapped,
                });
                explained(candidate, outcome, &folded)
            })
            .collect();
        explained.sort_by_key(|e| (e.finding.span.start, e.outcome != Outcome::Found));
        explained
    }

    fn candidates<'v>(
        &'v self,
        folded: &Folded<'_>,
        original: &str,
        near: &Surroundings<'v, '_>,
    ) -> Vec<Candidate<'v>> {
        let text = folded.text();
        let mut found = Vec::new();
        let digits = text.bytes().any(|byte| byte.is_ascii_digit());
        // Of the patterns for numbers only a spelt-out e-mail address has no digit.
        if digits || SPELT_AT.iter().any(|sign| text.contains(sign)) {
            self.numbers.find(folded, near, &mut found);
        }
        if digits {
            self.find_phones(folded, near, &mut found);
        }
        if digits || self.settings.names {
            self.written.find(folded, near, &mut found);
        }
        let sure = |entity, subtype: &str, span, score, check| Candidate {
            entity,
            subtype: (!subtype.is_empty()).then(|| subtype.to_owned()),
            span,
            base: score,
            score,
            check,
            context: Context::Silent,
        };
        found.extend(
            emails(text).into_iter().map(|span| sure(EntityType::Email, "", span, 0.9, None)),
        );
        found.extend(self.secrets.find(text).into_iter().map(|secret| {
            let entity = EntityType::of_label(secret.entity);
            sure(entity, secret.subtype, secret.span, secret.score, Some(secret.check))
        }));
        self.find_custom(folded, near, &mut found);
        let opaque = placeholders(original);
        if !opaque.is_empty() {
            found.retain(|candidate| !touches(&opaque, &folded.original(&candidate.span)));
        }
        found
    }

    fn find_phones<'v>(
        &self,
        folded: &Folded<'_>,
        near: &Surroundings<'v, '_>,
        found: &mut Vec<Candidate<'v>>,
    ) {
        for phone in self.plans.find(folded.text()) {
            let context = near.of(&folded.original(&phone.span), PHONE);
            let (entity, check) = (EntityType::Phone, Some("numbering plan"));
            let (base, span, subtype) = (phone.base, phone.span, phone.region);
            let score = scored(base, context);
            found.push(Candidate { entity, subtype, span, base, score, check, context });
        }
    }

    fn find_custom<'v>(
        &self,
        folded: &Folded<'_>,
        near: &Surroundings<'v, '_>,
        found: &mut Vec<Candidate<'v>>,
    ) {
        let text = folded.text();
        for (at, (settings, pattern)) in self.settings.custom.iter().zip(&self.custom).enumerate() {
            if settings.keyword.as_ref().is_some_and(|keyword| !text.contains(keyword.as_str())) {
                continue;
            }
            each_match(pattern, text, |span| {
                let context = near.of(&folded.original(&span), &[Topic::Custom(at as u16)]);
                let score = match context {
                    Context::Own(_) => scored(settings.score, context),
                    _ => settings.score,
                };
                let (entity, subtype) = (EntityType::Custom(settings.name.clone()), None);
                let (base, check) = (settings.score, None);
                found.push(Candidate { entity, subtype, span, base, score, check, context });
                true
            });
        }
    }

    /// Why a candidate is none, before overlaps are looked at.
    fn outcome(&self, candidate: &Candidate<'_>, folded: &Folded<'_>) -> Option<Outcome> {
        let allowed = || {
            let value = folded.text().get(candidate.span.clone()).unwrap_or_default();
            !self.allow.is_empty() && self.allow.contains(&allowed_form(value))
        };
        if candidate.score < self.settings.minimum_score {
            Some(Outcome::BelowMinimum)
        } else if self.settings.off.contains(&candidate.entity) || allowed() {
            Some(Outcome::Allowed)
        } else {
            None
        }
    }
}

fn finding(candidate: Candidate<'_>, folded: &Folded<'_>) -> Finding {
    let Candidate { entity, subtype, span, score, .. } = candidate;
    Finding { entity, subtype, span: folded.original(&span), score }
}

fn explained(candidate: &Candidate<'_>, outcome: Outcome, folded: &Folded<'_>) -> Explained {
    let word = match candidate.context {
        Context::Silent => None,
        Context::Own(word) | Context::Other(word) | Context::Impersonal(word) => {
            Some(word.to_owned())
        }
    };
    let (base, check) = (candidate.base, candidate.check);
    Explained { finding: finding(candidate.clone(), folded), base, check, word, outcome }
}

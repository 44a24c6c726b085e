//! All recognisers together: candidates, their scores, and which of them are findings.

mod named;

use std::ops::Range;
use std::sync::Arc;

use regex::Regex;
use serde::Serialize;

use super::address::ADDRESSES;
use super::context::{Context, Surroundings, Topic, Vocabulary};
use super::email::emails;
use super::entity::EntityType;
use super::finance::FINANCE;
use super::fold::Folded;
use super::identifiers::{AFRICA, OVERSEAS};
use super::names::NameFinder;
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
    names: Option<Arc<dyn NameFinder>>,
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
    /// What found it.
    pub recogniser: Recogniser,
}

/// What finds values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recogniser {
    /// Forms, checks and words near a value.
    Rules,
    /// The model of names that is plugged in.
    NamesModel,
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

/// A candidate and what became of it.
struct Judged<'v> {
    candidate: Candidate<'v>,
    outcome: Outcome,
    recogniser: Recogniser,
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
        Self::with_names(settings, None)
    }

    /// The same with a model of names, which is asked where the settings say `names`.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn with_names(
        settings: &Settings,
        names: Option<Arc<dyn NameFinder>>,
    ) -> Result<Self, Problems> {
        let problems = settings.problems();
        if !problems.0.is_empty() {
            return Err(problems);
        }
        Self::build(settings, names).map_err(|message| {
            let mut problems = Problems(Vec::new());
            problems.add("", message);
            problems
        })
    }

    fn build(settings: &Settings, names: Option<Arc<dyn NameFinder>>) -> Result<Self, String> {
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
            names,
        })
    }

    /// Whether a model reads each text, which takes far longer than the rules.
    pub fn reads_names(&self) -> bool {
        self.finder().is_some()
    }

    /// The model of names, where the settings want what it finds.
    fn finder(&self) -> Option<&dyn NameFinder> {
        let is_wanted = |finder: &&dyn NameFinder| {
            let mut entities = finder.entities().iter();
            self.settings.names && entities.any(|entity| !self.settings.off.contains(entity))
        };
        self.names.as_deref().filter(is_wanted)
    }

    /// Whether findings can bear this label, as a type or as a subtype such as `ZA_ID`.
    pub fn knows(&self, label: &str) -> bool {
        let custom = self.settings.custom.iter().any(|custom| custom.name == label);
        let mut rules = [TABLES.concat(), WRITTEN.concat()].concat().into_iter();
        let mut named = self.names.iter().flat_map(|finder| finder.entities());
        custom
            || named.any(|entity| entity.label() == label)
            || EntityType::built_in().any(|entity| entity.label() == label)
            || (!label.is_empty() && rules.any(|rule| rule.subtype == label))
            || Secrets::knows(label)
    }

    /// The findings, in order and without overlap. O(characters), and a pass of the model where one
    /// [reads names](Self::reads_names).
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let folded = Folded::new(text);
        let judged = self.judged(&folded, text).into_iter();
        let found = judged.filter(|judged| judged.outcome == Outcome::Found);
        let mut found: Vec<Finding> = found.map(|judged| finding(judged, &folded)).collect();
        found.sort_by_key(|finding| finding.span.start);
        found
    }

    /// Every candidate, found or not, with the reasons, in order.
    pub fn explain(&self, text: &str) -> Vec<Explained> {
        let folded = Folded::new(text);
        let judged = self.judged(&folded, text).into_iter();
        let mut explained: Vec<Explained> =
            judged.map(|judged| explained(judged, &folded)).collect();
        explained.sort_by_key(|e| (e.finding.span.start, e.outcome != Outcome::Found));
        explained
    }

    /// Every candidate and what becomes of it; those that are found do not overlap.
    fn judged(&self, folded: &Folded<'_>, original: &str) -> Vec<Judged<'_>> {
        let near = Surroundings::new(&self.vocabulary, original);
        let candidates = self.candidates(folded, original, &near);
        let least = self.settings.minimum_score;
        let outcomes: Vec<Option<Outcome>> =
            candidates.iter().map(|candidate| self.outcome(candidate, folded, least)).collect();
        let eligible: Vec<&Candidate<'_>> = candidates
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| outcome.is_none())
            .map(|(candidate, _)| candidate)
            .collect();
        let stays = overlap::resolve(&eligible, |c| c.span.clone(), |c| c.score);
        let mut stays = stays.into_iter();
        let judge = |(candidate, outcome): (_, Option<Outcome>)| {
            let outcome = outcome.unwrap_or_else(|| match stays.next() {
                Some(true) => Outcome::Found,
                _ => Outcome::Overlapped,
            });
            Judged { candidate, outcome, recogniser: Recogniser::Rules }
        };
        let mut judged = candidates.into_iter().zip(outcomes).map(judge).collect();
        if let Some(finder) = self.finder() {
            self.add_names(finder, folded, original, &mut judged);
        }
        judged
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
    fn outcome(
        &self,
        candidate: &Candidate<'_>,
        folded: &Folded<'_>,
        least: f32,
    ) -> Option<Outcome> {
        let allowed = || {
            let value = folded.text().get(candidate.span.clone()).unwrap_or_default();
            !self.allow.is_empty() && self.allow.contains(&allowed_form(value))
        };
        if candidate.score < least {
            Some(Outcome::BelowMinimum)
        } else if self.settings.off.contains(&candidate.entity) || allowed() {
            Some(Outcome::Allowed)
        } else {
            None
        }
    }
}

fn finding(judged: Judged<'_>, folded: &Folded<'_>) -> Finding {
    let Judged { candidate, recogniser, .. } = judged;
    let Candidate { entity, subtype, span, score, .. } = candidate;
    Finding { entity, subtype, span: folded.original(&span), score, recogniser }
}

fn explained(judged: Judged<'_>, folded: &Folded<'_>) -> Explained {
    let Candidate { base, check, context, .. } = judged.candidate;
    let word = match context {
        Context::Silent => None,
        Context::Own(word) | Context::Other(word) | Context::Impersonal(word) => {
            Some(word.to_owned())
        }
    };
    let outcome = judged.outcome;
    Explained { finding: finding(judged, folded), base, check, word, outcome }
}

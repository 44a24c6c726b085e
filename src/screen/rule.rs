//! One recogniser: a pattern, a check, the words that speak for it, and how sure each makes us.

use std::ops::Range;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::context::{Context, Surroundings, Topic};
use super::entity::EntityType;
use super::fold::Folded;

/// Bytes that a compiled pattern may take.
pub(super) const PATTERN_BYTES: usize = 1 << 20;
/// Bytes that the prefilter of all patterns may take.
const PREFILTER_BYTES: usize = 32 << 20;
/// Bytes that its states may take while it runs, for each thread.
const STATE_BYTES: usize = 8 << 20;
/// Added where a word of the recogniser's own topic is near.
const OWN: f32 = 0.35;
/// Added where the nearest word speaks of something else.
const OTHER: f32 = -0.25;
/// Added where the nearest word says that the number belongs to nobody.
const IMPERSONAL: f32 = -0.35;

/// A check that a value must pass: its name, and whether a value does.
pub(super) type Check = (&'static str, fn(&str) -> bool);

/// A recogniser by pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) entity: EntityLabel,
    /// What exactly, for example `ZA_ID`.
    pub(super) subtype: &'static str,
    /// The region that must be one of the project's; none for all.
    pub(super) region: Option<&'static str>,
    /// Without look-around, bounded; a first group, where there is one, is the value.
    pub(super) pattern: &'static str,
    /// Score without any word near.
    pub(super) base: f32,
    /// The check that a match must pass, and its name.
    pub(super) check: Option<Check>,
    /// What near words may speak of it.
    pub(super) topics: &'static [Topic],
}

/// A rule of all regions.
pub(super) const fn rule(
    entity: EntityLabel,
    subtype: &'static str,
    pattern: &'static str,
    base: f32,
    check: Option<Check>,
    topics: &'static [Topic],
) -> Rule {
    Rule { entity, subtype, region: None, pattern, base, check, topics }
}

/// The built-in types that rules find, which unlike [`EntityType`] can be constants.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntityLabel(pub(super) &'static str);

/// A value that may be personal, with what speaks for and against it.
#[derive(Debug, Clone)]
pub(super) struct Candidate<'v> {
    pub(super) entity: EntityType,
    pub(super) subtype: Option<String>,
    /// Bytes of the folded text.
    pub(super) span: Range<usize>,
    pub(super) base: f32,
    pub(super) score: f32,
    pub(super) check: Option<&'static str>,
    pub(super) context: Context<'v>,
}

/// The score that context makes of a base.
pub(super) fn scored(base: f32, context: Context<'_>) -> f32 {
    let change = match context {
        Context::Silent => 0.0,
        Context::Own(_) => OWN,
        Context::Other(_) => OTHER,
        Context::Impersonal(_) => IMPERSONAL,
    };
    (base + change).clamp(0.0, 1.0)
}

/// Rules with one prefilter: a single pass says which of the patterns occur at all.
#[derive(Debug)]
pub(super) struct Rules {
    prefilter: RegexSet,
    rules: Vec<(Rule, Regex)>,
}

impl Rules {
    /// Compiles the rules of these regions.
    ///
    /// # Errors
    /// Where a pattern is wrong or too large.
    pub(super) fn new(
        tables: &[&[Rule]],
        regions: &[String],
        unicode: bool,
    ) -> Result<Self, regex::Error> {
        let wanted = |rule: &&Rule| {
            rule.region.is_none_or(|region| regions.iter().any(|wanted| wanted == region))
        };
        let rules: Vec<&Rule> = tables.iter().copied().flatten().filter(wanted).collect();
        let prefilter = RegexSetBuilder::new(rules.iter().map(|rule| rule.pattern))
            .unicode(unicode)
            .size_limit(PREFILTER_BYTES)
            .dfa_size_limit(STATE_BYTES)
            .build()?;
        let compile = |rule: &&Rule| {
            let pattern = RegexBuilder::new(rule.pattern)
                .unicode(unicode)
                .size_limit(PATTERN_BYTES)
                .build()?;
            Ok((**rule, pattern))
        };
        let rules = rules.iter().map(compile).collect::<Result<_, regex::Error>>()?;
        Ok(Self { prefilter, rules })
    }

    /// Adds every value that passes its rule's check.
    pub(super) fn find<'v>(
        &self,
        folded: &Folded<'_>,
        near: &Surroundings<'v, '_>,
        found: &mut Vec<Candidate<'v>>,
    ) {
        let text = folded.text();
        for at in self.prefilter.matches(text) {
            let Some((rule, pattern)) = self.rules.get(at) else { continue };
            each_match(pattern, text, |span| {
                let Some(span) = rule.passing(text, span) else { return false };
                let context = match rule.topics {
                    [] => Context::Silent,
                    topics => near.of(&folded.original(&span), topics),
                };
                found.push(Candidate {
                    entity: EntityType::of_label(rule.entity.0),
                    subtype: (!rule.subtype.is_empty()).then(|| rule.subtype.to_owned()),
                    score: scored(rule.base, context),
                    base: rule.base,
                    check: rule.check.map(|(name, _)| name),
                    span,
                    context,
                });
                true
            });
        }
    }
}

impl Rule {
    /// The part of a match that stands alone and passes the check: all of it or, where a word after
    /// a blank was taken for its last group, without that.
    fn passing(&self, text: &str, span: Range<usize>) -> Option<Range<usize>> {
        let fits = |span: &Range<usize>| {
            let value = text.get(span.clone()).unwrap_or_default();
            isolated(text, span) && self.check.is_none_or(|(_, passes)| passes(value))
        };
        if fits(&span) {
            return Some(span);
        }
        let blank = text.get(span.clone())?.rfind(' ')?;
        let shorter = span.start..span.start + blank;
        (self.check.is_some() && fits(&shorter)).then_some(shorter)
    }
}

/// Calls `take` with each match's value. A match that is not taken does not hide one that begins
/// within it: the search goes on after its first group of letters or digits.
pub(super) fn each_match(pattern: &Regex, text: &str, mut take: impl FnMut(Range<usize>) -> bool) {
    let mut locations = pattern.capture_locations();
    let mut from = 0;
    while from <= text.len() && pattern.captures_read_at(&mut locations, text, from).is_some() {
        let Some((start, end)) = locations.get(0) else { return };
        let (first, last) = locations.get(1).unwrap_or((start, end));
        from = if start == end {
            next_character(text, end)
        } else if take(first..last) {
            end
        } else {
            let rest = text.get(start..end).unwrap_or_default();
            let head = rest.find(|c: char| c.is_alphanumeric()).unwrap_or(0);
            let tail = rest.get(head..).and_then(|tail| tail.find(|c: char| !c.is_alphanumeric()));
            tail.map_or(end, |tail| start + head + tail)
        };
    }
}

fn next_character(text: &str, at: usize) -> usize {
    text.get(at..)
        .and_then(|rest| rest.chars().next())
        .map_or(text.len() + 1, |c| at + c.len_utf8())
}

/// Whether the value stands alone: not a part of a longer word, number, version or identifier.
pub(super) fn isolated(text: &str, span: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let at = |at: Option<usize>| at.and_then(|at| bytes.get(at)).copied().unwrap_or(b'\n');
    let alphanumeric = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let joint = |byte: u8| matches!(byte, b'-' | b'.' | b'/' | b':' | b'@' | b'#');
    let (before, further) = (at(span.start.checked_sub(1)), at(span.start.checked_sub(2)));
    let (after, beyond) = (at(Some(span.end)), at(Some(span.end + 1)));
    if alphanumeric(before) || alphanumeric(after) || matches!(before, b'#' | b'@') {
        return false;
    }
    let value = text.get(span.clone()).unwrap_or_default();
    // "192.0.2.1:8080", "192.0.2.1/24"
    let port = beyond.is_ascii_digit()
        && (after == b':' && !value.contains(':') || after == b'/' && value.contains('.'));
    if (joint(before) && before != b':' && further.is_ascii_alphanumeric())
        || (joint(after) && alphanumeric(beyond) && !port)
    {
        return false;
    }
    // "2629 3989 7035 6202" is no card where " 7454" follows: groups as long as its own.
    !value.contains(' ')
        || !(before == b' ' && digit_run(bytes, span.start - 1, true) >= 4
            || after == b' ' && digit_run(bytes, span.end + 1, false) >= 4)
}

/// Digits that stand before (or from) `at`.
fn digit_run(bytes: &[u8], at: usize, before: bool) -> usize {
    let (head, tail) = bytes.split_at(at.min(bytes.len()));
    let digit = |byte: &&u8| byte.is_ascii_digit();
    if before {
        head.iter().rev().take(20).take_while(digit).count()
    } else {
        tail.iter().take(20).take_while(digit).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_match_does_not_hide_the_next() {
        let pattern = Regex::new("[0-9]{4} [0-9]{4}").unwrap();
        let mut taken = Vec::new();
        each_match(&pattern, "2024 4111 1111 x", |span| {
            taken.push(span.clone());
            span.start == 5
        });
        assert_eq!(taken, [0..9, 5..14]);
    }

    #[test]
    fn values_inside_longer_ones_are_not_isolated() {
        let alone = |text: &str, value: &str| {
            let start = text.find(value).unwrap();
            isolated(text, &(start..start + value.len()))
        };
        assert!(alone("call 071.", "071") && alone("(071)", "071") && alone("tel:071", "071"));
        assert!(!alone("v1.071", "071") && !alone("071.5", "071") && !alone("a-071", "071"));
        assert!(!alone("#071", "071") && !alone("x071", "071") && !alone("071/2", "071"));
        assert!(!alone("1111 2222 3333", "1111 2222"));
        assert!(alone("1111 2222 333", "1111 2222"));
    }
}

//! Repeated texts: a bot, a retry storm or a load test is not a change of what users mean.
//!
//! Interactions whose query has come too often lately, as it is or nearly (see [`Hashes`]), are
//! *repeats*: they are counted, reported as `duplicates`, and kept out of every other statistic. How
//! often is too often follows from the reference, where "thank you" may be a tenth of the traffic.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use statrs::distribution::{DiscreteCDF, Poisson};

use crate::model::interaction::Event;
use crate::text::hashes::Hashes;
use crate::text::simhash::{NEAR, distance};

/// Interactions that are looked back on, and how often any text may come among them.
const HORIZONS: [(usize, u64); 2] = [(200, 3), (1000, 6)];

/// A text of the reference may come as often as chance allows it but once in so many cases.
const CHANCE: f64 = 1e-4;

/// Interactions over which the share of repeats is taken.
pub const WINDOW: usize = HORIZONS[0].0;

/// A share of repeats above this is an alarm.
pub const ALARMING_SHARE: f64 = 0.05;

/// What comes again in the reference, and how often.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Allowance {
    n: u64,
    /// Fingerprints that came more than once, sorted.
    known: Vec<(u64, u32)>,
    /// The [`Hashes::simhash`] of every row; empty in a reference from before there was one, which
    /// cannot say what is usual: nothing nearly the same is a repeat then.
    #[serde(default)]
    simhashes: Vec<u64>,
}

impl Allowance {
    /// What the reference shows.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
        let mut simhashes = Vec::new();
        let mut n = 0;
        for hashes in events.into_iter().filter_map(|event| event.hashes) {
            *counts.entry(hashes.fingerprint).or_default() += 1;
            simhashes.extend(hashes.simhash);
            n += 1;
        }
        let known = counts.into_iter().filter(|(_, count)| *count > 1).collect();
        Self { n, known, simhashes }
    }

    /// How often `fingerprint` may come in each horizon.
    fn limits(&self, fingerprint: u64) -> [u64; 2] {
        match self.known.binary_search_by_key(&fingerprint, |(known, _)| *known) {
            Ok(at) => usual(self.known[at].1, self.n),
            Err(_) => LEAST,
        }
    }

    /// How often texts near `simhash` may come in each horizon; O(rows of the reference).
    fn near_limits(&self, simhash: u64) -> [u64; 2] {
        let near = self.simhashes.iter().filter(|&&other| distance(simhash, other) <= NEAR).count();
        if near == 0 { LEAST } else { usual(near as u32, self.simhashes.len() as u64) }
    }
}

/// What any text may.
const LEAST: [u64; 2] = [HORIZONS[0].1, HORIZONS[1].1];

/// What a text may that came `count` times among `n`.
fn usual(count: u32, n: u64) -> [u64; 2] {
    HORIZONS.map(|(length, least)| {
        let share = f64::from(count + 1) / n.max(1) as f64;
        let usual = Poisson::new(length as f64 * share)
            .map_or(least, |poisson| poisson.inverse_cdf(1.0 - CHANCE));
        usual.max(least)
    })
}

/// A text of late: its fingerprint, whether it was a repeat, and its simhash. A row of numbers as data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Seen(u64, bool, #[serde(default)] Option<u64>);

impl Seen {
    const fn hashes(self) -> Hashes {
        Hashes { fingerprint: self.0, simhash: self.2 }
    }
}

/// What has come lately.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Seen>", into = "Vec<Seen>")]
pub struct Repeats {
    /// The newest last.
    recent: VecDeque<Seen>,
    counts: [HashMap<u64, u64>; 2],
    repeated: usize,
}

impl Repeats {
    /// Takes note of the next interaction; whether it is a repeat. O(the longer horizon), and for a
    /// text that may be one, O(rows of the reference).
    pub fn observe(&mut self, hashes: Option<Hashes>, allowance: &Allowance) -> bool {
        let Some(hashes) = hashes else { return false };
        let same = [0, 1].map(|h: usize| self.counts[h].get(&hashes.fingerprint).copied());
        let same = same.map(Option::unwrap_or_default);
        let repeat = is_beyond(same, allowance.limits(hashes.fingerprint))
            || hashes.simhash.is_some_and(|simhash| self.is_near_repeat(simhash, allowance));
        self.push(Seen(hashes.fingerprint, repeat, hashes.simhash));
        repeat
    }

    fn is_near_repeat(&self, simhash: u64, allowance: &Allowance) -> bool {
        if allowance.simhashes.is_empty() {
            return false;
        }
        let is_near = |seen: &&Seen| seen.2.is_some_and(|other| distance(simhash, other) <= NEAR);
        let near = HORIZONS.map(|(length, _)| {
            self.recent.iter().rev().take(length).filter(is_near).count() as u64
        });
        // Hardly a text comes so far, so that the reference is seldom asked.
        is_beyond(near, LEAST) && is_beyond(near, allowance.near_limits(simhash))
    }

    fn push(&mut self, seen: Seen) {
        self.recent.push_back(seen);
        self.repeated += usize::from(seen.1);
        for (counts, (length, _)) in self.counts.iter_mut().zip(HORIZONS) {
            *counts.entry(seen.0).or_default() += 1;
            let Some(gone) = self.recent.len().checked_sub(length + 1) else { continue };
            let Seen(old, was_repeat, _) = self.recent[gone];
            if let Some(count) = counts.get_mut(&old) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&old);
                }
            }
            if length == WINDOW {
                self.repeated -= usize::from(was_repeat);
            }
        }
        if self.recent.len() > HORIZONS[1].0 {
            self.recent.pop_front();
        }
    }

    /// Repeats among the last [`WINDOW`] interactions, and how many there were.
    pub fn share(&self) -> (usize, usize) {
        (self.repeated, self.recent.len().min(WINDOW))
    }

    /// The text that most repeats among the last [`WINDOW`] interactions are the same as, or nearly.
    pub fn worst(&self) -> Option<Hashes> {
        let start = self.recent.len().saturating_sub(WINDOW);
        let repeats = self.recent.range(start..).filter(|seen| seen.1).map(|seen| seen.hashes());
        let repeats: Vec<Hashes> = repeats.collect();
        let like = |one: &Hashes| repeats.iter().filter(|other| one.are_near(**other)).count();
        let worst = repeats.iter().max_by_key(|one| (like(one), one.fingerprint));
        worst.copied()
    }
}

fn is_beyond(counts: [u64; 2], limits: [u64; 2]) -> bool {
    counts.iter().zip(limits).any(|(count, limit)| *count >= limit)
}

impl From<Vec<Seen>> for Repeats {
    fn from(recent: Vec<Seen>) -> Self {
        let mut repeats = Self::default();
        recent.into_iter().for_each(|seen| repeats.push(seen));
        repeats
    }
}

impl From<Repeats> for Vec<Seen> {
    fn from(repeats: Repeats) -> Self {
        repeats.recent.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allowance(counts: &[(u64, u32)], n: u64) -> Allowance {
        Allowance { n, known: counts.to_vec(), simhashes: Vec::new() }
    }

    #[test]
    fn a_storm_is_capped_and_what_is_usual_is_not() {
        let usual = allowance(&[(7, 400)], 4000);
        let mut repeats = Repeats::default();
        // A tenth of the traffic is fingerprint 7, as in the reference; the rest never repeats.
        let capped = (0..5000).filter(|i| {
            let fingerprint = if i % 10 == 0 { 7 } else { 1_000 + i };
            repeats.observe(Some(Hashes::exact(fingerprint)), &usual)
        });
        assert_eq!(capped.count(), 0);
        let storm = (0..300).filter(|_| repeats.observe(Some(Hashes::exact(3)), &usual)).count();
        assert_eq!(storm, 297);
        assert_eq!(repeats.share(), (200, 200));
        assert_eq!(repeats.worst(), Some(Hashes::exact(3)));
        let fresh = |i: u64| Some(Hashes::exact(9_000 + i));
        let after = (0..200).filter(|i| repeats.observe(fresh(*i), &usual)).count();
        assert_eq!((after, repeats.share()), (0, (0, 200)));
    }

    #[test]
    fn a_slow_repetition_is_found_by_the_long_horizon() {
        let mut repeats = Repeats::default();
        let none = Allowance::default();
        // Once in 80: two or three in the short horizon, a dozen in the long one.
        let capped = (0..2000u64)
            .map(|i| Hashes::exact(if i % 80 == 0 { 1 } else { 10 + i }))
            .filter(|hashes| repeats.observe(Some(*hashes), &none))
            .count();
        assert!((5..25).contains(&capped), "{capped}");
    }

    /// Hashes that no two texts share, far from each other: 64 random bits differ in about 32.
    fn other(i: u64) -> Hashes {
        let mixed = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Hashes { fingerprint: i, simhash: Some(mixed ^ mixed >> 29) }
    }

    /// The i-th variant of one text: it differs in one or two bits from each other one.
    fn variant(i: u64) -> Hashes {
        Hashes { fingerprint: 1_000_000 + i, simhash: Some(0xdead_beef_0bad_cafe ^ 1 << (i % 64)) }
    }

    #[test]
    fn variants_of_one_text_are_a_storm_unless_the_reference_has_them() {
        let rows = |share: u64| -> Allowance {
            let hash = |i| if i % 100 < share { variant(i) } else { other(i) };
            let simhashes = (0..4000).map(|i| hash(i).simhash.unwrap()).collect();
            Allowance { n: 4000, known: Vec::new(), simhashes }
        };
        let capped = |allowance: &Allowance| {
            let mut repeats = Repeats::default();
            let quiet = (0..400).filter(|i| repeats.observe(Some(other(10_000 + i)), allowance));
            assert_eq!(quiet.count(), 0);
            let hash = |i| if i % 2 == 0 { variant(i) } else { other(20_000 + i) };
            let storm = (0..400).filter(|i| repeats.observe(Some(hash(*i)), allowance)).count();
            (storm, repeats.worst().map(|worst| worst.are_near(variant(0))))
        };
        assert_eq!(capped(&rows(0)), (197, Some(true)), "every second one, but the first three");
        assert_eq!(capped(&rows(60)), (0, None), "as usual");
        assert_eq!(capped(&allowance(&[], 4000)), (0, None), "an old reference cannot say");
    }

    #[test]
    fn a_memory_from_before_simhashes_is_read() {
        let old: Repeats = serde_json::from_str("[[7,false],[8,true]]").unwrap();
        assert_eq!((old.share(), old.worst()), ((1, 2), Some(Hashes::exact(8))));
    }

    proptest! {
        #[test]
        fn it_goes_on_the_same_from_what_was_stored(
            texts in prop::collection::vec((0u64..30, prop::option::of(0u64..40)), 0..400),
            cut in 0usize..400
        ) {
            let near = (0..10).map(|i| other(i).simhash.unwrap()).collect();
            let allowance = Allowance { simhashes: near, ..allowance(&[(3, 40)], 100) };
            let mut whole = Repeats::default();
            let mut restored = Repeats::default();
            for (i, (fingerprint, place)) in texts.iter().enumerate() {
                let simhash = place.and_then(|place| variant(place % 3 + place).simhash);
                let hashes = Some(Hashes { fingerprint: *fingerprint, simhash });
                let a = whole.observe(hashes, &allowance);
                if i == cut {
                    let text = serde_json::to_string(&restored).unwrap();
                    restored = serde_json::from_str(&text).unwrap();
                }
                prop_assert_eq!(a, restored.observe(hashes, &allowance));
            }
            prop_assert_eq!(whole, restored);
        }
    }
}

//! Repeated texts: a bot, a retry storm or a load test is not a change of what users mean.
//!
//! Interactions whose normalised query has come too often lately are *repeats*: they are counted,
//! reported as `duplicates`, and kept out of every other statistic. How often is too often follows
//! from the reference, where "thank you" may be a tenth of the traffic.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use statrs::distribution::{DiscreteCDF, Poisson};

use crate::model::interaction::Event;

/// Interactions that are looked back on, and how often any text may come among them.
const HORIZONS: [(usize, u64); 2] = [(200, 3), (1000, 6)];

/// A text of the reference may come as often as chance allows it but once in so many cases.
const CHANCE: f64 = 1e-4;

/// Interactions over which the share of repeats is taken.
pub const WINDOW: usize = HORIZONS[0].0;

/// A share of repeats above this is an alarm.
pub const ALARMING_SHARE: f64 = 0.05;

/// Fingerprints that came more than once in the reference, and how often.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Allowance {
    n: u64,
    /// Sorted by fingerprint.
    known: Vec<(u64, u32)>,
}

impl Allowance {
    /// What the reference shows.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
        let mut n = 0;
        for fingerprint in events.into_iter().filter_map(|event| event.fingerprint) {
            *counts.entry(fingerprint).or_default() += 1;
            n += 1;
        }
        let known = counts.into_iter().filter(|(_, count)| *count > 1).collect();
        Self { n, known }
    }

    /// How often `fingerprint` may come in each horizon.
    fn limits(&self, fingerprint: u64) -> [u64; 2] {
        let found = self.known.binary_search_by_key(&fingerprint, |(known, _)| *known);
        HORIZONS.map(|(length, least)| {
            let Ok(at) = found else { return least };
            let share = f64::from(self.known[at].1 + 1) / self.n.max(1) as f64;
            let usual = Poisson::new(length as f64 * share)
                .map_or(least, |poisson| poisson.inverse_cdf(1.0 - CHANCE));
            usual.max(least)
        })
    }
}

/// What has come lately.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, bool)>", into = "Vec<(u64, bool)>")]
pub struct Repeats {
    /// Fingerprint and whether it was a repeat, the newest last.
    recent: VecDeque<(u64, bool)>,
    counts: [HashMap<u64, u64>; 2],
    repeated: usize,
}

impl Repeats {
    /// Takes note of the next interaction; whether it is a repeat.
    pub fn observe(&mut self, fingerprint: Option<u64>, allowance: &Allowance) -> bool {
        let Some(fingerprint) = fingerprint else { return false };
        let limits = allowance.limits(fingerprint);
        let seen = |horizon: usize| self.counts[horizon].get(&fingerprint).copied().unwrap_or(0);
        let repeat = seen(0) >= limits[0] || seen(1) >= limits[1];
        self.push(fingerprint, repeat);
        repeat
    }

    fn push(&mut self, fingerprint: u64, repeat: bool) {
        self.recent.push_back((fingerprint, repeat));
        self.repeated += usize::from(repeat);
        for (counts, (length, _)) in self.counts.iter_mut().zip(HORIZONS) {
            *counts.entry(fingerprint).or_default() += 1;
            let Some(gone) = self.recent.len().checked_sub(length + 1) else { continue };
            let (old, was_repeat) = self.recent[gone];
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

    /// The fingerprint that was repeated most among the last [`WINDOW`] interactions.
    pub fn worst(&self) -> Option<u64> {
        let start = self.recent.len().saturating_sub(WINDOW);
        let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
        for (fingerprint, _) in self.recent.range(start..).filter(|(_, repeat)| *repeat) {
            *counts.entry(*fingerprint).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(fingerprint, count)| (*count, *fingerprint)).map(|(f, _)| f)
    }
}

impl From<Vec<(u64, bool)>> for Repeats {
    fn from(recent: Vec<(u64, bool)>) -> Self {
        let mut repeats = Self::default();
        recent.into_iter().for_each(|(fingerprint, repeat)| repeats.push(fingerprint, repeat));
        repeats
    }
}

impl From<Repeats> for Vec<(u64, bool)> {
    fn from(repeats: Repeats) -> Self {
        repeats.recent.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allowance(counts: &[(u64, u32)], n: u64) -> Allowance {
        Allowance { n, known: counts.to_vec() }
    }

    #[test]
    fn a_storm_is_capped_and_what_is_usual_is_not() {
        let usual = allowance(&[(7, 400)], 4000);
        let mut repeats = Repeats::default();
        // A tenth of the traffic is fingerprint 7, as in the reference; the rest never repeats.
        let capped = (0..5000).filter(|i| {
            let fingerprint = if i % 10 == 0 { 7 } else { 1_000 + i };
            repeats.observe(Some(fingerprint), &usual)
        });
        assert_eq!(capped.count(), 0);
        let storm = (0..300).filter(|_| repeats.observe(Some(3), &usual)).count();
        assert_eq!(storm, 297);
        assert_eq!(repeats.share(), (200, 200));
        assert_eq!(repeats.worst(), Some(3));
        let after = (0..200).filter(|i| repeats.observe(Some(9_000 + i), &usual)).count();
        assert_eq!((after, repeats.share()), (0, (0, 200)));
    }

    #[test]
    fn a_slow_repetition_is_found_by_the_long_horizon() {
        let mut repeats = Repeats::default();
        let none = Allowance::default();
        // Once in 80: two or three in the short horizon, a dozen in the long one.
        let capped = (0..2000u64)
            .filter(|i| repeats.observe(Some(if i % 80 == 0 { 1 } else { 10 + i }), &none))
            .count();
        assert!((5..25).contains(&capped), "{capped}");
    }

    proptest! {
        #[test]
        fn it_goes_on_the_same_from_what_was_stored(
            fingerprints in prop::collection::vec(0u64..30, 0..400), cut in 0usize..400
        ) {
            let allowance = allowance(&[(3, 40)], 100);
            let mut whole = Repeats::default();
            let mut restored = Repeats::default();
            for (i, fingerprint) in fingerprints.iter().enumerate() {
                let a = whole.observe(Some(*fingerprint), &allowance);
                if i == cut {
                    let text = serde_json::to_string(&restored).unwrap();
                    restored = serde_json::from_str(&text).unwrap();
                }
                prop_assert_eq!(a, restored.observe(Some(*fingerprint), &allowance));
            }
            prop_assert_eq!(whole, restored);
        }
    }
}

//! Keep or drop, by a hash of what the interaction is part of.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::sample::budget::MinuteBudget;

/// How much of a project's traffic is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingConfig {
    /// The share that is kept, in (0, 1].
    pub rate: f64,
    /// About so many are kept in a minute at most; 0 for no cap.
    pub max_per_minute: u32,
}

impl Default for SamplingConfig {
    fn default() -> Self {
        Self { rate: 1.0, max_per_minute: 0 }
    }
}

impl SamplingConfig {
    /// Every problem of the settings, as (key, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        if self.rate > 0.0 && self.rate <= 1.0 {
            return Vec::new();
        }
        let detail = format!("is {}; give a number above 0 and at most 1", self.rate);
        vec![("rate".to_owned(), detail)]
    }
}

/// What happens to one interaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decision {
    /// It is kept.
    Keep {
        /// With this probability, in (0, 1]: its weight is 1 ÷ probability.
        probability: f64,
    },
    /// It is counted and not stored.
    Drop,
}

/// Decides for one interaction that is received at `now`.
///
/// The key is the session's id where there is one, so that dialogues stay whole, else the
/// interaction's id. It is hashed with the project to a number in [0, 1), and kept when that lies
/// below the probability: `rate`, or less while the minute's cap is under pressure (see
/// [`MinuteBudget`]). The probability recorded is the one that was in force for this interaction.
pub fn decide(
    config: &SamplingConfig,
    project: &str,
    session_id: Option<&str>,
    id: &str,
    budget: &mut MinuteBudget,
    now: Timestamp,
) -> Decision {
    let offered = budget.offer(now);
    let probability = match config.max_per_minute {
        0 => config.rate,
        cap => config.rate.min(f64::from(cap) / offered as f64),
    };
    let (kind, key) = session_id.map_or(("id", id), |session| ("session", session));
    if place(project, kind, key) < probability {
        Decision::Keep { probability }
    } else {
        Decision::Drop
    }
}

/// A number in [0, 1) that is the key's own, everywhere and for ever: 53 bits of SHA-256.
fn place(project: &str, kind: &str, key: &str) -> f64 {
    let mut hash = Sha256::new();
    for part in [project, kind, key] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let bits = hash.finalize()[..8].iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(0);

    fn keep(
        config: &SamplingConfig,
        session: Option<&str>,
        id: &str,
        budget: &mut MinuteBudget,
    ) -> f64 {
        match decide(config, "project", session, id, budget, NOW) {
            Decision::Keep { probability } => probability,
            Decision::Drop => 0.0,
        }
    }

    #[test]
    fn the_rate_is_kept_within_binomial_bounds() {
        for rate in [0.01, 0.1, 0.5, 0.9, 1.0] {
            let config = SamplingConfig { rate, max_per_minute: 0 };
            let mut budget = MinuteBudget::default();
            let n = 20_000;
            let kept = (0..n).filter(|i| keep(&config, None, &i.to_string(), &mut budget) > 0.0);
            let (kept, expected) = (kept.count() as f64, f64::from(n) * rate);
            let bound = 4.5 * (f64::from(n) * rate * (1.0 - rate)).sqrt();
            assert!((kept - expected).abs() <= bound, "{rate}: {kept}");
        }
    }

    #[test]
    fn a_session_has_one_answer() {
        let config = SamplingConfig { rate: 0.5, max_per_minute: 0 };
        let mut budget = MinuteBudget::default();
        for session in 0..200 {
            let session = session.to_string();
            let first = keep(&config, Some(&session), "0", &mut budget);
            for id in 1..20 {
                let again = keep(&config, Some(&session), &id.to_string(), &mut budget);
                assert_eq!(again.to_bits(), first.to_bits());
            }
        }
    }

    #[test]
    fn weights_add_up_to_what_was_offered() {
        let config = SamplingConfig { rate: 0.8, max_per_minute: 2000 };
        let mut budget = MinuteBudget::default();
        let probabilities: Vec<f64> =
            (0..20_000).map(|i| keep(&config, None, &i.to_string(), &mut budget)).collect();
        let weights: f64 = probabilities.iter().filter(|p| **p > 0.0).map(|p| 1.0 / p).sum();
        assert!((weights - 20_000.0).abs() < 1500.0, "{weights}");
    }

    #[test]
    fn the_cap_lets_the_hash_choose_and_grows_only_with_the_logarithm() {
        let config = SamplingConfig { rate: 1.0, max_per_minute: 100 };
        let mut budget = MinuteBudget::default();
        let kept: Vec<u32> = (0..10_000)
            .filter(|i| keep(&config, None, &i.to_string(), &mut budget) > 0.0)
            .collect();
        // Σ min(1, cap/i) = cap (1 + ln(n/cap)) = 560 expected.
        assert!((460..=660).contains(&kept.len()), "{}", kept.len());
        let survivors = kept.iter().filter(|i| place("project", "id", &i.to_string()) < 0.01);
        let alike = (0..10_000_u32).filter(|i| place("project", "id", &i.to_string()) < 0.01);
        assert_eq!(survivors.count(), alike.count(), "the lowest hashes are kept at any pressure");
    }

    #[test]
    fn the_place_of_a_key_is_fixed() {
        assert!((place("p", "id", "1") - place("p", "session", "1")).abs() > f64::EPSILON);
        assert_eq!(format!("{:.12}", place("p", "id", "1")), PLACE_OF_P_ID_1);
    }

    /// Computed with Python's hashlib, so that a change of the hash cannot pass unseen.
    const PLACE_OF_P_ID_1: &str = "0.080802667366";

    #[test]
    fn bad_settings_are_refused() {
        for rate in [0.0, -0.1, 1.1, f64::NAN] {
            assert_eq!(SamplingConfig { rate, max_per_minute: 0 }.problems().len(), 1);
        }
        assert_eq!(SamplingConfig::default().problems(), []);
    }
}

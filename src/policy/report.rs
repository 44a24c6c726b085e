//! How well a judge does on texts that it was not made of.

use serde::{Deserialize, Serialize};

use crate::stats::proportion::wilson;

/// How surely an interval holds its rate.
const CONFIDENCE: f64 = 0.95;

/// A share with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Rate {
    /// Texts that were flagged.
    pub count: u64,
    /// Texts that were looked at.
    pub of: u64,
    /// Their share, in 0…1.
    pub rate: f64,
    /// Lower end of Wilson's interval, which holds it in 95 of 100 cases.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
}

impl Rate {
    /// The share of `scores` above `threshold`.
    pub(super) fn above(threshold: f64, scores: &[f64]) -> Self {
        let count = scores.iter().filter(|score| **score > threshold).count() as u64;
        let of = scores.len() as u64;
        // Of nothing, nothing is known.
        let found = wilson(count, of, CONFIDENCE);
        let (rate, low, high) = found.map_or((0.0, 0.0, 1.0), |i| (i.estimate, i.low, i.high));
        Self { count, of, rate, low, high }
    }
}

/// What is to be known of a judge before it is switched on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    /// Examples of what is to be found.
    pub positives: u64,
    /// Examples of what is not.
    pub negatives: u64,
    /// Texts of the reference that stood for ordinary traffic.
    pub from_reference: u64,
    /// The rate of false alarms that was asked for.
    pub false_alarms_wanted: f64,
    /// Of the examples of what is to be found, those that are: each judged by a head that was fitted
    /// without it. Absent where there are no such examples.
    pub caught: Option<Rate>,
    /// Of texts that are no such case, those flagged nevertheless: neither the head nor the threshold
    /// was made of them.
    pub false_alarms: Rate,
    /// The share of pairs of one text of either kind in which the right one scores higher.
    pub auc: Option<f64>,
}

/// The score that at most a share `rate` of fresh texts like `scores` exceeds: the order statistic of
/// rank ⌈(n + 1)(1 − rate)⌉, or the largest where that is beyond them. Sorts `scores`.
///
/// *Source:* Vovk, Gammerman, Shafer, *Algorithmic Learning in a Random World*, 2005, 2.2 (split
/// conformal prediction).
pub(super) fn threshold(scores: &mut [f64], rate: f64) -> Option<f64> {
    scores.sort_by(f64::total_cmp);
    let rank = ((scores.len() + 1) as f64 * (1.0 - rate)).ceil() as usize;
    scores.get(rank.clamp(1, scores.len().max(1)) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_the_conformal_one() {
        let mut scores: Vec<f64> = (1..=99).rev().map(f64::from).collect();
        assert_eq!(threshold(&mut scores, 0.05), Some(95.0));
        assert_eq!(threshold(&mut scores, 0.001), Some(99.0));
        assert_eq!(threshold(&mut [], 0.05), None);
    }

    #[test]
    fn a_rate_of_nothing_knows_nothing() {
        let rate = Rate::above(0.0, &[]);
        assert_eq!((rate.of, rate.low, rate.high), (0, 0.0, 1.0));
        let rate = Rate::above(0.5, &[0.0, 1.0, 1.0, 1.0]);
        assert_eq!((rate.count, rate.rate), (3, 0.75));
        assert!(rate.low > 0.3 && rate.high < 0.96);
    }
}

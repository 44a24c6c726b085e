//! Texts that are unlike anything in a reference.

use serde::{Deserialize, Serialize};

use super::report::{Rate, Report, threshold};
use super::{MIN_NEGATIVES, TeachError, Verdict};
use crate::stats::classifier::deal_singly;
use crate::stats::novelty::Landmarks;

/// Reference texts that are kept to compare with.
const LANDMARKS: usize = 1000;

/// The mean distance to the five nearest texts of a reference, and how far is too far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OffTopic {
    landmarks: Landmarks,
    dim: usize,
    threshold: f64,
}

impl OffTopic {
    /// Learns from `reference`, unit vectors of one length, so that a share `false_alarms` of texts
    /// like it is flagged.
    ///
    /// One half of it, 1,000 texts at most, is what texts are compared with; a quarter sets the
    /// threshold; false alarms are counted in the last. Leaving one out instead flags 8 % of fresh
    /// texts where 5 % were asked for, since a reference's texts come in families.
    ///
    /// # Errors
    /// Too few texts.
    pub fn learn(
        reference: &[&[f32]],
        false_alarms: f64,
        seed: u64,
    ) -> Result<(Self, Report), TeachError> {
        let wanted = 4 * MIN_NEGATIVES;
        if reference.len() < wanted {
            return Err(TeachError::Negatives { found: reference.len(), wanted });
        }
        let quarter = deal_singly(reference.len(), 4, seed);
        let part = |wanted: &dyn Fn(usize) -> bool| -> Vec<&[f32]> {
            let rows = reference.iter().zip(&quarter).filter(|(_, q)| wanted(**q));
            rows.map(|(row, _)| *row).collect()
        };
        let mut known = part(&|q| q < 2);
        known.truncate(LANDMARKS);
        let landmarks = Landmarks::new(&known);
        let scores = |rows: &[&[f32]]| -> Vec<f64> {
            landmarks.scores(rows, |_, _| false).into_iter().map(f64::from).collect()
        };
        let limit = threshold(&mut scores(&part(&|q| q == 2)), false_alarms);
        let limit = limit.ok_or(TeachError::Unsolvable)?;
        let report = Report {
            positives: 0,
            negatives: 0,
            from_reference: reference.len() as u64,
            false_alarms_wanted: false_alarms,
            caught: None,
            false_alarms: Rate::above(limit, &scores(&part(&|q| q == 3))),
            auc: None,
        };
        let dim = known.first().map_or(0, |row| row.len());
        Ok((Self { landmarks, dim, threshold: limit }, report))
    }

    /// Judges an embedding; `None` for one of another length. O(landmarks·p).
    pub fn judge(&self, vector: &[f32]) -> Option<Verdict> {
        if vector.len() != self.dim {
            return None;
        }
        let score = self.landmarks.scores(&[vector], |_, _| false).first().copied()?;
        Some(Verdict { score: f64::from(score), threshold: self.threshold })
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Unit vectors around a few axes of `of`.
    fn topics(of: &[usize], n: usize, seed: u64) -> Vec<Vec<f32>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n)
            .map(|i| {
                let mut x: Vec<f32> = (0..32).map(|_| rng.random_range(-0.3..0.3)).collect();
                x[of[i % of.len()]] += 1.0;
                let norm = x.iter().map(|v| v * v).sum::<f32>().sqrt();
                x.iter().map(|v| v / norm).collect()
            })
            .collect()
    }

    #[test]
    fn another_topic_is_off_and_the_own_ones_are_at_the_rate_asked_for() {
        let reference = topics(&[0, 1, 2, 3], 1200, 1);
        let rows: Vec<&[f32]> = reference.iter().map(Vec::as_slice).collect();
        let (judge, report) = OffTopic::learn(&rows, 0.05, 9).unwrap();
        assert!(report.false_alarms.low < 0.05 && 0.05 < report.false_alarms.high, "{report:?}");
        let rate = |rows: &[Vec<f32>]| {
            let over = rows.iter().filter(|x| judge.judge(x).unwrap().is_over()).count();
            over as f64 / rows.len() as f64
        };
        assert!(rate(&topics(&[9, 10], 200, 2)) > 0.95);
        assert!(rate(&topics(&[0, 1, 2, 3], 1000, 3)) < 0.09);
        assert!(judge.judge(&[1.0]).is_none());
        assert!(OffTopic::learn(&rows[..100], 0.05, 9).is_err());
    }
}

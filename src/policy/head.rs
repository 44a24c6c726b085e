//! A classifier over embeddings, taught by examples.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::report::{Rate, Report, threshold};
use super::{MIN_NEGATIVES, MIN_POSITIVES, TeachError, Verdict};
use crate::stats::classifier::{auc, deal_singly};
use crate::stats::logistic::Logistic;

/// Parts of the examples; each is judged by a head that was fitted on the others.
const FOLDS: usize = 5;

/// The L2 penalty of [`Logistic::fit`].
///
/// Of 1e-4 to 3e-2 it has the least loss in cross-validation on our own examples, and is as good as any on
/// those of others (`benches/peers/policies.py`).
pub const PENALTY: f64 = 1e-3;

/// A logistic regression over unit vectors, with the log-odds above which a text is flagged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    weights: Vec<f32>,
    intercept: f64,
    threshold: f64,
}

/// What a head is taught with: embeddings, unit vectors of one length.
#[derive(Debug, Clone, Copy)]
pub struct Lesson<'a> {
    /// Of examples of what is to be found.
    pub positives: &'a [&'a [f32]],
    /// Of examples of what is not.
    pub negatives: &'a [&'a [f32]],
    /// Of ordinary traffic, which counts as what is not.
    pub reference: &'a [&'a [f32]],
    /// The share of texts that are no such case that may be flagged.
    pub false_alarms: f64,
    /// Seed of the folds.
    pub seed: u64,
}

/// A taught head, how good it is, and how each example was judged by a head without it.
#[derive(Debug, Clone, PartialEq)]
pub struct Taught {
    /// The head, fitted on all examples.
    pub head: Head,
    /// How good it is.
    pub report: Report,
    /// Of the positives, in their order: whether it was found.
    pub found: Vec<bool>,
    /// Of the negatives, in their order: whether it was flagged.
    pub flagged: Vec<bool>,
}

impl Head {
    /// Learns from examples, and measures how well.
    ///
    /// Scores are those of five heads that were each fitted without the fifth that they judge. The
    /// threshold is the conformal quantile of one half of the scores of what is not to be found; false
    /// alarms are counted in the other half, so that neither the weights nor the threshold have seen
    /// what they are measured on.
    ///
    /// O(n·p²) for n examples of length p.
    ///
    /// # Errors
    /// Too few examples of either kind.
    pub fn teach(lesson: &Lesson<'_>) -> Result<Taught, TeachError> {
        let negatives: Vec<&[f32]> = [lesson.negatives, lesson.reference].concat();
        let (found, wanted) = (lesson.positives.len(), MIN_POSITIVES);
        if found < wanted {
            return Err(TeachError::Positives { found, wanted });
        }
        if negatives.len() < MIN_NEGATIVES {
            return Err(TeachError::Negatives { found: negatives.len(), wanted: MIN_NEGATIVES });
        }
        let (positives, others) = out_of_fold(lesson.positives, &negatives, lesson.seed)?;
        let (mut calibration, held_out) = halves(&others, lesson.seed);
        let limit = threshold(&mut calibration, lesson.false_alarms);
        let limit = limit.ok_or(TeachError::Unsolvable)?;
        let whole = fit(lesson.positives.iter(), negatives.iter()).ok_or(TeachError::Unsolvable)?;
        let report = Report {
            positives: lesson.positives.len() as u64,
            negatives: lesson.negatives.len() as u64,
            from_reference: lesson.reference.len() as u64,
            false_alarms_wanted: lesson.false_alarms,
            caught: Some(Rate::above(limit, &positives)),
            false_alarms: Rate::above(limit, &held_out),
            auc: auc(&others, &positives),
        };
        let flagged = others.iter().take(lesson.negatives.len()).map(|s| *s > limit).collect();
        let found = positives.iter().map(|score| *score > limit).collect();
        Ok(Taught { head: Self::of(&whole, limit), report, found, flagged })
    }

    fn of(fitted: &Logistic, threshold: f64) -> Self {
        let (weights, intercept) = fitted.coefficients();
        let weights = weights.iter().map(|w| *w as f32).collect();
        Self { weights, intercept, threshold }
    }

    /// Judges an embedding; `None` for one of another length. O(p).
    pub fn judge(&self, vector: &[f32]) -> Option<Verdict> {
        if vector.len() != self.weights.len() {
            return None;
        }
        let product: f64 =
            self.weights.iter().zip(vector).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
        Some(Verdict { score: product + self.intercept, threshold: self.threshold })
    }
}

/// Scores of both kinds by heads that were fitted without them.
fn out_of_fold(
    positives: &[&[f32]],
    negatives: &[&[f32]],
    seed: u64,
) -> Result<(Vec<f64>, Vec<f64>), TeachError> {
    let folds = deal_singly(positives.len(), FOLDS, seed);
    let other_folds = deal_singly(negatives.len(), FOLDS, seed.wrapping_add(1));
    let mut scores = (vec![0.0; positives.len()], vec![0.0; negatives.len()]);
    for fold in 0..FOLDS {
        let fitted = fit(
            outside(positives, &folds, fold).iter(),
            outside(negatives, &other_folds, fold).iter(),
        )
        .ok_or(TeachError::Unsolvable)?;
        judge_fold(&fitted, positives, &folds, fold, &mut scores.0);
        judge_fold(&fitted, negatives, &other_folds, fold, &mut scores.1);
    }
    Ok(scores)
}

fn outside<'a>(rows: &[&'a [f32]], folds: &[usize], fold: usize) -> Vec<&'a [f32]> {
    rows.iter().zip(folds).filter(|(_, f)| **f != fold).map(|(row, _)| *row).collect()
}

fn judge_fold(
    fitted: &Logistic,
    rows: &[&[f32]],
    folds: &[usize],
    fold: usize,
    scores: &mut [f64],
) {
    let places: Vec<usize> = (0..rows.len()).filter(|&i| folds[i] == fold).collect();
    let inside: Vec<&[f32]> = places.iter().map(|&i| rows[i]).collect();
    for (place, score) in places.iter().zip(fitted.scores(&columns(inside.iter()))) {
        scores[*place] = score;
    }
}

fn fit<'a>(
    positives: impl ExactSizeIterator<Item = &'a &'a [f32]>,
    negatives: impl ExactSizeIterator<Item = &'a &'a [f32]>,
) -> Option<Logistic> {
    let labels: Vec<bool> =
        (0..positives.len()).map(|_| true).chain((0..negatives.len()).map(|_| false)).collect();
    Logistic::fit(&columns(positives.chain(negatives)), &labels, PENALTY)
}

fn columns<'a>(rows: impl Iterator<Item = &'a &'a [f32]>) -> DMatrix<f64> {
    let rows: Vec<&[f32]> = rows.copied().collect();
    let dim = rows.first().map_or(0, |row| row.len());
    let numbers = rows.iter().flat_map(|row| row.iter().map(|x| f64::from(*x)));
    DMatrix::from_iterator(dim, rows.len(), numbers)
}

/// Two halves, drawn at random.
fn halves(scores: &[f64], seed: u64) -> (Vec<f64>, Vec<f64>) {
    let side = deal_singly(scores.len(), 2, seed.wrapping_add(2));
    let half = |wanted: usize| {
        let rows = scores.iter().zip(&side).filter(|(_, side)| **side == wanted);
        rows.map(|(score, _)| *score).collect()
    };
    (half(0), half(1))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Unit vectors around an axis, or around none.
    fn around(axis: Option<usize>, n: usize, seed: u64) -> Vec<Vec<f32>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n)
            .map(|_| {
                let mut x: Vec<f32> = (0..16).map(|_| rng.random_range(-1.0..1.0)).collect();
                if let Some(axis) = axis {
                    x[axis] += 2.5;
                }
                let norm = x.iter().map(|v| v * v).sum::<f32>().sqrt();
                x.iter().map(|v| v / norm).collect()
            })
            .collect()
    }

    fn rows(vectors: &[Vec<f32>]) -> Vec<&[f32]> {
        vectors.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn what_is_taught_is_found_at_the_rate_of_false_alarms_asked_for() {
        let (good, bad) = (around(None, 400, 1), around(Some(3), 60, 2));
        let lesson = Lesson {
            positives: &rows(&bad),
            negatives: &[],
            reference: &rows(&good),
            false_alarms: 0.05,
            seed: 7,
        };
        let taught = Head::teach(&lesson).unwrap();
        assert!(taught.report.auc.unwrap() > 0.97, "{:?}", taught.report);
        assert!(taught.report.caught.unwrap().low > 0.8);
        // On rows that nobody has seen.
        let fresh = around(None, 4000, 3);
        let rate = |rows: &[Vec<f32>]| {
            let over = rows.iter().filter(|x| taught.head.judge(x).unwrap().is_over()).count();
            over as f64 / rows.len() as f64
        };
        assert!((0.01..0.10).contains(&rate(&fresh)), "{}", rate(&fresh));
        assert!(rate(&around(Some(3), 500, 4)) > 0.85);
        assert_eq!(Head::teach(&lesson).unwrap(), taught, "the same lesson, the same head");
    }

    #[test]
    fn what_cannot_be_told_apart_is_reported_as_such() {
        let (good, bad) = (around(None, 300, 5), around(None, 60, 6));
        let lesson = Lesson {
            positives: &rows(&bad),
            negatives: &rows(&good),
            reference: &[],
            false_alarms: 0.05,
            seed: 1,
        };
        let report = Head::teach(&lesson).unwrap().report;
        let caught = report.caught.unwrap();
        assert!(caught.rate < 0.25 && caught.high < 0.4, "{report:?}");
        assert!((0.35..0.65).contains(&report.auc.unwrap()));
    }

    #[test]
    fn too_few_examples_are_refused_and_other_lengths_not_judged() {
        let (good, bad) = (around(None, 100, 1), around(Some(0), 29, 2));
        let mut lesson = Lesson {
            positives: &rows(&bad),
            negatives: &rows(&good),
            reference: &[],
            false_alarms: 0.05,
            seed: 1,
        };
        let error = Head::teach(&lesson).unwrap_err();
        assert_eq!(error, TeachError::Positives { found: 29, wanted: 30 });
        let (bad, few) = (around(Some(0), 30, 2), around(None, 59, 1));
        let (bad, few) = (rows(&bad), rows(&few));
        (lesson.positives, lesson.negatives) = (&bad, &few);
        assert!(matches!(Head::teach(&lesson), Err(TeachError::Negatives { found: 59, .. })));
        let head = Head { weights: vec![1.0; 3], intercept: 0.0, threshold: 0.0 };
        assert!(head.judge(&[1.0, 0.0]).is_none());
    }
}

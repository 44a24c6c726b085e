//! A domain classifier: how well a model tells window from reference, on rows that it has not seen.
//!
//! Lopez-Paz, Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017. The figure is the area
//! under the ROC curve: the chance that a row of the window scores above one of the reference. ½
//! says that they cannot be told apart.

use nalgebra::{DMatrix, DVector};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::logistic::Logistic;

/// Area under the ROC curve by mid-ranks, ties counting half (Hanley, McNeil, Radiology 143, 1982):
///
/// AUC = (#{p > n} + ½ #{p = n}) / (positives · negatives)
///
/// O(n log n). `None` when a class is empty.
pub fn auc(negatives: &[f64], positives: &[f64]) -> Option<f64> {
    if negatives.is_empty() || positives.is_empty() {
        return None;
    }
    let mut below = negatives.to_vec();
    below.sort_by(f64::total_cmp);
    let wins: f64 = positives
        .iter()
        .map(|score| {
            let less = below.partition_point(|other| other < score);
            let not_above = below.partition_point(|other| other <= score);
            f64::midpoint(less as f64, not_above as f64)
        })
        .sum();
    Some(wins / (negatives.len() * positives.len()) as f64)
}

/// The fold of each of the rows that `units` index: units in random order, each whole into the fold
/// that has the fewest rows. The same seed gives the same folds.
pub fn deal(units: &[Vec<usize>], folds: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<&Vec<usize>> = units.iter().collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut sizes = vec![0; folds.max(1)];
    let mut fold_of = vec![0; units.iter().map(Vec::len).sum()];
    for unit in order {
        let fold = (0..sizes.len()).min_by_key(|&fold| sizes[fold]).unwrap_or(0);
        sizes[fold] += unit.len();
        unit.iter().for_each(|&row| fold_of[row] = fold);
    }
    fold_of
}

/// The same for `rows` rows that each stand alone.
pub fn deal_singly(rows: usize, folds: usize, seed: u64) -> Vec<usize> {
    deal(&(0..rows).map(|row| vec![row]).collect::<Vec<_>>(), folds, seed)
}

/// One sample and the fold of each of its rows.
#[derive(Debug, Clone, Copy)]
pub struct Folded<'a> {
    /// The rows.
    pub rows: &'a [Vec<f64>],
    /// The fold of each row.
    pub folds: &'a [usize],
}

impl<'a> Folded<'a> {
    /// The rows that are, or are not, in `fold`.
    fn part(self, fold: usize, inside: bool) -> impl Iterator<Item = &'a [f64]> {
        let rows = self.rows.iter().zip(self.folds);
        rows.filter(move |(_, f)| (**f == fold) == inside).map(|(row, _)| row.as_slice())
    }
}

/// The mean over all folds of the AUC of a logistic regression that was fitted on the other folds.
///
/// Features are standardised by mean and deviation of the rows fitted on. `penalty` is that of
/// [`Logistic::fit`]. `None` when in some fold one of the samples has no rows, or has them all.
pub fn cross_validated_auc(reference: Folded<'_>, window: Folded<'_>, penalty: f64) -> Option<f64> {
    let folds = reference.folds.iter().chain(window.folds).max()? + 1;
    let areas = (0..folds).map(|fold| {
        let fitted: Vec<&[f64]> =
            reference.part(fold, false).chain(window.part(fold, false)).collect();
        let split = reference.part(fold, false).count();
        let positive: Vec<bool> = (0..fitted.len()).map(|i| i >= split).collect();
        let scale = Scale::of(&fitted)?;
        let model = Logistic::fit(&scale.apply(&fitted), &positive, penalty)?;
        let scores = |sample: Folded<'_>| {
            model.scores(&scale.apply(&sample.part(fold, true).collect::<Vec<_>>()))
        };
        auc(&scores(reference), &scores(window))
    });
    let areas = areas.collect::<Option<Vec<f64>>>()?;
    Some(areas.iter().sum::<f64>() / areas.len() as f64)
}

/// Mean and deviation of each feature.
struct Scale {
    mean: DVector<f64>,
    deviation: DVector<f64>,
}

impl Scale {
    fn of(rows: &[&[f64]]) -> Option<Self> {
        let (mean, columns) = super::gaussian::centred(rows)?;
        // A constant feature stays at zero whatever it is divided by.
        let deviation = columns.column_variance().map(|v| if v > 0.0 { v.sqrt() } else { 1.0 });
        Some(Self { mean, deviation })
    }

    fn apply(&self, rows: &[&[f64]]) -> DMatrix<f64> {
        DMatrix::from_fn(self.mean.len(), rows.len(), |i, j| {
            (rows[j][i] - self.mean[i]) / self.deviation[i]
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::Rng;

    use super::*;

    proptest! {
        #[test]
        fn swapping_the_classes_mirrors_the_area(
            a in prop::collection::vec(-3i8..3, 1..20),
            b in prop::collection::vec(-3i8..3, 1..20),
        ) {
            let wide = |v: &[i8]| v.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let (a, b) = (wide(&a), wide(&b));
            prop_assert!((auc(&a, &b).unwrap() + auc(&b, &a).unwrap() - 1.0).abs() < 1e-12);
            prop_assert!((auc(&a, &a).unwrap() - 0.5).abs() < 1e-12);
            let stretched = |v: &[f64]| v.iter().map(|x| x.exp()).collect::<Vec<_>>();
            let monotone = auc(&stretched(&a), &stretched(&b)).unwrap();
            prop_assert!((monotone - auc(&a, &b).unwrap()).abs() < 1e-12);
        }

        #[test]
        fn units_stay_whole_and_folds_are_even(
            lengths in prop::collection::vec(1usize..4, 5..30), seed in 0u64..9,
        ) {
            let mut next = 0..;
            let units: Vec<Vec<usize>> =
                lengths.iter().map(|&n| next.by_ref().take(n).collect()).collect();
            let folds = deal(&units, 5, seed);
            prop_assert!(units.iter().all(|unit| unit.iter().all(|&r| folds[r] == folds[unit[0]])));
            let size = |fold| folds.iter().filter(|f| **f == fold).count();
            let sizes: Vec<usize> = (0..5).map(size).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 3);
        }
    }

    fn rows(n: usize, shift: f64, seed: u64) -> Vec<Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| (0..4).map(|_| rng.random_range(-1.0..1.0) + shift).collect()).collect()
    }

    fn area(x: &[Vec<f64>], y: &[Vec<f64>]) -> Option<f64> {
        let folds = |n: usize| deal(&(0..n).map(|i| vec![i]).collect::<Vec<_>>(), 5, 1);
        let (fx, fy) = (folds(x.len()), folds(y.len()));
        cross_validated_auc(Folded { rows: x, folds: &fx }, Folded { rows: y, folds: &fy }, 1.0)
    }

    #[test]
    fn what_cannot_be_told_apart_is_near_a_half() {
        let same = area(&rows(400, 0.0, 1), &rows(200, 0.0, 2)).unwrap();
        assert!((same - 0.5).abs() < 0.1, "{same}");
        let moved = area(&rows(400, 0.0, 1), &rows(200, 0.8, 2)).unwrap();
        assert!(moved > 0.85, "{moved}");
    }

    #[test]
    fn too_few_rows_for_the_folds_are_not_judged() {
        assert_eq!(area(&rows(20, 0.0, 1), &rows(3, 0.0, 2)), None);
        assert_eq!(auc(&[], &[1.0]), None);
    }
}

//! When a change began: the cut through a row of buckets that separates them best.
//!
//! The scan of a kernel change-point test on the grid of the buckets: for each cut the squared
//! distance of the means before and after, weighed by what is on either side. With random Fourier
//! features it is the statistic of Kalinke, Gavioli-Akilagun, "Online RFF-MMD change detection",
//! arXiv 2505.17789, 2025, on a fixed grid; with φ = x it is the classical least-squares cut
//! (Sen, Srivastava, Ann. Statist. 3, 1975).

use super::linear::dot_f64;
use super::mmd::MeanSums;

/// The best cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// Index of the first bucket after the change.
    pub cut: usize,
    /// The statistic at the cut.
    pub statistic: f64,
    /// The part of the variation between the buckets that the cut accounts for, in 0…1: 1 for a
    /// step, about ¾ for a steady slope.
    pub share: f64,
}

/// The cut c, 0 < c < number of buckets, with the largest
///
/// T(c) = n₁n₂/(n₁+n₂) · ‖μ₁ − μ₂‖²,
///
/// μ₁ the mean of the buckets before c and μ₂ of those from c on; `share` = T / Σ_b n_b‖μ_b − μ‖².
/// The earliest of equals. O(buckets · dimension).
///
/// Without a change every cut has the same expected T, with more variance at the ends; whether
/// there was one is for a calibrated detector to say. `None` with fewer than two non-empty buckets,
/// or when all have the same mean.
pub fn cut_between(buckets: &[MeanSums<'_>]) -> Option<ChangePoint> {
    let n: f64 = buckets.iter().map(|b| b.n).sum();
    let mut total = vec![0.0; buckets.first()?.sum.len()];
    buckets.iter().for_each(|b| add(&mut total, b.sum));
    let mean: Vec<f64> = total.iter().map(|s| s / n).collect();
    let (mut n_before, mut before) = (0.0, vec![0.0; mean.len()]);
    let mut statistics = vec![0.0; buckets.len()];
    for (c, pair) in buckets.windows(2).enumerate() {
        n_before += pair[0].n;
        add(&mut before, pair[0].sum);
        let n_after = n - n_before;
        if n_before > 0.0 && n_after > 0.0 {
            // S₁ − n₁μ = n₁n₂/n · (μ₁ − μ₂).
            statistics[c + 1] = deviation_sq(&before, n_before, &mean) * n / (n_before * n_after);
        }
    }
    best(buckets, &mean, &statistics)
}

/// The cut c, 0 ≤ c < number of buckets, with the largest
///
/// T(c) = n₂ · ‖μ₂ − μ_r‖²,
///
/// μ₂ the mean of the buckets from c on and μ_r the known mean before the change, that of the
/// reference; `share` = T / Σ_b n_b‖μ_b − μ_r‖². A cut at 0 says that the first bucket is
/// already changed. The earliest of equals. `None` without a non-empty bucket, or when none differs.
pub fn cut_from(before: &[f64], buckets: &[MeanSums<'_>]) -> Option<ChangePoint> {
    let (mut n_after, mut after) = (0.0, vec![0.0; before.len()]);
    let mut statistics = vec![0.0; buckets.len()];
    for (c, bucket) in buckets.iter().enumerate().rev() {
        n_after += bucket.n;
        add(&mut after, bucket.sum);
        if bucket.n > 0.0 {
            statistics[c] = deviation_sq(&after, n_after, before) / n_after;
        }
    }
    best(buckets, before, &statistics)
}

fn best(buckets: &[MeanSums<'_>], mean: &[f64], statistics: &[f64]) -> Option<ChangePoint> {
    let variation: f64 =
        buckets.iter().filter(|b| b.n > 0.0).map(|b| deviation_sq(b.sum, b.n, mean) / b.n).sum();
    let (cut, &statistic) = statistics
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(b.1).then_with(|| b.0.cmp(&a.0)))?;
    // Rounding leaves about this much of equal means.
    let rounding = 1e-20 * buckets.iter().map(|b| b.n).sum::<f64>() * dot_f64(mean, mean);
    (statistic > rounding).then(|| ChangePoint {
        cut,
        statistic,
        share: (statistic / variation).min(1.0),
    })
}

fn add(sum: &mut [f64], other: &[f64]) {
    sum.iter_mut().zip(other).for_each(|(s, v)| *s += v);
}

/// ‖S − nμ‖².
fn deviation_sq(sum: &[f64], n: f64, mean: &[f64]) -> f64 {
    sum.iter().zip(mean).map(|(s, m)| (s - n * m).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug)]
    struct Bucket {
        n: f64,
        sum: Vec<f64>,
    }

    /// Buckets of `n` events each with the given means.
    fn buckets(means: &[[f64; 2]], n: f64) -> Vec<Bucket> {
        means.iter().map(|m| Bucket { n, sum: m.iter().map(|v| n * v).collect() }).collect()
    }

    fn sums(buckets: &[Bucket]) -> Vec<MeanSums<'_>> {
        buckets.iter().map(|b| MeanSums { n: b.n, sum: &b.sum, sum_sq: b.n }).collect()
    }

    #[test]
    fn a_step_is_found_whole() {
        let means = [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]];
        let row = buckets(&means, 50.0);
        let found = cut_between(&sums(&row)).unwrap();
        assert_eq!(found.cut, 3);
        assert!((found.share - 1.0).abs() < 1e-12);
        assert!((found.statistic - 150.0 * 100.0 / 250.0 * 2.0).abs() < 1e-9);
        let found = cut_from(&[1.0, 0.0], &sums(&row)).unwrap();
        assert_eq!((found.cut, found.statistic), (3, 200.0));
        assert_eq!(cut_from(&[1.0, 0.0], &sums(&row)[3..]).unwrap().cut, 0);
    }

    #[test]
    fn a_slope_is_three_quarters() {
        let means: Vec<[f64; 2]> = (0..200).map(|i| [f64::from(i), 0.0]).collect();
        let found = cut_between(&sums(&buckets(&means, 10.0))).unwrap();
        assert_eq!(found.cut, 100);
        assert!((found.share - 0.75).abs() < 0.01);
    }

    #[test]
    fn empty_buckets_and_equal_ones_say_nothing() {
        let mut row = buckets(&[[1.0, 0.0], [1.0, 0.0]], 7.0);
        assert_eq!(cut_between(&sums(&row)), None);
        assert_eq!(cut_from(&[1.0, 0.0], &sums(&row)), None);
        row[1] = Bucket { n: 0.0, sum: vec![0.0; 2] };
        assert_eq!(cut_between(&sums(&row)), None);
        assert_eq!(cut_between(&[]), None);
        assert_eq!(cut_from(&[1.0, 0.0], &[]), None);
    }

    #[test]
    fn a_gap_does_not_move_the_cut_from_a_reference() {
        let mut row = buckets(&[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], 20.0);
        row[1] = Bucket { n: 0.0, sum: vec![0.0; 2] };
        assert_eq!(cut_from(&[1.0, 0.0], &sums(&row)).unwrap().cut, 2);
    }

    fn row() -> impl Strategy<Value = Vec<Bucket>> {
        let bucket = (0u8..40, prop::collection::vec(-1.0f64..1.0, 3));
        let bucket = bucket.prop_map(|(n, mean)| {
            let n = f64::from(n);
            Bucket { n, sum: mean.iter().map(|v| n * v).collect() }
        });
        prop::collection::vec(bucket, 2..9)
    }

    proptest! {
        #[test]
        fn the_scan_is_the_definition(row in row()) {
            let mean = |part: &[Bucket]| -> (f64, Vec<f64>) {
                let n: f64 = part.iter().map(|b| b.n).sum();
                (n, (0..3).map(|i| part.iter().map(|b| b.sum[i]).sum::<f64>() / n).collect())
            };
            let plain = (1..row.len()).filter_map(|c| {
                let ((n1, m1), (n2, m2)) = (mean(&row[..c]), mean(&row[c..]));
                let distance: f64 = m1.iter().zip(&m2).map(|(a, b)| (a - b).powi(2)).sum();
                (n1 > 0.0 && n2 > 0.0).then_some(n1 * n2 / (n1 + n2) * distance)
            }).fold(0.0, f64::max);
            if let Some(found) = cut_between(&sums(&row)) {
                prop_assert!((found.statistic - plain).abs() < 1e-9 * (1.0 + plain));
                prop_assert!(found.share > 0.0 && found.share <= 1.0);
            } else {
                prop_assert!(plain < 1e-9);
            }
        }

        #[test]
        fn a_clean_step_is_always_found(
            lengths in prop::collection::vec(1u8..30, 3..12), at in 1usize..11, size in 0.1f64..2.0,
        ) {
            let cut = at.min(lengths.len() - 1);
            let row: Vec<Bucket> = lengths.iter().enumerate().map(|(i, &n)| {
                let (n, x) = (f64::from(n), if i < cut { 0.0 } else { size });
                Bucket { n, sum: vec![n * x, n] }
            }).collect();
            prop_assert_eq!(cut_between(&sums(&row)).unwrap().cut, cut);
            prop_assert_eq!(cut_from(&[0.0, 1.0], &sums(&row)).unwrap().cut, cut);
        }

        #[test]
        fn moving_everything_moves_nothing(row in row(), shift in -3.0f64..3.0) {
            let moved: Vec<Bucket> = row.iter().map(|b| Bucket {
                n: b.n, sum: b.sum.iter().map(|s| s + b.n * shift).collect(),
            }).collect();
            if let (Some(a), Some(b)) = (cut_between(&sums(&row)), cut_between(&sums(&moved))) {
                prop_assert!((a.statistic - b.statistic).abs() < 1e-9 * (1.0 + a.statistic));
            }
        }
    }
}

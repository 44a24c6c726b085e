//! The energy distance of two samples: by mean Euclidean distances, without a bandwidth to choose.
//!
//! D²(P, Q) = 2 E‖X−Y‖ − E‖X−X′‖ − E‖Y−Y′‖ (Székely, Rizzo, "Energy statistics: a class of statistics
//! based on distances", J. Statistical Planning and Inference 143, 2013). It is zero exactly when
//! P = Q, and is the squared MMD of the kernel −‖x−y‖ (Sejdinovic et al., Ann. Statist. 41, 2013).
//! Both functions here give the square; its root is the metric.

use rayon::prelude::*;

/// The unbiased form: pairs of a row with itself are left out of the inner means.
///
/// Zero on average without drift, whatever the sample sizes; can be negative. O((m+n)²·d), on all
/// threads, with the same result on any number. `None` when a sample has fewer than two rows.
pub fn energy_distance_unbiased<T>(x: &[&[T]], y: &[&[T]]) -> Option<f64>
where
    T: Copy + Into<f64> + Sync,
{
    if x.len() < 2 || y.len() < 2 {
        return None;
    }
    let pairs = |n: usize| (n * (n - 1)) as f64;
    let inner = 2.0 * within(x) / pairs(x.len()) + 2.0 * within(y) / pairs(y.len());
    Some(2.0 * across(x, y) / (x.len() * y.len()) as f64 - inner)
}

/// The biased form (V-statistic, each row paired with itself too): never negative, and on average
/// above zero without drift. In one dimension its root is what SciPy's `energy_distance` gives.
///
/// `None` when a sample is empty.
pub fn energy_distance_biased<T>(x: &[&[T]], y: &[&[T]]) -> Option<f64>
where
    T: Copy + Into<f64> + Sync,
{
    if x.is_empty() || y.is_empty() {
        return None;
    }
    let (m, n) = (x.len() as f64, y.len() as f64);
    let inner = 2.0 * within(x) / (m * m) + 2.0 * within(y) / (n * n);
    Some(2.0 * across(x, y) / (m * n) - inner)
}

/// Σ_{i<j} ‖xᵢ − xⱼ‖.
fn within<T: Copy + Into<f64> + Sync>(x: &[&[T]]) -> f64 {
    let rows = (0..x.len()).into_par_iter().map(|i| to_all(x[i], &x[i + 1..]));
    rows.collect::<Vec<f64>>().iter().sum()
}

/// Σᵢⱼ ‖xᵢ − yⱼ‖.
fn across<T: Copy + Into<f64> + Sync>(x: &[&[T]], y: &[&[T]]) -> f64 {
    x.par_iter().map(|row| to_all(row, y)).collect::<Vec<f64>>().iter().sum()
}

fn to_all<T: Copy + Into<f64>>(row: &[T], others: &[&[T]]) -> f64 {
    others.iter().map(|other| distance(row, other)).sum()
}

/// ‖a − b‖ in double precision. Differences first, so that equal rows are at exactly zero; partial
/// sums, so that the compiler can use vector registers.
fn distance<T: Copy + Into<f64>>(a: &[T], b: &[T]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let square = |x: T, y: T| {
        let difference: f64 = x.into() - y.into();
        difference * difference
    };
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    let tail: f64 = rest.map(|(&x, &y)| square(x, y)).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..8 {
            lanes[lane] += square(x[lane], y[lane]);
        }
    }
    (lanes.iter().sum::<f64>() + tail).sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(points: &[Vec<f32>]) -> Vec<&[f32]> {
        points.iter().map(Vec::as_slice).collect()
    }

    fn sample(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Vec<f32>>> {
        prop::collection::vec(prop::collection::vec(-2.0f32..2.0, 11), n)
    }

    proptest! {
        #[test]
        fn symmetric_and_blind_to_order(x in sample(2..9), mut y in sample(2..9)) {
            let there = energy_distance_unbiased(&rows(&x), &rows(&y)).unwrap();
            let back = energy_distance_unbiased(&rows(&y), &rows(&x)).unwrap();
            prop_assert!((there - back).abs() < 1e-12);
            y.reverse();
            let reversed = energy_distance_unbiased(&rows(&x), &rows(&y)).unwrap();
            prop_assert!((there - reversed).abs() < 1e-12);
        }

        #[test]
        fn biased_is_never_negative_and_zero_on_equal_samples(x in sample(1..9), y in sample(1..9)) {
            prop_assert!(energy_distance_biased(&rows(&x), &rows(&y)).unwrap() > -1e-12);
            prop_assert!(energy_distance_biased(&rows(&x), &rows(&x)).unwrap().abs() < 1e-12);
        }

        #[test]
        fn the_bias_is_the_mean_distance_by_the_sample_sizes(x in sample(2..9), y in sample(2..9)) {
            let (m, n) = (x.len() as f64, y.len() as f64);
            let mean = |points: &[Vec<f32>], n: f64| 2.0 * within(&rows(points)) / (n * (n - 1.0));
            let biased = energy_distance_biased(&rows(&x), &rows(&y)).unwrap();
            let unbiased = energy_distance_unbiased(&rows(&x), &rows(&y)).unwrap();
            let bias = mean(&x, m) / m + mean(&y, n) / n;
            prop_assert!((biased - unbiased - bias).abs() < 1e-12);
        }
    }

    #[test]
    fn too_few_rows_are_not_judged() {
        assert_eq!(energy_distance_unbiased::<f32>(&[&[1.0]], &[&[1.0], &[2.0]]), None);
        assert_eq!(energy_distance_biased::<f32>(&[], &[&[1.0]]), None);
    }
}

//! Distances of two samples of numbers, by their distribution functions F (of x) and G (of y).

/// The Kolmogorov–Smirnov statistic sup |F − G|, in 0…1 (Smirnov, Ann. Math. Statist. 19, 1948).
///
/// Ties are taken together. O(n log n). `None` when a sample is empty.
pub fn kolmogorov_smirnov(x: &[f64], y: &[f64]) -> Option<f64> {
    let mut largest = 0.0f64;
    walk(x, y, |gap, _| largest = largest.max(gap))?;
    Some(largest)
}

/// The Wasserstein-1 distance ∫ |F − G|, in the units of the values: the mean way that mass has to
/// move (Vallender, Theory of Probability and its Applications 18, 1974).
///
/// O(n log n). `None` when a sample is empty.
pub fn wasserstein(x: &[f64], y: &[f64]) -> Option<f64> {
    let mut area = 0.0;
    walk(x, y, |gap, width| area += gap * width)?;
    Some(area)
}

/// Calls `step` with |F − G| just after each distinct value, and the distance to the next one: zero
/// after the last.
fn walk(x: &[f64], y: &[f64], mut step: impl FnMut(f64, f64)) -> Option<()> {
    if x.is_empty() || y.is_empty() {
        return None;
    }
    let sorted = |values: &[f64]| {
        // Adding zero makes −0 and 0 one value; the total order makes the walk end whatever comes.
        let mut values: Vec<f64> = values.iter().map(|v| v + 0.0).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (x, y) = (sorted(x), sorted(y));
    let (mut i, mut j) = (0, 0);
    let smallest =
        |i: usize, j: usize| x.get(i).into_iter().chain(y.get(j)).copied().min_by(f64::total_cmp);
    while let Some(value) = smallest(i, j) {
        i += x[i..].partition_point(|v| v.total_cmp(&value).is_le());
        j += y[j..].partition_point(|v| v.total_cmp(&value).is_le());
        let gap = i as f64 / x.len() as f64 - j as f64 / y.len() as f64;
        step(gap.abs(), smallest(i, j).map_or(0.0, |next| next - value));
    }
    Some(())
}

/// The inner edges that divide `values` into `bins` of equal counts: quantiles i/bins, interpolated
/// linearly between neighbours (type 7 of Hyndman, Fan, The American Statistician 50, 1996).
///
/// `bins` − 1 edges, or none for no values.
pub fn quantile_edges(values: &[f64], bins: usize) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return Vec::new() };
    (1..bins)
        .map(|i| {
            let (whole, rest) = (i * last / bins, i * last % bins);
            let (low, high) = (sorted[whole], sorted[(whole + 1).min(last)]);
            low + (high - low) * (rest as f64 / bins as f64)
        })
        .collect()
}

/// How many of `values` lie in each of the bins between `edges`; a value on an edge is in the upper
/// one.
pub fn bin_counts(edges: &[f64], values: &[f64]) -> Vec<f64> {
    let mut counts = vec![0.0; edges.len() + 1];
    for value in values {
        counts[edges.partition_point(|edge| edge <= value)] += 1.0;
    }
    counts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec((-20i8..20).prop_map(|v| f64::from(v) / 4.0), 1..25)
    }

    proptest! {
        #[test]
        fn symmetric_and_zero_on_equals(x in sample(), y in sample()) {
            for distance in [kolmogorov_smirnov, wasserstein] {
                let there = distance(&x, &y).unwrap();
                prop_assert!((there - distance(&y, &x).unwrap()).abs() < 1e-12);
                prop_assert!(there >= 0.0 && distance(&x, &x).unwrap() < 1e-12);
                let twice = [x.clone(), x.clone()].concat();
                prop_assert!((there - distance(&twice, &y).unwrap()).abs() < 1e-12);
            }
        }

        #[test]
        fn a_shift_moves_all_mass_by_as_much(x in sample(), shift in -3.0f64..3.0) {
            let moved: Vec<f64> = x.iter().map(|v| v + shift).collect();
            prop_assert!((wasserstein(&x, &moved).unwrap() - shift.abs()).abs() < 1e-9);
        }

        #[test]
        fn ks_sees_order_alone(x in sample(), y in sample()) {
            let bent = |v: &[f64]| v.iter().map(|v| v.powi(3)).collect::<Vec<_>>();
            let plain = kolmogorov_smirnov(&x, &y).unwrap();
            prop_assert!((plain - kolmogorov_smirnov(&bent(&x), &bent(&y)).unwrap()).abs() < 1e-12);
        }

        #[test]
        fn every_value_is_counted_once(x in sample(), y in sample(), bins in 1usize..12) {
            let edges = quantile_edges(&x, bins);
            prop_assert_eq!(edges.len(), bins - 1);
            prop_assert!(edges.is_sorted());
            prop_assert!((bin_counts(&edges, &y).iter().sum::<f64>() - y.len() as f64).abs() < 1e-12);
        }
    }

    #[test]
    fn deciles_divide_evenly() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(bin_counts(&quantile_edges(&values, 10), &values), vec![10.0; 10]);
    }

    #[test]
    fn an_empty_sample_is_not_judged() {
        assert_eq!(kolmogorov_smirnov(&[], &[1.0]), None);
        assert_eq!(wasserstein(&[1.0], &[]), None);
        assert!(quantile_edges(&[], 10).is_empty());
    }

    #[test]
    fn the_walk_ends_whatever_the_values() {
        assert!(kolmogorov_smirnov(&[f64::NAN, 1.0], &[f64::NAN]).unwrap() > 0.0);
        assert!(kolmogorov_smirnov(&[0.0], &[-0.0]).unwrap() < 1e-15);
    }
}

//! The RBF kernel k(x, y) = exp(−γ‖x − y‖²) and its bandwidth.

use super::linear::distance_sq;

/// exp(−γ·`distance_sq`).
pub fn rbf(gamma: f64, distance_sq: f64) -> f64 {
    (-gamma * distance_sq).exp()
}

/// Median of ‖xᵢ − xⱼ‖² over all pairs i < j of the rows: the mean of the two middle values for
/// an even number of pairs. Zero for fewer than two rows. O(n²·d).
///
/// The median heuristic γ = 1 / median (Gretton et al., JMLR 13, 2012, §8) makes the kernel decay
/// over the typical distance of two reference points. Self-pairs are left out: they would pull the
/// median towards zero.
pub fn median_sq_distance<T: Copy + Into<f64>>(rows: &[&[T]]) -> f64 {
    let mut distances: Vec<f64> = Vec::with_capacity(rows.len() * rows.len().saturating_sub(1) / 2);
    for (i, a) in rows.iter().enumerate() {
        distances.extend(rows[i + 1..].iter().map(|b| distance_sq(a, b)));
    }
    median(&mut distances)
}

/// Median of `values`, which are reordered; zero for none.
pub fn median(values: &mut [f64]) -> f64 {
    let n = values.len();
    if n == 0 {
        return 0.0;
    }
    let (below, &mut upper, _) = values.select_nth_unstable_by(n / 2, f64::total_cmp);
    if n % 2 == 1 {
        return upper;
    }
    let lower = below.iter().copied().max_by(f64::total_cmp).unwrap_or(upper);
    f64::midpoint(lower, upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_even_and_odd_counts() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < 1e-15);
        assert!((median(&mut [4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-15);
        assert!(median(&mut []).abs() < 1e-15);
    }

    #[test]
    fn self_pairs_do_not_count() {
        let rows: [&[f64]; 2] = [&[0.0, 0.0], &[3.0, 4.0]];
        assert!((median_sq_distance(&rows) - 25.0).abs() < 1e-12);
    }
}

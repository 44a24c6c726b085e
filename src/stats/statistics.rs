//! The statistics of one window, all from its sketch and what is expected of it.

use super::divergence::kl_corrected;
use super::expectation::Expected;
use super::linear::dot_f64;
use super::mmd::MeanSums;
use super::sketch::Sketch;

/// Number of statistics.
pub const STATISTICS: usize = 5;

/// Position of the squared MMD.
pub const MMD: usize = 0;
/// Position of the KL divergence.
pub const KL: usize = 1;
/// Position of the squared centroid distance.
pub const CENTROID: usize = 2;
/// Position of the squared centroid distance in whitened coordinates.
pub const WHITENED: usize = 3;
/// Position of the novelty.
pub const NOVELTY: usize = 4;

/// Which shifts of a mean count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Up and down.
    Either,
    /// Up alone: a coordinate that fell counts as one that did not move.
    Up,
}

impl Direction {
    /// The part of a coordinate's shift that counts.
    pub const fn part(self, shift: f64) -> f64 {
        match self {
            Self::Either => shift,
            Self::Up => shift.max(0.0),
        }
    }

    /// The share of the variance of a shift that its counted part has as its mean square without
    /// drift: of a symmetric one, half lies on either side.
    const fn expected_share(self) -> f64 {
        match self {
            Self::Either => 1.0,
            Self::Up => 0.5,
        }
    }
}

/// Values and the scale that their spread without drift is proportional to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// −∞ for a statistic that the window does not have.
    pub values: [f64; STATISTICS],
    /// 1/n + v for squared distances and divergences, its root for means.
    pub scales: [f64; STATISTICS],
}

impl Statistics {
    /// The statistics of `window` against `expected`.
    ///
    /// `whitened_sq` is ‖L⁻¹(μ_w − m)‖², of the coordinates that count in `direction`, of which the part that is due to chance, `residual_whitened`
    /// · (1/n + v), is taken off; `novelty_sd` makes the novelty a number of standard deviations of
    /// one text.
    pub fn of(
        window: &Sketch,
        expected: &Expected,
        whitened_sq: Option<f64>,
        residual_whitened: f64,
        novelty_sd: f64,
        direction: Direction,
    ) -> Self {
        let missing = f64::NEG_INFINITY;
        let n = window.n;
        let scale = 1.0 / n + expected.leverage;
        let cells: Vec<f64> =
            expected.cells.iter().map(|share| share.max(0.0) / expected.cells_leverage).collect();
        let mut values = [missing; STATISTICS];
        values[MMD] =
            squared_shift(window.kernel(), &expected.phi, expected.variance_phi).unwrap_or(missing);
        values[CENTROID] = match direction {
            Direction::Either => squared_shift(window.linear(), &expected.x, expected.variance_x),
            Direction::Up => squared_rise(window.linear(), expected),
        }
        .unwrap_or(missing);
        values[KL] = kl_corrected(&window.cells, &cells).unwrap_or(missing);
        if let Some(squared) = whitened_sq {
            values[WHITENED] = squared - direction.expected_share() * residual_whitened * scale;
        }
        if novelty_sd > 0.0 {
            values[NOVELTY] = (window.novelty / n - expected.novelty) / novelty_sd;
        }
        Self { values, scales: scales(n, expected.leverage, expected.cells_leverage) }
    }

    /// Values whose distribution without drift hardly depends on the size of window and reference.
    pub fn standardised(&self) -> [f64; STATISTICS] {
        std::array::from_fn(|i| self.values[i] / self.scales[i])
    }
}

/// What the spread of each statistic without drift is proportional to, in a window of `n` values
/// whose expectation has these leverages.
pub fn scales(n: f64, leverage: f64, cells_leverage: f64) -> [f64; STATISTICS] {
    let scale = 1.0 / n + leverage;
    let mut scales = [scale; STATISTICS];
    scales[KL] = 1.0 / n + cells_leverage;
    scales[NOVELTY] = scale.sqrt();
    scales
}

/// ‖μ_w − m‖² without bias: the diagonal of the window's pairs left out, and the variance of m, as
/// far as it is itself an estimate, taken off.
///
/// With the mean of N rows as m it is the two-sample U-statistic
/// [`squared_distance_unbiased`](super::mmd::squared_distance_unbiased).
pub fn squared_shift(window: MeanSums<'_>, mean: &[f64], variance: f64) -> Option<f64> {
    if window.n < 2.0 {
        return None;
    }
    let own = (dot_f64(window.sum, window.sum) - window.sum_sq) / (window.n * (window.n - 1.0));
    Some(own + dot_f64(mean, mean) - variance - 2.0 * dot_f64(window.sum, mean) / window.n)
}

/// Σ max(0, μ_w − m)² over the coordinates, less what chance alone is expected to add.
fn squared_rise(window: MeanSums<'_>, expected: &Expected) -> Option<f64> {
    if window.n < 2.0 {
        return None;
    }
    let shifts = window.sum.iter().zip(&expected.x).map(|(sum, mean)| sum / window.n - mean);
    let risen: f64 = shifts.map(|shift| Direction::Up.part(shift).powi(2)).sum();
    let per_event = expected.variance_x / expected.leverage;
    let chance = per_event * (1.0 / window.n + expected.leverage);
    Some(risen - Direction::Up.expected_share() * chance)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::expectation::{Columns, ExpectationSums};
    use super::super::mmd::squared_distance_unbiased;
    use super::*;

    fn sums(rows: &[f32]) -> (f64, f64) {
        (rows.iter().map(|&x| f64::from(x)).sum(), rows.iter().map(|&x| f64::from(x * x)).sum())
    }

    #[test]
    fn a_fall_is_no_rise() {
        let columns = Columns { dim: 2, phi: 1, whitened: 0 };
        let mut expectation = ExpectationSums::new(columns, 1, 1);
        for i in 0..1000 {
            let x = [f32::from(u8::from(i % 10 == 0)), f32::from(u8::from(i % 10 == 1))];
            expectation.add(&[1.0], &[x[0], x[1], 1.0, 0.0], f64::from(x[0] + x[1]), 0.0);
            expectation.add_cell(&[1.0], 0);
        }
        let expected = expectation.finish().unwrap().at(&[1.0]);
        let rise = |a: f64, b: f64| {
            let sum = [200.0 * a, 200.0 * b];
            let window = MeanSums { n: 200.0, sum: &sum, sum_sq: sum[0] + sum[1] };
            squared_rise(window, &expected).unwrap()
        };
        let chance = rise(0.1, 0.1);
        assert!((rise(0.0, 0.02) - chance).abs() < 1e-12, "both fell");
        assert!((rise(0.3, 0.0) - chance - 0.04).abs() < 1e-9, "one rose by 0.2");
        // Half of the variance of either mean, about 0.09 · (1/200 + 1/1000).
        assert!((chance + 0.09 * 0.006).abs() < 1e-5, "{chance}");
    }

    proptest! {
        #[test]
        fn a_flat_expectation_gives_the_two_sample_statistic(
            window in prop::collection::vec(-2.0f32..2.0, 2..20),
            reference in prop::collection::vec(-2.0f32..2.0, 2..20),
        ) {
            let columns = Columns { dim: 1, phi: 1, whitened: 0 };
            let mut expectation = ExpectationSums::new(columns, 1, 1);
            for x in &reference {
                expectation.add(&[1.0], &[*x, 1.0, 0.0], f64::from(x * x), 0.0);
                expectation.add_cell(&[1.0], 0);
            }
            let expected = expectation.finish().unwrap().at(&[1.0]);
            let ((w, w_sq), (r, r_sq)) = (sums(&window), sums(&reference));
            let window = MeanSums { n: window.len() as f64, sum: &[w], sum_sq: w_sq };
            let two = MeanSums { n: reference.len() as f64, sum: &[r], sum_sq: r_sq };
            let want = squared_distance_unbiased(window, two).unwrap();
            let got = squared_shift(window, &expected.x, expected.variance_x).unwrap();
            prop_assert!((got - want).abs() < 1e-6, "{} {}", got, want);
        }
    }
}

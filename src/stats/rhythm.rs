//! Daily and weekly rhythm: what a reference looks like at each hour.
//!
//! Where topics follow the clock, a window of a few hours differs from the reference as a whole
//! every day. It must be compared with the same hours. A rhythm is a small basis of functions of the
//! time, b(t); the mean of any feature at time t is a linear function of it, fitted by least squares
//! (harmonic regression: Bloomfield, *Fourier Analysis of Time Series*, 2000). Sums of b(t) over
//! events add up like everything else in a sketch, so the mean that one expects of a window follows
//! from the window's own Σb. Without a rhythm the basis is the constant 1.
//! *Background:* Cobb, Van Looveren, "Context-Aware Drift Detection", ICML 2022.

use std::f64::consts::TAU;

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

const DAY: i64 = 86_400_000_000;

/// Daily harmonics: periods of 24, 12 and 8 hours.
const HARMONICS: usize = 3;

/// Days that a reference must span, and days off that it must hold, before one is looked for.
const MIN_DAYS: (usize, usize) = (5, 4);

/// Student's t of the daily improvements above which a rhythm is taken for real.
const SIGNIFICANT: f64 = 3.0;

/// The functions of time that a reference's means depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rhythm {
    /// The hour of the day matters.
    pub daily: bool,
    /// Two days a week are others; the first of them, 0 for Monday, UTC.
    pub days_off_from: Option<u8>,
}

impl Rhythm {
    /// Number of functions.
    pub const fn functions(&self) -> usize {
        1 + if self.daily { 2 * HARMONICS } else { 0 }
            + match (self.days_off_from, self.daily) {
                (None, _) => 0,
                (Some(_), false) => 1,
                // On days off the day has another course.
                (Some(_), true) => 3,
            }
    }

    /// Whether there is one at all.
    pub fn is_flat(&self) -> bool {
        *self == Self::default()
    }

    /// b(t) at `micros` since 1970, UTC.
    pub fn basis(&self, micros: i64) -> Vec<f64> {
        let mut basis = Vec::with_capacity(self.functions());
        basis.push(1.0);
        let angle = TAU * micros.rem_euclid(DAY) as f64 / DAY as f64;
        if self.daily {
            for h in 1..=HARMONICS {
                let (s, c) = (h as f64 * angle).sin_cos();
                basis.extend([c, s]);
            }
        }
        if let Some(first) = self.days_off_from {
            let off = f64::from(u8::from(is_off(micros, first)));
            basis.push(off);
            if self.daily {
                let (s, c) = angle.sin_cos();
                basis.extend([off * c, off * s]);
            }
        }
        basis
    }

    /// Events of one phase are interchangeable without drift: the hour, and whether the day is off.
    pub fn phase(&self, micros: i64) -> usize {
        let hour = if self.daily { micros.rem_euclid(DAY) / (DAY / 24) } else { 0 };
        let off = self.days_off_from.is_some_and(|first| is_off(micros, first));
        hour as usize + if off { 24 } else { 0 }
    }

    /// The rhythm of `rows` at `times` (micros since 1970), by leaving out one day at a time.
    ///
    /// For each candidate the means are fitted without a day and the day's rows predicted. A rhythm
    /// is chosen if it predicts better than the constant by more than chance: t > 3 over the days; of
    /// several, the one with the least error. O(rows · dim · functions).
    pub fn find(rows: &[&[f32]], times: &[i64]) -> Self {
        let days: Vec<i64> = times.iter().map(|t| t.div_euclid(DAY)).collect();
        let (flat, count) = cross_validated(Self::default(), rows, times, &days);
        if count < MIN_DAYS.0 {
            return Self::default();
        }
        let days_off = |first: u8| {
            let mut off: Vec<i64> =
                times.iter().filter(|t| is_off(**t, first)).map(|t| t.div_euclid(DAY)).collect();
            off.dedup();
            off.sort_unstable();
            off.dedup();
            off.len()
        };
        let mut candidates = vec![Self { daily: true, days_off_from: None }];
        // Saturday and Sunday, or Friday and Saturday.
        for first in [5, 4].into_iter().filter(|first| days_off(*first) >= MIN_DAYS.1) {
            for daily in [false, true] {
                candidates.push(Self { daily, days_off_from: Some(first) });
            }
        }
        let mut best = (flat.iter().sum::<f64>(), Self::default());
        for candidate in candidates {
            let (errors, _) = cross_validated(candidate, rows, times, &days);
            let total = errors.iter().sum::<f64>();
            if total < best.0 && t_of_improvement(&flat, &errors) > SIGNIFICANT {
                best = (total, candidate);
            }
        }
        best.1
    }
}

fn is_off(micros: i64, first: u8) -> bool {
    // 1970-01-01 was a Thursday.
    let weekday = (micros.div_euclid(DAY) + 3).rem_euclid(7);
    (weekday - i64::from(first)).rem_euclid(7) < 2
}

/// Squared error of each day when it is predicted from the others, and the number of days.
fn cross_validated(
    rhythm: Rhythm,
    rows: &[&[f32]],
    times: &[i64],
    days: &[i64],
) -> (Vec<f64>, usize) {
    let (q, dim) = (rhythm.functions(), rows.first().map_or(0, |row| row.len()));
    let mut by_day: std::collections::BTreeMap<i64, Normal> = std::collections::BTreeMap::new();
    for ((row, time), day) in rows.iter().zip(times).zip(days) {
        by_day.entry(*day).or_insert_with(|| Normal::new(q, dim)).add(&rhythm.basis(*time), row);
    }
    let mut total = Normal::new(q, dim);
    by_day.values().for_each(|day| total.merge(day, 1.0));
    let errors = by_day
        .values()
        .map(|day| {
            let mut rest = total.clone();
            rest.merge(day, -1.0);
            rest.coefficients().map_or(day.sum_sq, |a| day.error(&a))
        })
        .collect();
    (errors, by_day.len())
}

/// Mean over standard error of the daily improvements.
fn t_of_improvement(flat: &[f64], errors: &[f64]) -> f64 {
    let gains: Vec<f64> = flat.iter().zip(errors).map(|(a, b)| a - b).collect();
    let n = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / n;
    let variance = gains.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / (n - 1.0);
    mean / (variance / n).sqrt().max(f64::MIN_POSITIVE)
}

/// Sums of a least-squares problem: Σbbᵀ, Σbxᵀ, Σ‖x‖².
#[derive(Clone)]
struct Normal {
    gram: DMatrix<f64>,
    cross: DMatrix<f64>,
    sum_sq: f64,
}

impl Normal {
    fn new(q: usize, dim: usize) -> Self {
        Self { gram: DMatrix::zeros(q, q), cross: DMatrix::zeros(q, dim), sum_sq: 0.0 }
    }

    fn add(&mut self, basis: &[f64], row: &[f32]) {
        let b = DVector::from_row_slice(basis);
        self.gram.ger(1.0, &b, &b, 1.0);
        for (mut column, &x) in self.cross.column_iter_mut().zip(row) {
            column.axpy(f64::from(x), &b, 1.0);
        }
        self.sum_sq += super::linear::norm_sq(row);
    }

    fn merge(&mut self, other: &Self, sign: f64) {
        self.gram += &other.gram * sign;
        self.cross += &other.cross * sign;
        self.sum_sq += sign * other.sum_sq;
    }

    fn coefficients(&self) -> Option<DMatrix<f64>> {
        Some(self.gram.clone().cholesky()?.solve(&self.cross))
    }

    /// Σ‖x − Aᵀb‖² = Σ‖x‖² − 2·tr(AᵀΣbxᵀ) + tr(AᵀΣbbᵀA).
    fn error(&self, a: &DMatrix<f64>) -> f64 {
        self.sum_sq - 2.0 * a.dot(&self.cross) + a.dot(&(&self.gram * a))
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Monday, 2025-03-03.
    const MONDAY: i64 = 1_740_960_000_000_000;

    fn traffic(days: i64, seed: u64, mean: impl Fn(i64) -> f64) -> (Vec<Vec<f32>>, Vec<i64>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..days * 200)
            .map(|i| {
                let time = MONDAY + i * DAY / 200;
                let noise = rng.random_range(-1.0..1.0);
                (vec![(mean(time) + noise) as f32, rng.random_range(-1.0..1.0)], time)
            })
            .unzip()
    }

    fn find(days: i64, seed: u64, mean: impl Fn(i64) -> f64) -> Rhythm {
        let (rows, times) = traffic(days, seed, mean);
        Rhythm::find(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), &times)
    }

    fn by_hour(time: i64) -> f64 {
        (TAU * time.rem_euclid(DAY) as f64 / DAY as f64).cos() * 0.5
    }

    #[test]
    fn what_is_there_is_found() {
        assert_eq!(find(14, 1, by_hour), Rhythm { daily: true, days_off_from: None });
        let weekend = |time| if is_off(time, 5) { 0.8 } else { 0.0 };
        assert_eq!(find(14, 2, weekend), Rhythm { daily: false, days_off_from: Some(5) });
        let both = |time| by_hour(time) + if is_off(time, 4) { 0.8 } else { 0.0 };
        assert_eq!(find(14, 3, both), Rhythm { daily: true, days_off_from: Some(4) });
    }

    #[test]
    fn chance_is_no_rhythm_and_few_days_are_too_few() {
        let found = (0..40).filter(|seed| !find(14, 100 + seed, |_| 0.0).is_flat()).count();
        assert!(found <= 1, "{found} of 40");
        assert!(find(4, 1, by_hour).is_flat());
    }

    #[test]
    fn the_basis_has_its_length_and_phases_repeat_daily() {
        for daily in [false, true] {
            for days_off_from in [None, Some(4), Some(5)] {
                let rhythm = Rhythm { daily, days_off_from };
                assert_eq!(rhythm.basis(MONDAY).len(), rhythm.functions());
                assert_eq!(rhythm.phase(MONDAY), rhythm.phase(MONDAY + DAY));
            }
        }
        assert!(is_off(MONDAY + 5 * DAY, 5) && !is_off(MONDAY + 4 * DAY, 5));
        assert!(is_off(MONDAY + 4 * DAY, 4) && !is_off(MONDAY + 6 * DAY, 4));
    }
}

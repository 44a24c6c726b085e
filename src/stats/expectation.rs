//! What the reference leads one to expect of a window.
//!
//! The mean of every feature is regressed on the rhythm's basis b(t): A = (Σbbᵀ)⁻¹ Σbfᵀ. A window
//! whose events have the mean basis b̄ is expected to have the mean m = Aᵀb̄, and the regression's own
//! error at b̄ is that of 1/v independent rows, with the leverage v = b̄ᵀ(Σbbᵀ)⁻¹b̄. Without a rhythm
//! b = 1, m is the reference's mean and v = 1/N.

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::linear::axpy;

/// Sums of one regression of `width` columns on `functions` functions of time. Additive.
#[derive(Debug, Clone, PartialEq)]
pub struct Regressor {
    functions: usize,
    n: f64,
    gram: Vec<f64>,
    /// Row-major: functions × width.
    cross: Vec<f64>,
}

impl Regressor {
    /// The sums of no rows.
    pub fn new(functions: usize, width: usize) -> Self {
        let gram = vec![0.0; functions * functions];
        Self { functions, n: 0.0, gram, cross: vec![0.0; functions * width] }
    }

    /// Adds one row of features at basis `b`.
    pub fn add(&mut self, b: &[f64], row: &[f32]) {
        self.add_times(1.0, b, row);
    }

    /// Adds one row as often as `times` says.
    fn add_times(&mut self, times: f64, b: &[f64], row: &[f32]) {
        self.n += times;
        for (i, &bi) in b.iter().enumerate() {
            let bi = times * bi;
            for (j, &bj) in b.iter().enumerate() {
                self.gram[i * self.functions + j] += bi * bj;
            }
            if bi != 0.0 {
                axpy(&mut self.cross[i * row.len()..(i + 1) * row.len()], bi, row);
            }
        }
    }

    /// Adds one row that is 1 in column `cell` and 0 elsewhere.
    pub fn add_cell(&mut self, b: &[f64], cell: usize) {
        self.n += 1.0;
        let width = self.cross.len() / self.functions;
        for (i, &bi) in b.iter().enumerate() {
            for (j, &bj) in b.iter().enumerate() {
                self.gram[i * self.functions + j] += bi * bj;
            }
            self.cross[i * width + cell] += bi;
        }
    }

    /// Number of rows.
    pub fn n(&self) -> f64 {
        self.n
    }

    /// The fit; `None` while the functions cannot be told apart.
    pub fn solve(&self) -> Option<Fit> {
        let q = self.functions;
        let inverse = DMatrix::from_row_slice(q, q, &self.gram).cholesky()?.inverse();
        let width = self.cross.len() / q;
        let mut coefficients = vec![0.0; self.cross.len()];
        for i in 0..q {
            for j in 0..q {
                let weight = inverse[(i, j)];
                let from = &self.cross[j * width..(j + 1) * width];
                let into = &mut coefficients[i * width..(i + 1) * width];
                into.iter_mut().zip(from).for_each(|(a, c)| *a += weight * c);
            }
        }
        Some(Fit { functions: q, gram_inverse: inverse.iter().copied().collect(), coefficients })
    }

    /// Σ over the columns of `range` of the squared length that the fit explains: tr(AᵀΣbfᵀ).
    fn explained(&self, fit: &Fit, range: std::ops::Range<usize>) -> f64 {
        let width = self.cross.len() / self.functions;
        (0..self.functions)
            .map(|i| {
                let row = i * width + range.start..i * width + range.end;
                let (a, c) = (&fit.coefficients[row.clone()], &self.cross[row]);
                a.iter().zip(c).map(|(a, c)| a * c).sum::<f64>()
            })
            .sum()
    }

    /// Variance of the columns of `range` about the fit, per row, unbiased; `sum_sq` is their Σ‖f‖².
    pub fn residual(&self, fit: &Fit, range: std::ops::Range<usize>, sum_sq: f64) -> f64 {
        let freedom = (self.n - self.functions as f64).max(1.0);
        ((sum_sq - self.explained(fit, range)) / freedom).max(0.0)
    }
}

/// Fitted means as functions of the phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    functions: usize,
    gram_inverse: Vec<f64>,
    /// Row-major: functions × width.
    coefficients: Vec<f64>,
}

impl Fit {
    /// The expected means at the mean basis `b`.
    pub fn at(&self, b: &[f64]) -> Vec<f64> {
        self.first_at(b, self.coefficients.len() / self.functions)
    }

    /// The first `count` of them.
    fn first_at(&self, b: &[f64], count: usize) -> Vec<f64> {
        let width = self.coefficients.len() / self.functions;
        let mut mean = vec![0.0; count];
        for (row, &bi) in self.coefficients.chunks_exact(width.max(1)).zip(b) {
            mean.iter_mut().zip(row).for_each(|(m, a)| *m += bi * a);
        }
        mean
    }

    /// v = b̄ᵀ(Σbbᵀ)⁻¹b̄: the fit's variance at b̄ is that of 1/v independent rows.
    pub fn leverage(&self, b: &[f64]) -> f64 {
        let q = self.functions;
        let gram = DMatrix::from_column_slice(q, q, &self.gram_inverse);
        let b = DVector::from_column_slice(b);
        b.dot(&(gram * &b))
    }
}

/// The columns of one row's features: coordinates, random features, whitened coordinates, novelty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Coordinates of x.
    pub dim: usize,
    /// Random features φ(x).
    pub phi: usize,
    /// Whitened coordinates: `dim` of them in a simulation, none in a profile, whose windows are
    /// whitened as a whole.
    pub whitened: usize,
}

impl Columns {
    /// Number of columns; the last is the novelty score.
    pub const fn width(&self) -> usize {
        self.dim + self.phi + self.whitened + 1
    }

    fn phi_range(&self) -> std::ops::Range<usize> {
        self.dim..self.dim + self.phi
    }

    fn whitened_range(&self) -> std::ops::Range<usize> {
        self.dim + self.phi..self.dim + self.phi + self.whitened
    }
}

/// A reference as expectations, with the spread about them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Rows behind it.
    pub n: f64,
    /// Rows behind the cells: those that the codebook was not fitted on.
    pub n_cells: f64,
    columns: Columns,
    means: Fit,
    cells: Fit,
    /// Variance about the expectation per event, summed over coordinates and over features.
    residual_x: f64,
    residual_phi: f64,
    /// The same in whitened coordinates.
    pub residual_whitened: f64,
    /// Standard deviation of the novelty score.
    pub novelty_sd: f64,
    /// Rows in each cell, whatever their phase.
    pub cell_counts: Vec<f64>,
}

/// Sums that an [`Expectation`] is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectationSums {
    columns: Columns,
    means: Regressor,
    cells: Regressor,
    sum_sq_x: f64,
    sum_sq_whitened: f64,
    sum_sq_novelty: f64,
}

impl ExpectationSums {
    /// The sums of no rows, for `functions` functions of time and `cells` cells.
    pub fn new(columns: Columns, functions: usize, cells: usize) -> Self {
        Self {
            columns,
            means: Regressor::new(functions, columns.width()),
            cells: Regressor::new(functions, cells),
            sum_sq_x: 0.0,
            sum_sq_whitened: 0.0,
            sum_sq_novelty: 0.0,
        }
    }

    /// Adds one row of features, laid out as the columns say; `whitened_sq` is its squared length in
    /// whitened coordinates, 0 where there are none.
    pub fn add(&mut self, b: &[f64], row: &[f32], sum_sq_x: f64, whitened_sq: f64) {
        self.add_times(1.0, b, row, sum_sq_x, whitened_sq);
    }

    /// Adds one row as often as `times` says.
    pub fn add_times(
        &mut self,
        times: f64,
        b: &[f64],
        row: &[f32],
        sum_sq_x: f64,
        whitened_sq: f64,
    ) {
        self.means.add_times(times, b, row);
        self.sum_sq_x += times * sum_sq_x;
        self.sum_sq_whitened += times * whitened_sq;
        let novelty = row.last().map_or(0.0, |v| f64::from(*v));
        self.sum_sq_novelty += times * novelty * novelty;
    }

    /// Counts one row of the part that the codebook was not fitted on.
    pub fn add_cell(&mut self, b: &[f64], cell: usize) {
        self.cells.add_cell(b, cell);
    }

    /// The expectation; `None` when the rows are too few to tell the functions of time apart.
    pub fn finish(&self) -> Option<Expectation> {
        let (columns, n) = (self.columns, self.means.n());
        let (means, cells) = (self.means.solve()?, self.cells.solve()?);
        let last = columns.width() - 1..columns.width();
        let novelty = self.means.residual(&means, last, self.sum_sq_novelty);
        // ‖φ(x)‖ = 1, so Σ‖φ(x)‖² = n.
        let residual_phi = self.means.residual(&means, columns.phi_range(), n);
        let residual_whitened = if columns.whitened > 0 {
            self.means.residual(&means, columns.whitened_range(), self.sum_sq_whitened)
        } else {
            self.sum_sq_whitened / n
        };
        Some(Expectation {
            n,
            n_cells: self.cells.n(),
            residual_x: self.means.residual(&means, 0..columns.dim, self.sum_sq_x),
            residual_phi,
            residual_whitened,
            novelty_sd: novelty.sqrt(),
            // The first function is the constant.
            cell_counts: self.cells.cross[..self.cells.cross.len() / self.cells.functions].to_vec(),
            columns,
            means,
            cells,
        })
    }
}

impl Expectation {
    /// The expected mean of x alone.
    pub fn mean_at(&self, b: &[f64]) -> Vec<f64> {
        self.means.first_at(b, self.columns.dim)
    }

    /// What to expect of a window whose events have the mean basis `b`.
    pub fn at(&self, b: &[f64]) -> Expected {
        let mut x = self.means.at(b);
        let novelty = x.pop().unwrap_or(0.0);
        let whitened = x.split_off(self.columns.dim + self.columns.phi);
        let phi = x.split_off(self.columns.dim);
        let leverage = self.means.leverage(b);
        Expected {
            x,
            phi,
            whitened,
            novelty,
            cells: self.cells.at(b),
            leverage,
            cells_leverage: self.cells.leverage(b),
            variance_x: self.residual_x * leverage,
            variance_phi: self.residual_phi * leverage,
        }
    }
}

/// The means that one expects of a window, and how far they are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// Mean of x.
    pub x: Vec<f64>,
    /// Mean of φ(x).
    pub phi: Vec<f64>,
    /// Mean of the whitened coordinates; empty in a profile.
    pub whitened: Vec<f64>,
    /// Mean novelty score.
    pub novelty: f64,
    /// Share of each cell; a regression can leave small negative ones.
    pub cells: Vec<f64>,
    /// Of the means: 1 ÷ the number of independent rows that they are worth.
    pub leverage: f64,
    /// The same of the cells.
    pub cells_leverage: f64,
    /// Variance of the mean of x, summed over coordinates.
    pub variance_x: f64,
    /// Variance of the mean of φ(x), summed over features.
    pub variance_phi: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns { dim: 1, phi: 2, whitened: 0 };

    #[test]
    fn without_a_rhythm_it_is_mean_and_variance() {
        let mut sums = ExpectationSums::new(COLUMNS, 1, 2);
        for (i, x) in [1.0f32, 2.0, 4.0].into_iter().enumerate() {
            sums.add(&[1.0], &[x, 0.6, 0.8, 0.5], f64::from(x * x), 2.0);
            sums.add_cell(&[1.0], i % 2);
        }
        let expectation = sums.finish().unwrap();
        let expected = expectation.at(&[1.0]);
        assert!((expected.x[0] - 7.0 / 3.0).abs() < 1e-12);
        assert!((expected.leverage - 1.0 / 3.0).abs() < 1e-12);
        assert!((expected.variance_x - 7.0 / 3.0 / 3.0).abs() < 1e-9);
        assert!((expected.cells[0] - 2.0 / 3.0).abs() < 1e-12);
        assert!((expectation.residual_whitened - 2.0).abs() < 1e-12);
        assert!(expected.variance_phi.abs() < 1e-6 && expectation.novelty_sd < 1e-6);
    }

    #[test]
    fn a_mean_that_follows_the_basis_is_expected_where_it_is() {
        let mut sums = ExpectationSums::new(COLUMNS, 2, 1);
        for i in 0..40u8 {
            let phase = f64::from(i % 4) - 1.5;
            let x = (2.0 + 3.0 * phase) as f32;
            sums.add(&[1.0, phase], &[x, 1.0, 0.0, 0.0], f64::from(x * x), 0.0);
            sums.add_cell(&[1.0, phase], 0);
        }
        let expected = sums.finish().unwrap().at(&[1.0, 0.5]);
        assert!((expected.x[0] - 3.5).abs() < 1e-6 && expected.variance_x < 1e-6);
        assert!((expected.cells[0] - 1.0).abs() < 1e-9);
        let (near, far) = (expected.leverage, sums.finish().unwrap().at(&[1.0, 3.0]).leverage);
        assert!(near < far, "the fit is known less well far from its rows");
    }

    #[test]
    fn a_row_added_three_times_counts_three_times() {
        let (once, thrice) =
            (([1.0, 0.5], [2.0, 0.6, 0.8, 0.5]), ([1.0, -0.5], [1.0, 1.0, 0.0, 0.1]));
        let sums = |times: &[f64]| {
            let mut sums = ExpectationSums::new(COLUMNS, 2, 1);
            for &times in times {
                sums.add_times(times, &thrice.0, &thrice.1, 1.0, 4.0);
            }
            sums.add(&once.0, &once.1, 4.0, 2.0);
            sums
        };
        assert_eq!(sums(&[1.0, 1.0, 1.0]), sums(&[3.0]));
    }

    #[test]
    fn functions_that_never_vary_cannot_be_fitted() {
        let mut sums = ExpectationSums::new(COLUMNS, 2, 1);
        for _ in 0..5 {
            sums.add(&[1.0, 0.0], &[1.0, 1.0, 0.0, 0.0], 1.0, 0.0);
            sums.add_cell(&[1.0, 0.0], 0);
        }
        assert!(sums.finish().is_none());
    }
}

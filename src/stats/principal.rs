//! Principal axes: the few directions in which rows vary most.
//!
//! Pearson, "On lines and planes of closest fit to systems of points in space", Phil. Mag. 2, 1901.
//! Axes fitted to two samples together do not know which row is of which, so that a permutation
//! test of what is computed on them stays exact.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::gaussian::centred;

/// Axes whose variance is below this share of the largest are left out: rounding, not structure.
const NEGLIGIBLE: f64 = 1e-10;

/// The mean of the fitted rows and their main directions.
#[derive(Debug, Clone, PartialEq)]
pub struct PrincipalAxes {
    mean: DVector<f64>,
    /// k × p, one unit vector a row.
    axes: DMatrix<f64>,
    /// Variance of the fitted rows along each axis, falling; divided by n − 1.
    pub variances: Vec<f64>,
}

impl PrincipalAxes {
    /// The `most` axes of `rows` with the largest variance; fewer when the rows span fewer.
    ///
    /// O(n·p² + p³). `None` when the rows do not vary at all.
    pub fn fit<T: Copy + Into<f64>>(rows: &[&[T]], most: usize) -> Option<Self> {
        let (mean, columns) = centred(rows)?;
        let scatter = &columns * columns.transpose() / (rows.len() as f64 - 1.0).max(1.0);
        let eigen = SymmetricEigen::try_new(scatter, f64::EPSILON, 100 * mean.len())?;
        let mut order: Vec<usize> = (0..mean.len()).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let largest = eigen.eigenvalues[*order.first()?];
        let rounding = f64::EPSILON * mean.norm_squared();
        let negligible = rounding.max(NEGLIGIBLE * largest);
        order.retain(|&axis| eigen.eigenvalues[axis] > negligible);
        order.truncate(most);
        let axes = DMatrix::from_fn(order.len(), mean.len(), |axis, coordinate| {
            eigen.eigenvectors[(coordinate, order[axis])]
        });
        let variances = order.iter().map(|&axis| eigen.eigenvalues[axis]).collect::<Vec<_>>();
        (!variances.is_empty()).then_some(Self { mean, axes, variances })
    }

    /// Number of axes.
    pub fn len(&self) -> usize {
        self.variances.len()
    }

    /// Whether there is no axis: never, for what `fit` gives.
    pub fn is_empty(&self) -> bool {
        self.variances.is_empty()
    }

    /// The coordinates of `row` along the axes.
    pub fn project<T: Copy + Into<f64>>(&self, row: &[T]) -> Vec<f64> {
        let row = DVector::from_iterator(row.len(), row.iter().map(|&v| v.into()));
        (&self.axes * (row - &self.mean)).as_slice().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_one_axis_along_which_lengths_are_kept() {
        let points: Vec<Vec<f32>> = (0..9).map(|i| vec![3.0 * i as f32, 4.0 * i as f32]).collect();
        let rows: Vec<&[f32]> = points.iter().map(Vec::as_slice).collect();
        let axes = PrincipalAxes::fit(&rows, 2).unwrap();
        assert_eq!(axes.len(), 1);
        let along = axes.project(rows[8])[0] - axes.project(rows[0])[0];
        assert!((along.abs() - 40.0).abs() < 1e-9);
        assert!((axes.variances[0] - 25.0 * 7.5).abs() < 1e-9);
    }

    #[test]
    fn rows_that_do_not_vary_have_no_axes() {
        assert_eq!(PrincipalAxes::fit::<f32>(&[[0.1, 0.7].as_slice(); 7], 2), None);
        assert_eq!(PrincipalAxes::fit::<f32>(&[], 2), None);
    }
}

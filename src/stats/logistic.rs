//! Logistic regression with an L2 penalty: a small, deterministic Newton solver.

use nalgebra::{DMatrix, DVector};

/// Newton steps at most; from zero, six or seven are usual.
const STEPS: usize = 50;

/// A step that does not lower the objective is halved so often at most.
const HALVINGS: usize = 30;

/// Largest component of the gradient at which the solution counts as found.
const TOLERANCE: f64 = 1e-10;

/// A fitted model: the log-odds of class 1 are w·x + b.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// w, then b.
    coefficients: DVector<f64>,
}

impl Logistic {
    /// Fits `columns` (p × n, one row of data a column) of which `positive` says the class, by
    /// minimising
    ///
    /// Σ sᵢ ln(1 + e^(−tᵢ(w·xᵢ + b))) / n + ½·penalty·‖w‖²,   tᵢ = ±1
    ///
    /// with weights sᵢ = n / (2·n_class), so that both classes count the same however many rows
    /// they have. b is not penalised. In scikit-learn's terms: `class_weight="balanced"` and
    /// C = 1 / (penalty·n). Newton's method, each step halved until the objective falls (Hastie,
    /// Tibshirani, Friedman, *The Elements of Statistical Learning*, 2nd edition, 4.4.1).
    ///
    /// O(steps·n·p²). `None` when a class has no rows or `penalty` is not positive.
    pub fn fit(columns: &DMatrix<f64>, positive: &[bool], penalty: f64) -> Option<Self> {
        let n = positive.len() as f64;
        let ones = positive.iter().filter(|p| **p).count() as f64;
        if ones < 1.0 || n - ones < 1.0 || penalty <= 0.0 {
            return None;
        }
        let problem = Problem {
            inputs: columns.clone().insert_row(columns.nrows(), 1.0),
            targets: positive.iter().map(|p| f64::from(u8::from(*p))).collect(),
            weights: positive.iter().map(|p| 0.5 / if *p { ones } else { n - ones }).collect(),
            penalty,
        };
        let mut coefficients = DVector::zeros(problem.inputs.nrows());
        let mut value = problem.objective(&coefficients);
        for _ in 0..STEPS {
            let (gradient, hessian) = problem.derivatives(&coefficients);
            if gradient.amax() < TOLERANCE {
                break;
            }
            let mut step = hessian.cholesky()?.solve(&gradient);
            let lower = (0..HALVINGS).find_map(|_| {
                let next = &coefficients - &step;
                let at = problem.objective(&next);
                step *= 0.5;
                (at < value).then_some((next, at))
            });
            // No lower point within rounding: this is the minimum.
            let Some((next, at)) = lower else { break };
            (coefficients, value) = (next, at);
        }
        Some(Self { coefficients })
    }

    /// w and b.
    pub fn coefficients(&self) -> (&[f64], f64) {
        let all = self.coefficients.as_slice();
        all.split_last().map_or((all, 0.0), |(b, w)| (w, *b))
    }

    /// The log-odds of class 1 for each of `columns`.
    pub fn scores(&self, columns: &DMatrix<f64>) -> Vec<f64> {
        let weights = self.coefficients.rows(0, columns.nrows());
        let intercept = self.coefficients[columns.nrows()];
        columns.tr_mul(&weights).iter().map(|score| score + intercept).collect()
    }
}

struct Problem {
    /// (p + 1) × n; the last row is the intercept's 1.
    inputs: DMatrix<f64>,
    /// 0 or 1.
    targets: Vec<f64>,
    /// Sum to 1.
    weights: Vec<f64>,
    penalty: f64,
}

impl Problem {
    fn objective(&self, coefficients: &DVector<f64>) -> f64 {
        let scores = self.inputs.tr_mul(coefficients);
        let rows = scores.iter().zip(&self.targets).zip(&self.weights);
        // ln(1 + e^z) − t·z, without overflow.
        let loss: f64 =
            rows.map(|((z, t), s)| s * (z.max(0.0) + (-z.abs()).exp().ln_1p() - t * z)).sum();
        let squares = coefficients.norm_squared() - coefficients[coefficients.len() - 1].powi(2);
        loss + 0.5 * self.penalty * squares
    }

    fn derivatives(&self, coefficients: &DVector<f64>) -> (DVector<f64>, DMatrix<f64>) {
        let scores = self.inputs.tr_mul(coefficients);
        let chances: Vec<f64> = scores.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect();
        let rows = || chances.iter().zip(&self.targets).zip(&self.weights);
        let residuals =
            DVector::from_iterator(chances.len(), rows().map(|((c, t), s)| s * (c - t)));
        let mut scaled = self.inputs.clone();
        for (mut column, ((c, _), s)) in scaled.column_iter_mut().zip(rows()) {
            column *= (s * c * (1.0 - c)).sqrt();
        }
        let mut gradient = &self.inputs * residuals;
        let mut hessian = &scaled * scaled.transpose();
        for i in 0..coefficients.len() - 1 {
            gradient[i] += self.penalty * coefficients[i];
            hessian[(i, i)] += self.penalty;
        }
        (gradient, hessian)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_vanishes_at_the_solution() {
        let columns = DMatrix::from_fn(3, 40, |i, j| ((i + 2) as f64 * j as f64).sin());
        let positive: Vec<bool> = (0..40).map(|j| j % 7 < 2 || j > 30).collect();
        let model = Logistic::fit(&columns, &positive, 0.3).unwrap();
        assert_eq!(model, Logistic::fit(&columns, &positive, 0.3).unwrap());
        // The intercept's equation: the weighted chances of both classes are the same.
        let ones = positive.iter().filter(|p| **p).count() as f64;
        let balance: f64 = model
            .scores(&columns)
            .iter()
            .zip(&positive)
            .map(|(z, p)| {
                let chance = 1.0 / (1.0 + (-z).exp());
                if *p { (1.0 - chance) / ones } else { -chance / (40.0 - ones) }
            })
            .sum();
        assert!(balance.abs() < 1e-9, "{balance}");
    }

    #[test]
    fn separable_classes_have_a_finite_solution() {
        let columns = DMatrix::from_fn(1, 20, |_, j| j as f64 * 100.0);
        let positive: Vec<bool> = (0..20).map(|j| j >= 10).collect();
        let scores = Logistic::fit(&columns, &positive, 1e-3).unwrap().scores(&columns);
        assert!(scores.iter().zip(&positive).all(|(z, p)| z.is_finite() && (*z > 0.0) == *p));
    }

    #[test]
    fn one_class_cannot_be_told_from_nothing() {
        let columns = DMatrix::from_element(1, 3, 1.0);
        assert_eq!(Logistic::fit(&columns, &[true; 3], 1.0), None);
    }
}

//! Do neighbouring events resemble each other?
//!
//! The mean of b independent events varies as one event's variance ÷ b. Where neighbours resemble
//! each other it varies more, by the design effect, and thresholds for independent events would be
//! crossed all the time. Whole blocks of neighbours must then be drawn together.

use super::linear::{add, norm_sq};

/// Events of a block whose mean's variance is looked at.
const BLOCK: usize = 50;

/// A design effect above this is taken for dependence.
const DEPENDENT: f64 = 1.1;

/// Variance of the mean of 50 neighbouring rows over that of 50 independent ones: 1 for independent
/// rows, up to 50 for equal neighbours. `rows` are in the order of time, less what is expected at it.
pub fn design_effect(rows: &[Vec<f32>]) -> f64 {
    let block = BLOCK.min(rows.len() / 10).max(1);
    let dim = rows.first().map_or(0, Vec::len);
    let mut mean = vec![0.0; dim];
    rows.iter().for_each(|row| add(&mut mean, row));
    mean.iter_mut().for_each(|m| *m /= rows.len() as f64);
    let offset = mean.iter().map(|m| m * m).sum::<f64>();
    let variance = rows.iter().map(|row| norm_sq(row)).sum::<f64>() / rows.len() as f64 - offset;
    let blocks = rows.chunks_exact(block);
    let count = blocks.len() as f64;
    let between: f64 = blocks
        .map(|block_rows| {
            let mut sum = vec![0.0; dim];
            block_rows.iter().for_each(|row| add(&mut sum, row));
            sum.iter().zip(&mean).map(|(s, m)| (s / block as f64 - m).powi(2)).sum::<f64>()
        })
        .sum();
    if variance <= 1e-12 || count < 2.0 {
        return 1.0;
    }
    // The mean of all blocks is itself taken off.
    between / (count - 1.0) * block as f64 / variance
}

/// Length of the blocks that keep the dependence of rows with this design effect, at most
/// `rows` ÷ 20; 1 for independent rows.
///
/// Forty times the excess of the integrated autocorrelation time, which the design effect of long
/// blocks estimates: measured, shorter blocks give thresholds that are crossed too often.
pub fn block_length(design_effect: f64, rows: usize) -> usize {
    if design_effect <= DEPENDENT {
        return 1;
    }
    ((40.0 * (design_effect - 1.0)).ceil() as usize).clamp(10, (rows / 20).max(10))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Vectors that come in runs of `run` equal ones.
    fn rows(n: usize, run: usize) -> Vec<Vec<f32>> {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut current = Vec::new();
        (0..n)
            .map(|i| {
                if i % run == 0 {
                    current = (0..30).map(|_| rng.random_range(-1.0..1.0)).collect();
                }
                current.clone()
            })
            .collect()
    }

    #[test]
    fn independent_rows_have_an_effect_of_one_and_runs_of_their_length() {
        let alone = design_effect(&rows(4000, 1));
        assert!((alone - 1.0).abs() < 0.1, "{alone}");
        assert_eq!(block_length(alone, 4000), 1);
        let runs = design_effect(&rows(4000, 5));
        assert!((runs - 5.0).abs() < 0.5, "{runs}");
        assert!(block_length(runs, 4000) > 100);
        assert_eq!(block_length(50.0, 4000), 200);
    }

    #[test]
    fn equal_rows_are_no_dependence() {
        assert!((design_effect(&vec![vec![1.0, 2.0]; 100]) - 1.0).abs() < 1e-12);
    }
}

//! Whether users ask other things, or the model answers otherwise.
//!
//! Post-stratification: the reference's mean response is weighed anew by what the window's users
//! ask (its mix of query cells). What that explains of the responses' shift is due to the mix; the
//! rest is answers that changed for equal questions. The decomposition is that of Kitagawa
//! ("Components of a Difference Between Two Rates", JASA 50, 1955) with the reference's means as
//! the standard, for vectors; products of a row with itself are left out, as in the U-statistic of
//! the MMD, so that without drift each part is zero on average.

/// Sums of responses by the query's cell.
#[derive(Debug, Clone, Copy)]
pub struct CellSums<'a> {
    /// Events per cell.
    pub n: &'a [f64],
    /// Σy per cell: row-major, cells × dimension.
    pub sum: &'a [f64],
    /// Σ‖y‖² per cell; for unit vectors it is `n`.
    pub sum_sq: &'a [f64],
}

/// A squared distance, and what of it sampling alone makes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// The squared distance of the means as they are: never negative, and above zero even without
    /// any drift.
    pub plain: f64,
    /// Its expectation without drift.
    pub noise: f64,
}

impl Part {
    /// `plain` − `noise`: zero on average without drift; can be negative.
    pub fn corrected(self) -> f64 {
        self.plain - self.noise
    }
}

/// The shift of the mean response, taken apart. With w_k the window's share of cell k, W_k the
/// reference's, m_k and M_k their mean responses in it:
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// ‖Σ w_k m_k − Σ W_k M_k‖²: how far the mean response moved.
    pub total: Part,
    /// ‖Σ (w_k − W_k) M_k‖²: as far it would have moved had each question been answered as before.
    pub mix: Part,
    /// ‖Σ w_k (m_k − M_k)‖²: how far answers to equal questions moved in common.
    pub conditional: Part,
    /// Σ w_k ‖m_k − M_k‖² − `conditional`: how far answers moved in ways that differ from cell to
    /// cell and cancel in the mean, as when two topics swap their answers.
    pub pairing: Part,
    /// The share of the window's events in cells for which the reference has responses; the others
    /// have nothing to be compared with and are left out of all parts.
    pub covered: f64,
}

impl Split {
    /// `total` − `mix` − `conditional`, corrected: twice the product of the two shifts. Positive
    /// where they point the same way.
    pub fn interaction(&self) -> f64 {
        self.total.corrected() - self.mix.corrected() - self.conditional.corrected()
    }
}

/// Takes the shift of the mean response from `reference` to `window` apart.
///
/// Noise is estimated from the spread within cells, which for a cell with one event is taken from
/// the other cells; where each cell has two or more, the corrected parts have no bias
/// (`conditional` and `pairing` at the window's own mix). Events are taken as independent: sessions
/// make the noise larger than stated. O(cells · dimension). `None` when fewer than two events of
/// either side are in cells that both have, no cell has two, or the sides have not the same cells.
pub fn split(window: CellSums<'_>, reference: CellSums<'_>) -> Option<Split> {
    let cells = reference.n.len();
    let dim = reference.sum.len() / cells.max(1);
    let fits = |s: &CellSums<'_>| {
        s.n.len() == cells && s.sum_sq.len() == cells && s.sum.len() == cells * dim
    };
    if !fits(&window) || !fits(&reference) {
        return None;
    }
    let usable: Vec<usize> = (0..cells).filter(|&k| reference.n[k] > 0.0).collect();
    let (now, then) = (Means::of(window, &usable, dim)?, Means::of(reference, &usable, dim)?);
    let (w, big_w) = (now.weights(), then.weights());

    // Moments of the cells' means, freed of the noise in each: vᵀGv with G_kl = M_k·M_l.
    let mix_shift: Vec<f64> = w.iter().zip(&big_w).map(|(a, b)| a - b).collect();
    let deltas = now.minus(&then);
    let between = |weights: &[f64]| {
        let squares: f64 = weights.iter().zip(&then.mean_sq()).map(|(w, sq)| w * sq).sum();
        let own: f64 = weights.iter().zip(&then.noise).map(|(w, v)| w * v).sum();
        squares - own - (then.combined_sq(weights) - weighed(weights, &then.noise))
    };
    let mix = Part {
        plain: then.combined_sq(&mix_shift),
        noise: weighed(&mix_shift, &then.noise)
            + between(&w) / (now.n - 1.0)
            + between(&big_w) / (then.n - 1.0),
    };
    let noise: Vec<f64> = now.noise.iter().zip(&then.noise).map(|(a, b)| a + b).collect();
    let conditional = Part { plain: deltas.combined_sq(&w), noise: weighed(&w, &noise) };
    let each = Part {
        plain: w.iter().zip(&deltas.mean_sq()).map(|(w, sq)| w * sq).sum(),
        noise: w.iter().zip(&noise).map(|(w, v)| w * v).sum(),
    };
    Some(Split {
        total: total(&now, &then),
        mix,
        conditional,
        pairing: Part {
            plain: each.plain - conditional.plain,
            noise: each.noise - conditional.noise,
        },
        covered: now.n / window.n.iter().sum::<f64>(),
    })
}

/// Σ a_k² v_k.
fn weighed(weights: &[f64], noise: &[f64]) -> f64 {
    weights.iter().zip(noise).map(|(a, v)| a * a * v).sum()
}

/// ‖ȳ_w − ȳ_r‖² and the variances of both means.
fn total(now: &Means, then: &Means) -> Part {
    let (a, b) = (now.combined(&now.weights()), then.combined(&then.weights()));
    let variance = |means: &Means, mean: &[f64]| {
        let norm: f64 = mean.iter().map(|v| v * v).sum();
        (means.sum_sq / means.n - norm) / (means.n - 1.0)
    };
    Part {
        plain: a.iter().zip(&b).map(|(x, y)| (x - y).powi(2)).sum(),
        noise: variance(now, &a) + variance(then, &b),
    }
}

/// One side: the means of its cells.
struct Means {
    dim: usize,
    n: f64,
    sum_sq: f64,
    counts: Vec<f64>,
    /// Row-major; zero for an empty cell.
    rows: Vec<f64>,
    /// Estimated variance of each mean: tr(C_k)/n_k.
    noise: Vec<f64>,
}

impl Means {
    fn of(sums: CellSums<'_>, cells: &[usize], dim: usize) -> Option<Self> {
        let counts: Vec<f64> = cells.iter().map(|&k| sums.n[k]).collect();
        let n: f64 = counts.iter().sum();
        let mut rows: Vec<f64> = Vec::with_capacity(cells.len() * dim);
        // Σ‖y − m_k‖² of each cell.
        let mut scatter = Vec::with_capacity(cells.len());
        for &k in cells {
            let mean = sums.sum[k * dim..(k + 1) * dim].iter().map(|s| s / sums.n[k].max(1.0));
            let start = rows.len();
            rows.extend(mean);
            let norm: f64 = rows[start..].iter().map(|v| v * v).sum();
            scatter.push((sums.sum_sq[k] - sums.n[k] * norm).max(0.0));
        }
        let freedom: f64 = counts.iter().map(|c| (c - 1.0).max(0.0)).sum();
        if n < 2.0 || freedom <= 0.0 {
            return None;
        }
        let pooled = scatter.iter().sum::<f64>() / freedom;
        let noise = counts.iter().zip(&scatter).map(|(&count, scatter)| {
            if count >= 2.0 {
                scatter / (count - 1.0) / count
            } else if count > 0.0 {
                pooled / count
            } else {
                0.0
            }
        });
        let noise = noise.collect();
        let sum_sq = cells.iter().map(|&k| sums.sum_sq[k]).sum();
        Some(Self { dim, n, sum_sq, counts, rows, noise })
    }

    fn weights(&self) -> Vec<f64> {
        self.counts.iter().map(|c| c / self.n).collect()
    }

    /// Σ a_k μ_k.
    fn combined(&self, weights: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.dim];
        for (mean, weight) in self.rows.chunks_exact(self.dim.max(1)).zip(weights) {
            sum.iter_mut().zip(mean).for_each(|(s, m)| *s += weight * m);
        }
        sum
    }

    /// ‖Σ a_k μ_k‖².
    fn combined_sq(&self, weights: &[f64]) -> f64 {
        self.combined(weights).iter().map(|v| v * v).sum()
    }

    /// ‖μ_k‖² of each cell.
    fn mean_sq(&self) -> Vec<f64> {
        self.rows.chunks_exact(self.dim.max(1)).map(|m| m.iter().map(|v| v * v).sum()).collect()
    }

    /// μ_k − `other`'s, in cells that have events here.
    fn minus(&self, other: &Self) -> Self {
        let pairs = self.rows.iter().zip(&other.rows).enumerate();
        let rows = pairs
            .map(|(i, (a, b))| if self.counts[i / self.dim] > 0.0 { a - b } else { 0.0 })
            .collect();
        Self { rows, counts: self.counts.clone(), noise: self.noise.clone(), ..*self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const DIM: usize = 3;
    const RUNS: usize = 3_000;

    struct Side {
        n: Vec<f64>,
        sum: Vec<f64>,
        sum_sq: Vec<f64>,
    }

    impl Side {
        fn sums(&self) -> CellSums<'_> {
            CellSums { n: &self.n, sum: &self.sum, sum_sq: &self.sum_sq }
        }
    }

    /// `n` events of cells drawn by `mix`, each with the cell's mean and noise of variance ⅓ in
    /// each coordinate.
    fn draw(rng: &mut ChaCha8Rng, n: usize, mix: &[f64], means: &[[f64; DIM]]) -> Side {
        let cells = mix.len();
        let mut side =
            Side { n: vec![0.0; cells], sum: vec![0.0; cells * DIM], sum_sq: vec![0.0; cells] };
        for _ in 0..n {
            let mut left = rng.random_range(0.0..mix.iter().sum());
            let cell = mix.iter().position(|share| {
                left -= share;
                left < 0.0
            });
            let cell = cell.unwrap_or(cells - 1);
            side.n[cell] += 1.0;
            for (i, mean) in means[cell].iter().enumerate() {
                let y = mean + rng.random_range(-1.0..1.0);
                side.sum[cell * DIM + i] += y;
                side.sum_sq[cell] += y * y;
            }
        }
        side
    }

    /// Means over many draws of window and reference of the corrected total, mix, conditional and
    /// pairing parts.
    fn averages(mixes: [&[f64]; 2], means: [&[[f64; DIM]]; 2]) -> [f64; 4] {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut sums = [0.0; 4];
        for _ in 0..RUNS {
            let reference = draw(&mut rng, 200, mixes[0], means[0]);
            let window = draw(&mut rng, 60, mixes[1], means[1]);
            let split = split(window.sums(), reference.sums()).unwrap();
            let parts = [split.total, split.mix, split.conditional, split.pairing];
            sums.iter_mut().zip(parts).for_each(|(s, p)| *s += p.corrected() / RUNS as f64);
        }
        sums
    }

    const MEANS: [[f64; DIM]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    const EVEN: [f64; 3] = [1.0, 1.0, 1.0];

    #[track_caller]
    fn near(got: [f64; 4], want: [f64; 4]) {
        for (got_part, want_part) in got.iter().zip(want) {
            assert!((got_part - want_part).abs() < 4e-3, "got {got:?}, want {want:?}");
        }
    }

    #[test]
    fn without_drift_every_part_is_zero_on_average() {
        near(averages([&EVEN, &EVEN], [&MEANS, &MEANS]), [0.0; 4]);
    }

    #[test]
    fn another_mix_is_all_mix() {
        let mix = [4.0, 1.0, 1.0];
        let shift = (4.0 / 6.0 - 1.0 / 3.0f64).powi(2) + 2.0 * (1.0 / 6.0 - 1.0 / 3.0f64).powi(2);
        near(averages([&EVEN, &mix], [&MEANS, &MEANS]), [shift, shift, 0.0, 0.0]);
    }

    #[test]
    fn other_answers_are_all_conditional() {
        let moved = MEANS.map(|m| [m[0] + 0.3, m[1], m[2]]);
        near(averages([&EVEN, &EVEN], [&MEANS, &moved]), [0.09, 0.0, 0.09, 0.0]);
    }

    #[test]
    fn swapped_answers_are_pairing() {
        let swapped = [MEANS[1], MEANS[0], MEANS[2]];
        let [total, mix, conditional, pairing] = averages([&EVEN, &EVEN], [&MEANS, &swapped]);
        assert!(total.abs() < 0.02 && mix.abs() < 4e-3, "{total} {mix}");
        // The window's own mix is not quite even, so that the swap does not quite cancel.
        assert!(conditional < 0.05 && pairing > 1.2, "{conditional} {pairing}");
    }

    #[test]
    fn what_the_reference_never_saw_is_left_out_and_said() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let reference = draw(&mut rng, 90, &[1.0, 1.0, 0.0], &MEANS);
        let window = draw(&mut rng, 90, &EVEN, &MEANS);
        let split = split(window.sums(), reference.sums()).unwrap();
        assert!((split.covered - (90.0 - window.n[2]) / 90.0).abs() < 1e-12);
        assert!(split.mix.plain < 0.1);
    }

    #[test]
    fn too_little_is_not_split() {
        let one = Side { n: vec![1.0, 0.0], sum: vec![1.0; 6], sum_sq: vec![1.0, 0.0] };
        let singles = Side { n: vec![1.0, 1.0], sum: vec![1.0; 6], sum_sq: vec![3.0, 3.0] };
        assert_eq!(split(one.sums(), one.sums()), None);
        assert_eq!(split(singles.sums(), singles.sums()), None, "no cell shows its spread");
        assert_eq!(split(one.sums(), CellSums { n: &[5.0], ..one.sums() }), None);
        let none = Side { n: vec![], sum: vec![], sum_sq: vec![] };
        assert_eq!(split(none.sums(), none.sums()), None);
    }

    proptest! {
        #[test]
        fn plain_parts_are_squares_that_fit(seed in 0u64..500, a in 0.1f64..3.0, b in 0.1f64..3.0) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let reference = draw(&mut rng, 50, &EVEN, &MEANS);
            let window = draw(&mut rng, 30, &[a, b, 1.0], &MEANS);
            if let Some(s) = split(window.sums(), reference.sums()) {
                prop_assert!(s.mix.plain >= 0.0 && s.conditional.plain >= 0.0);
                prop_assert!(s.pairing.plain >= -1e-12, "Jensen");
                let bound = (s.mix.plain.sqrt() + s.conditional.plain.sqrt()).powi(2);
                prop_assert!(s.total.plain <= bound + 1e-12, "the triangle's inequality");
                prop_assert!(s.conditional.noise > 0.0 && s.total.noise > 0.0);
            }
        }

        #[test]
        fn equal_counts_have_no_mix(seed in 0u64..100) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let reference = draw(&mut rng, 50, &EVEN, &MEANS);
            let mut window = draw(&mut rng, 50, &EVEN, &MEANS);
            window.n.clone_from(&reference.n);
            let split = split(window.sums(), reference.sums()).unwrap();
            prop_assert!(split.mix.plain < 1e-20);
        }
    }
}

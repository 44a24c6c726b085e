//! What a statistic would be without drift: its values when rows change sides at random.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::detect::values::StreamRows;

/// A statistic beside its values under permutation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Permuted {
    /// The statistic of the samples as they are.
    pub value: f64,
    /// Its mean over the permutations: what to expect without drift, bias included.
    pub expected: f64,
    /// (1 + #{permutations with at least this value}) / (1 + permutations), in (0, 1] (Phipson,
    /// Smyth, Statist. Appl. Genet. Mol. Biol. 9, 2010). Of one window and one statistic alone.
    pub p_value: f64,
}

/// Two samples of which whole units, sessions where there are some, may change sides.
pub(crate) struct Exchange {
    /// Row indices of each unit; the reference's rows come first.
    units: Vec<Vec<usize>>,
    n_ref: usize,
    n_window: usize,
}

impl Exchange {
    /// The rows of `reference` followed by those of `window`.
    pub(crate) fn new(reference: &StreamRows, window: &StreamRows) -> Self {
        let (n_ref, n_window) = (reference.rows.len(), window.rows.len());
        let later = window.units.iter().map(|unit| unit.iter().map(|row| row + n_ref).collect());
        Self { units: reference.units.iter().cloned().chain(later).collect(), n_ref, n_window }
    }

    /// `statistics` of the samples as they are and of `count` permutations, on all threads. It is
    /// given the row indices of the reference's side and of the window's.
    ///
    /// The same seed gives the same figures on any number of threads. `None` when the statistics
    /// cannot be computed.
    pub(crate) fn test<const K: usize>(
        &self,
        count: usize,
        seed: u64,
        statistics: impl Fn(&[usize], &[usize]) -> Option<[f64; K]> + Sync,
    ) -> Option<[Permuted; K]> {
        let rows: Vec<usize> = (0..self.n_ref + self.n_window).collect();
        let observed = statistics(&rows[..self.n_ref], &rows[self.n_ref..])?;
        let null = (0..count)
            .into_par_iter()
            .map(|i| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(i as u64 + 1);
                let (reference, window) = self.shuffled(&mut rng);
                statistics(&reference, &window)
            })
            .collect::<Option<Vec<_>>>()?;
        Some(std::array::from_fn(|k| {
            let value = observed[k];
            let reached = null.iter().filter(|row| row[k] >= value).count();
            Permuted {
                value,
                expected: null.iter().map(|row| row[k]).sum::<f64>() / count as f64,
                p_value: (1 + reached) as f64 / (1 + count) as f64,
            }
        }))
    }

    /// A random division; the window's side gets as many rows as it has, or a unit's length more.
    fn shuffled(&self, rng: &mut ChaCha8Rng) -> (Vec<usize>, Vec<usize>) {
        let mut order: Vec<&Vec<usize>> = self.units.iter().collect();
        order.shuffle(rng);
        let (mut reference, mut window) = (Vec::new(), Vec::new());
        for unit in order {
            if window.len() < self.n_window { &mut window } else { &mut reference }.extend(unit);
        }
        (reference, window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(units: &[usize]) -> StreamRows {
        let mut next = 0..;
        StreamRows {
            rows: vec![vec![0.0]; units.iter().sum()],
            events: (0..units.iter().sum()).collect(),
            units: units.iter().map(|&n| next.by_ref().take(n).collect()).collect(),
            unseen: Vec::new(),
        }
    }

    #[test]
    fn sides_keep_their_rows_and_units_stay_whole() {
        let exchange = Exchange::new(&rows(&[2; 20]), &rows(&[2; 5]));
        let sizes = |reference: &[usize], window: &[usize]| {
            assert_eq!((reference.len(), window.len()), (40, 10));
            let whole = window.chunks(2).all(|pair| pair[0] % 2 == 0 && pair[1] == pair[0] + 1);
            Some([f64::from(u8::from(whole))])
        };
        let [figure] = exchange.test(50, 1, sizes).unwrap();
        assert_eq!(figure, Permuted { value: 1.0, expected: 1.0, p_value: 1.0 });
    }

    #[test]
    fn what_no_permutation_reaches_has_the_smallest_p_value() {
        let exchange = Exchange::new(&rows(&[1; 30]), &rows(&[1; 10]));
        let late = |_: &[usize], window: &[usize]| {
            Some([window.iter().filter(|row| **row >= 30).count() as f64])
        };
        let [figure] = exchange.test(99, 1, late).unwrap();
        assert_eq!((figure.value, figure.p_value), (10.0, 0.01));
        assert!((figure.expected - 2.5).abs() < 0.5, "{figure:?}");
        assert_eq!(exchange.test(99, 1, late), Some([figure]));
    }
}

//! Which cells of a histogram gained and which lost, and how much moved in all.

use super::divergence::{SMOOTHING, probabilities};

/// How one cell's share changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellShift {
    /// Share of the reference, unsmoothed.
    pub then: f64,
    /// Share of the window, unsmoothed.
    pub now: f64,
    /// p ln(p/q) of the smoothed shares, in nats: the cell's part of KL(window ‖ reference). The
    /// parts add up to the divergence; those of cells that lost are negative.
    pub contribution: f64,
    /// (p − q) ÷ its standard deviation without drift, √(s(1 − s)(1/n + 1/N)) with the pooled
    /// share s: about standard normal where cells hold five events and more.
    pub z: f64,
}

/// The shift of each cell; `None` when a histogram is empty or they have not the same cells.
pub fn cell_shifts(window: &[f64], reference: &[f64]) -> Option<Vec<CellShift>> {
    let (n, big_n) = (window.iter().sum::<f64>(), reference.iter().sum::<f64>());
    if window.len() != reference.len() || n <= 0.0 || big_n <= 0.0 {
        return None;
    }
    let (p, q) = (probabilities(window, SMOOTHING), probabilities(reference, SMOOTHING));
    let shifts = (0..window.len()).map(|k| {
        let (now, then) = (window[k] / n, reference[k] / big_n);
        let pooled = (window[k] + reference[k]) / (n + big_n);
        let deviation = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / big_n)).sqrt();
        CellShift {
            then,
            now,
            contribution: p[k] * (p[k] / q[k]).ln(),
            z: if deviation > 0.0 { (now - then) / deviation } else { 0.0 },
        }
    });
    Some(shifts.collect())
}

/// At least how much of the window's traffic is not what the reference's was, in 0…1:
///
/// max(0, ½ Σ|p_k − q_k| − ½ Σ √(2/π · s_k(1 − s_k)(1/n + 1/N)))
///
/// If a share s of the traffic is replaced, the total variation of the cells is at most s (all of it
/// when the new traffic falls into cells of its own). The second sum is what sampling alone adds
/// without drift, the mean of a normal's modulus; with drift it adds less, so the value errs to the
/// low side, by up to that sum. `None` as for [`cell_shifts`].
pub fn replaced_share(window: &[f64], reference: &[f64]) -> Option<f64> {
    let shifts = cell_shifts(window, reference)?;
    let (n, big_n) = (window.iter().sum::<f64>(), reference.iter().sum::<f64>());
    let moved: f64 = shifts.iter().map(|s| (s.now - s.then).abs()).sum();
    let noise: f64 = (0..window.len())
        .map(|k| (window[k] + reference[k]) / (n + big_n))
        .map(|s| (s * (1.0 - s) * (1.0 / n + 1.0 / big_n) * std::f64::consts::FRAC_2_PI).sqrt())
        .sum();
    Some((0.5 * (moved - noise)).max(0.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::divergence::kl;
    use super::*;

    fn histograms() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
        prop::collection::vec((0u16..80, 0u16..80), 2..12)
            .prop_map(|cells| cells.iter().map(|&(a, b)| (f64::from(a), f64::from(b))).unzip())
    }

    proptest! {
        #[test]
        fn contributions_add_up_to_the_divergence((w, r) in histograms()) {
            let Some(shifts) = cell_shifts(&w, &r) else { return Ok(()) };
            let sum: f64 = shifts.iter().map(|s| s.contribution).sum();
            prop_assert!((sum - kl(&probabilities(&w, SMOOTHING), &probabilities(&r, SMOOTHING))).abs() < 1e-12);
            prop_assert!((shifts.iter().map(|s| s.now - s.then).sum::<f64>()).abs() < 1e-12);
            prop_assert!(shifts.iter().all(|s| (s.z > 0.0) == (s.now > s.then)));
            prop_assert!((0.0..=1.0).contains(&replaced_share(&w, &r).unwrap()));
        }

        #[test]
        fn equal_shares_have_not_moved((w, _) in histograms(), times in 1u8..9) {
            let r: Vec<f64> = w.iter().map(|c| c * f64::from(times)).collect();
            let Some(shifts) = cell_shifts(&w, &r) else { return Ok(()) };
            prop_assert!(shifts.iter().all(|s| s.z.abs() < 1e-9));
            prop_assert!(replaced_share(&w, &r).unwrap() < 1e-12);
        }
    }

    #[test]
    fn replaced_traffic_is_nearly_all_found() {
        // 30 % went to a cell of its own.
        let reference = [1000.0, 1000.0, 1000.0, 1000.0, 0.0];
        let window = [175.0, 175.0, 175.0, 175.0, 300.0];
        let share = replaced_share(&window, &reference).unwrap();
        assert!((0.25..=0.3).contains(&share), "{share}");
    }

    #[test]
    fn a_new_cell_says_most() {
        let shifts = cell_shifts(&[50.0, 50.0, 0.0], &[500.0, 0.0, 500.0]).unwrap();
        assert!(shifts[1].contribution > 1.0 && shifts[1].z > 10.0);
        assert!(shifts[2].contribution < 0.0 && shifts[2].z < -9.0);
        assert_eq!((shifts[0].now, shifts[0].then), (0.5, 0.5));
    }

    #[test]
    fn unlike_histograms_are_not_compared() {
        assert_eq!(cell_shifts(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(replaced_share(&[0.0, 0.0], &[1.0, 2.0]), None);
    }
}

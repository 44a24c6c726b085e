//! Which rates of a stream changed.

use crate::model::explanation::RateChange;
use crate::model::stream::Stream;
use crate::stats::proportion::newcombe;

/// Rates that are shown.
const SHOWN: usize = 8;

/// A smaller change, in standard deviations, is not told.
const TOLD: f64 = 2.0;

/// How surely an interval holds its difference.
const CONFIDENCE: f64 = 0.95;

/// What is compared: the sums of the window's values and how many there are, beside the rates that
/// are expected and the number of events behind them.
#[derive(Debug, Clone, Copy)]
pub struct Rates<'a> {
    /// Σ of the window's values, by coordinate.
    pub sum: &'a [f64],
    /// Events in the window.
    pub n: f64,
    /// The rates that are expected.
    pub then: &'a [f64],
    /// Events of the reference.
    pub n_then: f64,
}

/// The rates that changed, by how surely they did.
///
/// Each has Newcombe's interval of the difference, and z = (p − q) / √(r(1 − r)(1/n + 1/m)) with r
/// the share of both together, half a count added on either side so that a rate that was never seen
/// has a yardstick too.
pub fn changes(stream: Stream, names: &[&str], rates: &Rates<'_>) -> Vec<RateChange> {
    let mut changed: Vec<RateChange> = names
        .iter()
        .zip(rates.sum.iter().zip(rates.then))
        .filter_map(|(name, (&sum, &then))| change(stream, name, sum, then, rates))
        .filter(|change| change.z.abs() >= TOLD)
        .collect();
    changed.sort_by(|a, b| b.z.abs().total_cmp(&a.z.abs()));
    changed.truncate(SHOWN);
    changed
}

fn change(
    stream: Stream,
    name: &str,
    sum: f64,
    then: f64,
    &Rates { n, n_then, .. }: &Rates<'_>,
) -> Option<RateChange> {
    let then = then.clamp(0.0, 1.0);
    let counts = |share: f64, n: f64| ((share * n).round() as u64, n as u64);
    let difference = newcombe(counts(sum / n, n), counts(then, n_then), CONFIDENCE)?;
    let pooled = (sum + then * n_then + 1.0) / (n + n_then + 2.0);
    let spread = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / n_then)).sqrt();
    Some(RateChange {
        stream,
        name: name.to_owned(),
        share_then: then,
        share_now: sum / n,
        low: difference.low,
        high: difference.high,
        z: (sum / n - then) / spread,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_comes_first_and_what_did_not_is_left_out() {
        let rates =
            Rates { sum: &[60.0, 2.0, 5.0], n: 200.0, then: &[0.01, 0.01, 0.0], n_then: 4000.0 };
        let found = changes(Stream::QueryQuality, &["odd_writing", "markup", "echo"], &rates);
        let names: Vec<&str> = found.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(names, ["odd_writing", "echo"]);
        let odd = &found[0];
        assert!((odd.share_now - 0.3).abs() < 1e-12 && odd.z > 10.0);
        // Newcombe's interval of 60 of 200 less 40 of 4000.
        assert!(0.22 < odd.low && odd.low < 0.29 && 0.29 < odd.high && odd.high < 0.36, "{odd:?}");
    }

    #[test]
    fn a_falling_rate_is_told_with_its_sign() {
        let rates = Rates { sum: &[20.0], n: 500.0, then: &[0.2], n_then: 2000.0 };
        let found = changes(Stream::Language, &["sw"], &rates);
        assert!(found[0].z < -5.0 && found[0].high < 0.0);
    }
}

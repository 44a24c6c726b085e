//! Rates of what the checks of texts find in a batch, alone or beside another batch.

use std::collections::BTreeMap;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::model::quality::Side;
use crate::model::signals::{Signals, TextSignals};
use crate::stats::proportion::{newcombe, wilson};
use crate::text::signals::Flag;

/// How surely an interval holds its rate or difference.
const CONFIDENCE: f64 = 0.95;

/// Styles rather than faults: they are shown, and without a batch to compare with they decide
/// nothing.
const STYLES: [Flag; 6] = [
    Flag::Shouting,
    Flag::Keywords,
    Flag::Refusal,
    Flag::Echo,
    Flag::OtherLanguage,
    Flag::CodeSwitching,
];

/// How a batch is judged.
#[derive(Debug, Clone, Copy)]
pub struct TextCheckOptions {
    /// Beside another batch: the share of false alarms among all alarms (false discovery rate).
    pub alpha: f64,
    /// Alone: the rate of a fault that is too much.
    pub at_most: f64,
}

/// One rate of a batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TextRate {
    /// The side.
    pub side: Side,
    /// The check, or `language/sw`.
    pub name: String,
    /// Texts.
    pub texts: u64,
    /// Texts in which it found something.
    pub count: u64,
    /// Their share, in 0…1.
    pub rate: f64,
    /// The share in the other batch.
    pub rate_before: Option<f64>,
    /// Lower end of the interval of the rate, or of the difference where there is another batch; it
    /// holds it in 95 of 100 cases.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// Two-sided p-value of the difference; absent without another batch.
    pub p_value: Option<f64>,
    /// Whether it is too much, or differs.
    pub is_alarm: bool,
}

/// The rates of `current`, beside those of `before` where there are some.
///
/// Beside another batch each difference has Newcombe's interval and the p-value of the pooled
/// two-proportion z; alarms are those that Benjamini and Hochberg's procedure keeps at `alpha` over
/// all rates (J. R. Stat. Soc. B 57, 1995). Alone, a fault is an alarm when even the lower end of its
/// interval is above `at_most`.
pub fn check_texts(
    before: Option<&[Signals]>,
    current: &[Signals],
    options: &TextCheckOptions,
) -> Vec<TextRate> {
    let now = Counts::of(current);
    let then = before.map(Counts::of);
    let mut names: Vec<&(Side, String)> = now.found.keys().collect();
    names.extend(then.iter().flat_map(|then| then.found.keys()));
    names.sort();
    names.dedup();
    let mut rates: Vec<TextRate> =
        names.into_iter().filter_map(|name| rate(name, &now, then.as_ref())).collect();
    if then.is_some() {
        discover(&mut rates, options.alpha);
    } else {
        let is_style = |name: &str| {
            name.starts_with("language/") || STYLES.iter().any(|style| style.as_str() == name)
        };
        for rate in &mut rates {
            rate.is_alarm = rate.low > options.at_most && !is_style(&rate.name);
        }
    }
    rates
}

fn rate(key: &(Side, String), now: &Counts, then: Option<&Counts>) -> Option<TextRate> {
    let (count, texts) = now.count(key);
    let own = wilson(count, texts, CONFIDENCE)?;
    let mut rate = TextRate {
        side: key.0,
        name: key.1.clone(),
        texts,
        count,
        rate: own.estimate,
        rate_before: None,
        low: own.low,
        high: own.high,
        p_value: None,
        is_alarm: false,
    };
    if let Some(then) = then {
        let before = then.count(key);
        let difference = newcombe((count, texts), before, CONFIDENCE)?;
        rate.rate_before = Some(before.0 as f64 / before.1 as f64);
        (rate.low, rate.high) = (difference.low, difference.high);
        rate.p_value = Some(p_value((count, texts), before));
    }
    Some(rate)
}

/// Two-sided p-value of the difference of two shares, by the pooled z.
fn p_value(now: (u64, u64), then: (u64, u64)) -> f64 {
    let ((a, n), (b, m)) = ((now.0 as f64, now.1 as f64), (then.0 as f64, then.1 as f64));
    let pooled = (a + b) / (n + m);
    let spread = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    if spread <= 0.0 {
        return 1.0;
    }
    2.0 * (1.0 - Normal::standard().cdf(((a / n - b / m) / spread).abs()))
}

/// Marks the rates whose p-values are small beside those of all.
fn discover(rates: &mut [TextRate], alpha: f64) {
    let mut sorted: Vec<f64> = rates.iter().filter_map(|rate| rate.p_value).collect();
    sorted.sort_by(f64::total_cmp);
    let all = sorted.len() as f64;
    let is_kept = |(rank, p): &(usize, f64)| *p <= alpha * (rank + 1) as f64 / all;
    let kept = sorted.into_iter().enumerate().rfind(is_kept);
    for rate in rates {
        rate.is_alarm = rate.p_value.zip(kept).is_some_and(|(p, (_, limit))| p <= limit);
    }
}

/// Texts of each side, and those in which each check found something.
struct Counts {
    texts: BTreeMap<Side, u64>,
    found: BTreeMap<(Side, String), u64>,
}

impl Counts {
    fn of(batch: &[Signals]) -> Self {
        let mut counts = Self { texts: BTreeMap::new(), found: BTreeMap::new() };
        for Signals { query, response } in batch {
            counts.add(Side::Query, query.as_ref());
            counts.add(Side::Response, response.as_ref());
        }
        counts
    }

    fn add(&mut self, side: Side, seen: Option<&TextSignals>) {
        let Some(seen) = seen else { return };
        *self.texts.entry(side).or_default() += 1;
        let language = format!("language/{}", seen.told_language());
        let flags = seen.flags.iter().map(|flag| flag.as_str().to_owned());
        for name in flags.chain([language]) {
            *self.found.entry((side, name)).or_default() += 1;
        }
    }

    fn count(&self, key: &(Side, String)) -> (u64, u64) {
        let found = self.found.get(key).copied().unwrap_or(0);
        (found, self.texts.get(&key.0).copied().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(good: usize, bad: usize) -> Vec<Signals> {
        let text = |i: usize| format!("Where is my parcel number {i}, please?");
        (0..good)
            .map(|i| Signals::of(&text(i), Some("It is on its way to you.")))
            .chain((0..bad).map(|i| Signals::of(&text(i), Some("500 Internal Server Error"))))
            .collect()
    }

    const OPTIONS: TextCheckOptions = TextCheckOptions { alpha: 0.01, at_most: 0.05 };

    fn alarms(rates: &[TextRate]) -> Vec<&str> {
        rates.iter().filter(|rate| rate.is_alarm).map(|rate| rate.name.as_str()).collect()
    }

    #[test]
    fn alone_a_fault_is_too_much_when_it_surely_is() {
        assert_eq!(alarms(&check_texts(None, &batch(80, 20), &OPTIONS)), ["error_text"]);
        assert!(alarms(&check_texts(None, &batch(98, 2), &OPTIONS)).is_empty());
        // One of ten may be chance.
        assert!(alarms(&check_texts(None, &batch(9, 1), &OPTIONS)).is_empty());
    }

    #[test]
    fn beside_another_batch_what_differs_is_told_with_its_interval() {
        let (before, now) = (batch(190, 10), batch(80, 20));
        let rates = check_texts(Some(&before), &now, &OPTIONS);
        assert!(alarms(&rates).contains(&"error_text"));
        let error = rates.iter().find(|rate| rate.name == "error_text").unwrap();
        assert_eq!((error.rate, error.rate_before), (0.2, Some(0.05)));
        assert!(error.low > 0.0 && error.high < 0.3 && error.p_value.unwrap() < 1e-3);
        assert!(alarms(&check_texts(Some(&before), &batch(95, 5), &OPTIONS)).is_empty());
    }

    #[test]
    fn nothing_to_look_at_says_nothing() {
        assert!(check_texts(None, &[], &OPTIONS).is_empty());
        assert!(check_texts(Some(&batch(5, 0)), &[], &OPTIONS).is_empty());
    }
}

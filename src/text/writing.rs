//! How a text is written beside the texts of a reference: what its characters cost where they are
//! expected, whatever the language.

use serde::{Deserialize, Serialize};

use super::characters::{CharacterModel, Cost, prepared};

/// A text of fewer characters is not judged: there is too little to see.
const MIN_CHARACTERS: u32 = 8;

/// A reference with fewer texts shows no manner of writing.
const MIN_TEXTS: usize = 100;

/// The share of the reference's own texts that stand above the limit.
const ABOVE: f64 = 0.01;

/// The manner of writing of a reference's texts.
///
/// Two models share the texts by their fingerprints, and each judges those that the other learned
/// from. A new text is judged by the same rule, so that texts of the reference and new ones cost the
/// same on average, and a text that comes again is no less new than it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Writing {
    models: [CharacterModel; 2],
    norm: Norm,
    /// The oddness that a hundredth of the reference's texts exceeds.
    limit: f64,
}

/// What is usual: a text's bits per character vary by variance = own + chance / characters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Norm {
    mean: f64,
    own: f64,
    chance: f64,
}

impl Writing {
    /// Learns from the texts of a reference; `None` where they are too few.
    pub fn fit<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let runs: Vec<Vec<char>> = texts.into_iter().map(prepared).collect();
        let half = |half: usize| runs.iter().filter(move |run| half_of(run) == half);
        let models = [CharacterModel::fit(half(0)), CharacterModel::fit(half(1))];
        let costs: Vec<Cost> = runs
            .iter()
            .map(|run| models[1 - half_of(run)].cost_of(run))
            .filter(|cost| cost.characters >= MIN_CHARACTERS)
            .collect();
        if costs.len() < MIN_TEXTS {
            return None;
        }
        let norm = Norm::of(&costs);
        let mut oddness: Vec<f64> = costs.iter().map(|cost| norm.oddness(*cost)).collect();
        oddness.sort_by(f64::total_cmp);
        let limit = oddness[((1.0 - ABOVE) * (oddness.len() - 1) as f64).round() as usize];
        Some(Self { models, norm, limit })
    }

    /// How much dearer the characters of `text` are than the reference's, in standard deviations of
    /// a text of its length; `None` for a text too short to say.
    pub fn oddness(&self, text: &str) -> Option<f64> {
        let run = prepared(text);
        let cost = self.models[1 - half_of(&run)].cost_of(&run);
        (cost.characters >= MIN_CHARACTERS).then(|| self.norm.oddness(cost))
    }

    /// Whether `text` is written as hardly one of the reference is: garbled, misspelt or foreign.
    pub fn is_odd(&self, text: &str) -> bool {
        self.oddness(text).is_some_and(|oddness| self.is_above_limit(oddness))
    }

    /// Whether hardly a text of the reference is so odd.
    pub fn is_above_limit(&self, oddness: f64) -> bool {
        oddness > self.limit
    }
}

/// The half that learned from a text: by its letters, so that variants of one text are in one half.
fn half_of(run: &[char]) -> usize {
    let letters = run.iter().filter(|c| c.is_alphabetic());
    let hash =
        letters.fold(0x811c_9dc5_u32, |hash, c| (hash ^ u32::from(*c)).wrapping_mul(0x0100_0193));
    (hash >> 16 & 1) as usize
}

impl Norm {
    /// Weighted least squares of the squared residuals on 1 and 1 / characters.
    fn of(costs: &[Cost]) -> Self {
        let total: f64 = costs.iter().map(|c| f64::from(c.characters)).sum();
        let mean = costs.iter().map(|c| c.bits).sum::<f64>() / total;
        let (mut n, mut sx, mut sy, mut sxx, mut sxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for cost in costs {
            let characters = f64::from(cost.characters);
            let x = 1.0 / characters;
            let y = (cost.bits / characters - mean).powi(2);
            n += 1.0;
            sx += x;
            sy += y;
            sxx += x * x;
            sxy += x * y;
        }
        let spread = n * sxx - sx * sx;
        let slope = if spread > 1e-12 { (n * sxy - sx * sy) / spread } else { 0.0 };
        let slope = slope.clamp(0.0, sy / sx.max(1e-12));
        let own = ((sy - slope * sx) / n).max(1e-6);
        Self { mean, own, chance: slope }
    }

    fn oddness(self, cost: Cost) -> f64 {
        let characters = f64::from(cost.characters);
        (cost.bits / characters - self.mean) / (self.own + self.chance / characters).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    /// Texts of a small grammar: `seed` chooses.
    fn texts(n: usize, seed: usize) -> Vec<String> {
        let pick = |list: &[&str], at: usize| list[at % list.len()].to_owned();
        let first =
            ["How can I", "Please help me to", "I want to", "Is it possible to", "When can we"];
        let verb = ["change", "cancel", "check", "pay", "move", "see", "repeat", "send back"];
        let what =
            ["my order", "the invoice of last month", "this booking", "our delivery", "a card"];
        let end =
            ["today?", "before Friday?", "with the new address?", "without a fee?", "by phone?"];
        (0..n)
            .map(|i| {
                let at = i.wrapping_mul(2_654_435_761).wrapping_add(seed * 977) >> 7;
                let (a, b) = (pick(&first, at), pick(&verb, at / 5));
                format!("{a} {b} {} {}", pick(&what, at / 40), pick(&end, at / 200))
            })
            .collect()
    }

    /// Every `step`-th character becomes another, as a bad scan makes it.
    fn damaged(text: &str, step: usize) -> String {
        let wrong = |(i, c): (usize, char)| if i % step == step - 1 { '|' } else { c };
        text.chars().enumerate().map(wrong).collect()
    }

    fn writing() -> Writing {
        let texts = texts(2000, 1);
        Writing::fit(texts.iter().map(String::as_str)).unwrap()
    }

    #[test]
    fn fresh_texts_are_as_odd_as_the_references_and_damaged_ones_are_odd() {
        let writing = writing();
        let fresh = texts(2000, 2);
        let mean = |texts: &[String]| {
            texts.iter().filter_map(|text| writing.oddness(text)).sum::<f64>() / texts.len() as f64
        };
        assert!(mean(&fresh).abs() < 0.2, "{}", mean(&fresh));
        let odd = |texts: &[String]| texts.iter().filter(|text| writing.is_odd(text)).count();
        assert!(odd(&fresh) < 60, "{}", odd(&fresh));
        let scanned: Vec<String> = fresh.iter().map(|text| damaged(text, 8)).collect();
        assert!(odd(&scanned) > 1900, "{}", odd(&scanned));
        let foreign =
            ["Ni lini ninaweza kulipa ankara ya mwezi uliopita?", "Quando posso pagar a fatura?"];
        assert!(foreign.iter().all(|text| writing.is_odd(text)));
    }

    #[test]
    fn what_came_in_the_reference_is_judged_by_the_half_that_has_not_seen_it() {
        let mut texts = texts(400, 3);
        let strange = "qxv zzkw jjqp xxwq vvkz qqjx".to_owned();
        texts.extend(vec![strange.clone(); 3]);
        let writing = Writing::fit(texts.iter().map(String::as_str)).unwrap();
        assert!(writing.is_odd(&strange) && writing.is_odd("QXV zzkw jjqp xxwq vvkz qqjx!!"));
    }

    #[test]
    fn too_little_to_see_is_not_judged() {
        let few = texts(99, 1);
        assert_eq!(Writing::fit(few.iter().map(String::as_str)), None);
        let writing = writing();
        assert_eq!(writing.oddness("ok"), None);
        assert!(!writing.is_odd(""));
    }

    proptest! {
        #[test]
        fn any_text_has_a_finite_oddness(text: String) {
            static STORED: LazyLock<Writing> = LazyLock::new(|| {
                serde_json::from_str(&serde_json::to_string(&writing()).unwrap()).unwrap()
            });
            prop_assert!(STORED.oddness(&text).is_none_or(f64::is_finite));
        }
    }
}

//! A model of how characters follow each other, learned from texts: in any language, without
//! dictionaries.
//!
//! An interpolated 4-gram model with Witten–Bell smoothing (Witten & Bell, "The zero-frequency
//! problem", IEEE Trans. Inf. Theory 37, 1991; as interpolated in Chen & Goodman 1999): with c(h, x)
//! how often x followed the context h, N(h) = Σ c(h, ·) and T(h) the number of different followers,
//!
//! p(x | h) = (c(h, x) + T(h) · p(x | h′)) / (N(h) + T(h)),
//!
//! h′ being h without its first character; below the empty context all characters are equal. Since
//! for an x that never followed h this is T(h) / (N(h) + T(h)) · p(x | h′), two numbers for each run
//! of characters say everything: the cost −log₂ p of its last character, and what leaving it costs.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Characters that are looked at together: the one that is predicted and those before it.
const ORDER: usize = 4;

/// Characters of which none is likelier than another before anything is known.
const ALPHABET: f64 = 1024.0;

/// Characters that are learned from at most; more texts change little and cost memory.
const LEARNED: usize = 200_000;

/// Characters of one text that are looked at: enough to judge it by.
const LOOKED_AT: usize = 2_000;

/// Costs are kept in thousandths of a bit.
const STEPS: f64 = 1000.0;

/// The mark of a run that was a context and never what was predicted.
const NEVER: u16 = u16::MAX;

/// Before the first character and after the last.
const EDGE: char = '\n';

/// What a text costs under a model.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// −log₂ of the text's probability.
    pub bits: f64,
    /// Characters that were looked at, the end of the text among them.
    pub characters: u32,
}

/// The costs of runs of one to four characters.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct CharacterModel {
    costs: HashMap<u32, Costs, BuildHasherDefault<Spread>>,
}

/// What is known of a run, in thousandths of a bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Costs {
    /// The run's last character after the others.
    last: u16,
    /// A character that never followed the run.
    leaving: u16,
}

impl CharacterModel {
    /// Learns from prepared texts, from the first 200,000 characters of them. O(characters).
    pub(super) fn fit<'a>(runs: impl IntoIterator<Item = &'a Vec<char>>) -> Self {
        let mut counts = Counts::default();
        let mut left = LEARNED;
        for run in runs {
            let learned = &run[..run.len().min(left)];
            counts.add(learned);
            left -= learned.len();
            if left == 0 {
                break;
            }
        }
        counts.model()
    }

    /// What a prepared text costs. O(characters).
    pub(super) fn cost_of(&self, run: &[char]) -> Cost {
        let mut cost = Cost::default();
        let mut seen = [EDGE; ORDER];
        for c in run.iter().chain([&EDGE]) {
            seen.rotate_left(1);
            seen[ORDER - 1] = *c;
            cost.bits += self.last_of(&seen);
            cost.characters += 1;
        }
        cost
    }

    /// −log₂ p of the last of `run` after the others.
    fn last_of(&self, run: &[char; ORDER]) -> f64 {
        let mut left = 0.0;
        for from in 0..ORDER {
            match self.costs.get(&key(&run[from..])) {
                Some(costs) if costs.last != NEVER => return left + f64::from(costs.last) / STEPS,
                _ => {}
            }
            let context = self.costs.get(&key(&run[from..ORDER - 1]));
            left += context.map_or(0.0, |costs| f64::from(costs.leaving) / STEPS);
        }
        left + ALPHABET.log2()
    }
}

/// The first characters of `text` as the model sees them: without case, digits all one, white space
/// single.
pub(super) fn prepared(text: &str) -> Vec<char> {
    let mut run = Vec::with_capacity(text.len().min(LOOKED_AT));
    if text.is_ascii() {
        push_all(&mut run, text.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
    } else {
        push_all(&mut run, text.nfc().flat_map(char::to_lowercase));
    }
    run
}

fn push_all(run: &mut Vec<char>, characters: impl Iterator<Item = char>) {
    for c in characters {
        if run.len() == LOOKED_AT {
            break;
        }
        if c.is_whitespace() || c.is_control() {
            if run.last().is_some_and(|last| *last != ' ') {
                run.push(' ');
            }
        } else {
            run.push(if c.is_numeric() { '0' } else { c });
        }
    }
}

/// How often runs came: by length − 1, each run at the end of its array behind edges.
#[derive(Default)]
struct Counts {
    runs: [BTreeMap<[char; ORDER], u32>; ORDER],
}

impl Counts {
    fn add(&mut self, text: &[char]) {
        let mut seen = [EDGE; ORDER];
        for &c in text.iter().chain([&EDGE]) {
            seen.rotate_left(1);
            seen[ORDER - 1] = c;
            for (length, runs) in (1..).zip(&mut self.runs) {
                let mut run = [EDGE; ORDER];
                run[ORDER - length..].copy_from_slice(&seen[ORDER - length..]);
                *runs.entry(run).or_default() += 1;
            }
        }
    }

    fn model(&self) -> CharacterModel {
        let mut model = CharacterModel::default();
        let mut shorter: BTreeMap<[char; ORDER], f64> = BTreeMap::new();
        for (length, runs) in (1..).zip(&self.runs) {
            let start = ORDER - length;
            let mut probabilities = BTreeMap::new();
            // In their order, the followers of a context stand together.
            let runs: Vec<(&[char; ORDER], &u32)> = runs.iter().collect();
            for followers in runs.chunk_by(|a, b| a.0[..ORDER - 1] == b.0[..ORDER - 1]) {
                let different = followers.len() as f64;
                let total = different + followers.iter().map(|(_, c)| f64::from(**c)).sum::<f64>();
                for (run, count) in followers {
                    let mut tail = **run;
                    tail[start] = EDGE;
                    let below = match length {
                        1 => 1.0 / ALPHABET,
                        _ => shorter.get(&tail).copied().unwrap_or(1.0 / ALPHABET),
                    };
                    let p = (f64::from(**count) + different * below) / total;
                    model.at(&run[start..]).last = thousandths(p);
                    probabilities.insert(**run, p);
                }
                let context = &followers[0].0[start..ORDER - 1];
                model.at(context).leaving = thousandths(different / total);
            }
            shorter = probabilities;
        }
        model
    }
}

impl CharacterModel {
    fn at(&mut self, run: &[char]) -> &mut Costs {
        self.costs.entry(key(run)).or_insert(Costs { last: NEVER, leaving: 0 })
    }
}

/// −log₂ p in steps.
fn thousandths(p: f64) -> u16 {
    (-p.log2() * STEPS).round().clamp(0.0, f64::from(NEVER - 1)) as u16
}

/// A run's place in the table: two runs of 200,000 share one in five tables.
fn key(run: &[char]) -> u32 {
    // FNV-1a over code points, mixed so that the upper bits depend on all of them.
    let hash = run.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, c| {
        (hash ^ u64::from(u32::from(*c))).wrapping_mul(0x0100_0000_01b3)
    });
    ((hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as u32
}

/// Keys are hashes already; they are only spread over the word.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }

    fn write_u32(&mut self, key: u32) {
        self.0 = u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// The table as base64 of (key, last, leaving), little-endian, by key.
#[derive(Serialize, Deserialize)]
struct Stored(String);

impl From<CharacterModel> for Stored {
    fn from(model: CharacterModel) -> Self {
        let sorted: BTreeMap<u32, Costs> = model.costs.into_iter().collect();
        let bytes: Vec<u8> = sorted
            .into_iter()
            .flat_map(|(key, Costs { last, leaving })| {
                let ([a, b, c, d], [e, f], [g, h]) =
                    (key.to_le_bytes(), last.to_le_bytes(), leaving.to_le_bytes());
                [a, b, c, d, e, f, g, h]
            })
            .collect();
        Self(STANDARD.encode(bytes))
    }
}

impl TryFrom<Stored> for CharacterModel {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let bytes = STANDARD.decode(stored.0).map_err(|error| error.to_string())?;
        let (entries, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err("the bytes are no whole number of entries".to_owned());
        }
        let entry = |[a, b, c, d, e, f, g, h]: &[u8; 8]| {
            let costs =
                Costs { last: u16::from_le_bytes([*e, *f]), leaving: u16::from_le_bytes([*g, *h]) };
            (u32::from_le_bytes([*a, *b, *c, *d]), costs)
        };
        Ok(Self { costs: entries.iter().map(entry).collect() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fit(texts: &[&str]) -> CharacterModel {
        let runs: Vec<Vec<char>> = texts.iter().map(|text| prepared(text)).collect();
        CharacterModel::fit(&runs)
    }

    fn small() -> CharacterModel {
        fit(&["The cat  sat", "the dog sat on the cat", "a 1 b"])
    }

    /// Values of an implementation that follows the formula from counts, character by character.
    #[test]
    fn costs_are_those_of_the_formula() {
        let golden = [
            ("the cat", 2.8597, 8),
            ("the dgo sat", 24.9324, 12),
            ("zz 7", 40.5378, 5),
            ("", 8.1556, 1),
        ];
        for (text, bits, characters) in golden {
            let cost = small().cost_of(&prepared(text));
            assert_eq!(cost.characters, characters);
            assert!((cost.bits - bits).abs() < 0.01, "{text:?}: {} for {bits}", cost.bits);
        }
    }

    #[test]
    fn case_white_space_and_which_digit_cost_nothing() {
        let cost = |text: &str| small().cost_of(&prepared(text));
        assert_eq!(cost("THE\u{a0}\n cat 7"), cost("the cat ٣"));
        assert!(cost("ťhe cat").bits > cost("the cat").bits);
    }

    #[test]
    fn every_context_shares_out_one() {
        let model = small();
        for context in ["the", "\n\n\n", "xyz", "t s", "\nth"] {
            let mut run: Vec<char> = context.chars().chain([' ']).collect();
            let total: f64 = (0..ALPHABET as u32)
                .map(|c| {
                    run[ORDER - 1] = char::from_u32(c).unwrap();
                    (-model.last_of(run.as_slice().try_into().unwrap())).exp2()
                })
                .sum();
            assert!((total - 1.0).abs() < 0.01, "{context:?}: {total}");
        }
    }

    #[test]
    fn a_long_text_is_looked_at_as_far_as_it_goes() {
        let long = "the cat sat on the dog. ".repeat(1000);
        assert_eq!(small().cost_of(&prepared(&long)).characters, LOOKED_AT as u32 + 1);
    }

    proptest! {
        #[test]
        fn a_stored_model_is_the_same(texts in prop::collection::vec(".{0,40}", 0..20), other: String) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let model = fit(&texts);
            let stored: CharacterModel =
                serde_json::from_str(&serde_json::to_string(&model).unwrap()).unwrap();
            prop_assert_eq!(&stored, &model);
            let cost = stored.cost_of(&prepared(&other));
            prop_assert!(cost.bits.is_finite() && cost.bits >= 0.0);
        }
    }
}

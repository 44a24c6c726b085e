//! Near duplicates: texts that share almost all of their letters in the same order.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::hash::{hash, runs};
use super::signals::reading::Reading;

/// Characters in a row that make a feature.
const RUN: usize = 4;

/// The distance up to which texts are near duplicates by custom of this crate: of 3,000 different
/// questions to a bank, fewer than 1 in 100 have another that near.
pub const NEAR: u32 = 6;

/// The 64-bit SimHash (Charikar 2002) of the runs of four characters of `text`: the more runs two
/// texts share, the fewer bits differ.
///
/// Case, punctuation and the width of spaces change nothing, and neither does which number stands
/// where one is. Runs of characters see a mistyped letter as the small change that it is, and need
/// no words. A text without letters and digits is hashed as it stands, trimmed. The same on every
/// platform and in every build.
pub fn simhash(text: &str) -> u64 {
    let characters = characters(&Reading::new(text));
    if characters.is_empty() {
        return hash(text.trim().as_bytes());
    }
    let hashes: Vec<u64> = runs(&characters, RUN.min(characters.len())).collect();
    majority(&hashes)
}

/// The bits that more than half of the hashes have.
fn majority(hashes: &[u64]) -> u64 {
    let mut counts = [0_usize; 64];
    // A byte counts to 255: eight counters are added to at once.
    for block in hashes.chunks(255) {
        let mut packed = [0_u64; 8];
        for hash in block {
            for (shift, eight) in packed.iter_mut().enumerate() {
                *eight += hash >> shift & 0x0101_0101_0101_0101;
            }
        }
        for (shift, eight) in packed.into_iter().enumerate() {
            for (byte, count) in eight.to_le_bytes().into_iter().enumerate() {
                counts[8 * byte + shift] += usize::from(count);
            }
        }
    }
    counts.iter().rev().fold(0, |bits, &count| bits << 1 | u64::from(2 * count > hashes.len()))
}

/// The letters of all words in lower case with one space between words; a number is `#`.
fn characters(reading: &Reading) -> Vec<char> {
    let mut characters = Vec::with_capacity(reading.lower.len());
    for word in reading.lower_words() {
        if !characters.is_empty() {
            characters.push(' ');
        }
        if word.bytes().all(|byte| byte.is_ascii_digit() || b".,:".contains(&byte)) {
            characters.push('#');
        } else {
            characters.extend(word.chars().filter(|c| !c.is_ascii() || c.is_ascii_alphanumeric()));
        }
    }
    characters
}

/// Bits in which two hashes differ, in 0..=64.
pub fn distance(a: u64, b: u64) -> u32 {
    (a ^ b).count_ones()
}

/// Counts near duplicates among the last so many texts.
///
/// Every hash of the window is compared, which takes some 8 microseconds for 10,000: no index is
/// needed, and any distance can be asked for. As data it is its settings and the list of hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearDuplicates {
    window: usize,
    distance: u32,
    /// The oldest first.
    hashes: VecDeque<u64>,
}

impl NearDuplicates {
    /// Remembers the last `window` texts; hashes are near that differ in at most `distance` bits
    /// (see [`NEAR`]).
    pub fn new(window: usize, distance: u32) -> Self {
        Self { window, distance, hashes: VecDeque::new() }
    }

    /// How many texts of the window are near `hash`, which then joins it.
    pub fn observe(&mut self, hash: u64) -> usize {
        let near = self.count(hash);
        self.hashes.push_back(hash);
        let surplus = self.hashes.len().saturating_sub(self.window);
        self.hashes.drain(..surplus);
        near
    }

    /// How many texts of the window are near `hash`.
    pub fn count(&self, hash: u64) -> usize {
        self.hashes.iter().filter(|&&other| distance(hash, other) <= self.distance).count()
    }

    /// Texts in the window.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether no text was observed.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(simhash("?"), hash(b"?"));
        assert_eq!(simhash(" 🙂 "), hash("🙂".as_bytes()));
        assert_eq!(simhash("Where is my new card?"), 10_677_810_035_577_384_070);
    }

    #[test]
    fn the_majority_decides_each_bit() {
        assert_eq!(majority(&[0b1101, 0b0101, 0b1000]), 0b1101);
        assert_eq!(majority(&[u64::MAX, 0]), 0, "a tie");
        let hashes: Vec<u64> = (0..1_000).map(|i| if i < 600 { 1 << 63 } else { 1 }).collect();
        assert_eq!(majority(&hashes), 1 << 63, "several blocks");
    }

    #[test]
    fn style_and_numbers_change_nothing() {
        let same = |a: &str, b: &str| assert_eq!(simhash(a), simhash(b), "{a} / {b}");
        same("Where is my order 4711?", "where   is MY order 99!!");
        same("It's here.", "its here");
        same("ውሃ፡ዋጋ", "ውሃ ዋጋ።");
        assert_ne!(simhash("where is my order"), simhash("where was my order"));
        assert_ne!(simhash("🙂"), simhash("🙁"));
    }

    #[test]
    fn a_word_in_a_long_text_changes_little() {
        let words: Vec<String> = (0..300).map(|i| format!("w{i}x")).collect();
        let text = words.join(" ");
        let edited = text.replace("w150x", "other");
        assert!(distance(simhash(&text), simhash(&edited)) <= 6);
        let others: Vec<String> = (0..300).map(|i| format!("v{i}x")).collect();
        assert!(distance(simhash(&text), simhash(&others.join(" "))) > 15);
    }

    #[test]
    fn the_window_forgets_the_oldest() {
        let mut seen = NearDuplicates::new(2, 3);
        assert!(seen.is_empty());
        assert_eq!([0, 0b111, 0b1111, u64::MAX, 0].map(|hash| seen.observe(hash)), [0, 1, 1, 0, 0]);
        assert_eq!((seen.len(), seen.count(1)), (2, 1));
        let json = serde_json::to_string(&seen).unwrap();
        assert_eq!(json, format!(r#"{{"window":2,"distance":3,"hashes":[{},0]}}"#, u64::MAX));
        assert_eq!(serde_json::from_str::<NearDuplicates>(&json).unwrap(), seen);
        let mut nothing = NearDuplicates::new(0, 64);
        assert_eq!([1, 1].map(|hash| nothing.observe(hash)), [0, 0]);
    }

    proptest! {
        #[test]
        fn any_text_has_one_in_any_style(text in "[a-zé ,.!?]{0,80}") {
            let hash = simhash(&text);
            prop_assert_eq!(simhash(&text.to_uppercase()), hash);
            let spaced = format!("  {} ", text.replace(' ', " -  "));
            if text.chars().any(char::is_alphabetic) {
                prop_assert_eq!(simhash(&spaced), hash);
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let hash = simhash(&text);
            prop_assert_eq!(distance(hash, hash), 0);
        }
    }
}

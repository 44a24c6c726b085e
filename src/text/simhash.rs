//! Near duplicates: texts that share almost all of their letters in the same order.

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

//! Keys hit at random.

use std::ops::Range;

use super::reading::Reading;

/// Words that a text of such keys has at most: longer ones say something.
const MAX_WORDS: usize = 3;

/// Rows of QWERTY and AZERTY, and how many neighbours in a row no word has.
const ROWS: &[(&str, usize)] = &[
    ("qwertyuiop", 5),
    ("azertyuiop", 5),
    ("asdfghjkl", 4),
    ("qsdfghjklm", 4),
    ("zxcvbnm", 4),
    ("wxcvbn", 4),
];

/// The first word of a text of few words that runs along a row of keys, or is long and has hardly a
/// vowel.
pub(in super::super) fn find(reading: &Reading) -> Option<Range<usize>> {
    if reading.words.len() > MAX_WORDS {
        return None;
    }
    let mut words = reading.words.iter();
    words.find(|word| is_mashed(&reading.lower[(*word).clone()], reading, word)).cloned()
}

fn is_mashed(word: &str, reading: &Reading, place: &Range<usize>) -> bool {
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return false;
    }
    let codes = reading.text[place.clone()].bytes().skip(1).any(|byte| byte.is_ascii_uppercase());
    ROWS.iter().any(|&(row, run)| runs_along(word.as_bytes(), row.as_bytes(), run))
        || !codes && is_unspeakable(word)
}

fn runs_along(word: &[u8], row: &[u8], run: usize) -> bool {
    let place = |key: &u8| row.iter().position(|other| other == key);
    word.windows(run).any(|keys| {
        let step = |from: &u8, to: &u8| match (place(from), place(to)) {
            (Some(from), Some(to)) => to as isize - from as isize,
            _ => 0,
        };
        let along = |by: isize| keys.windows(2).all(|pair| step(&pair[0], &pair[1]) == by);
        along(1) || along(-1)
    })
}

/// At least seven letters, four of them different, and at most one in ten a vowel.
fn is_unspeakable(word: &str) -> bool {
    let vowels = word.bytes().filter(|byte| b"aeiouy".contains(byte)).count();
    let letters = word.bytes().fold(0_u32, |seen, byte| seen | 1 << (byte - b'a'));
    word.len() >= 7 && letters.count_ones() >= 4 && vowels * 10 <= word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mashing_is_told_from_words() {
        for text in ["asdf", "Asdfghjkl", "qwerty", "hjklhjkl", "sdkfjhsdkjfh", "zxcvb !", "lkjhgf"]
        {
            assert!(find(&Reading::new(text)).is_some(), "{text}");
        }
        for text in [
            "property",
            "poverty",
            "strengths",
            "Angstschweiß",
            "hmmmmmmm",
            "grrrrrrrr",
            "rhythms",
            "PSTNHTTPS",
            "ngiyabonga",
            "the qwerty keyboard is broken",
            "pizza",
            "asd 123",
        ] {
            assert!(find(&Reading::new(text)).is_none(), "{text}");
        }
    }
}

//! Words that mix Latin letters with Cyrillic or Greek ones that look the same.

use std::ops::Range;

use super::reading::{Reading, kind};

pub(super) fn find(reading: &Reading) -> Option<Range<usize>> {
    if !reading.has_kind(kind::ALIKE) {
        return None;
    }
    let mut words = reading.words.iter();
    words.find(|word| reading.text.get((*word).clone()).is_some_and(is_mixed)).cloned()
}

/// Whether all letters of another script in a word pass for Latin ones, or the few Latin ones in it
/// for the other's: "SMSка" and "kΩ" mix scripts openly.
fn is_mixed(word: &str) -> bool {
    let (mut latin, mut other) = (0_usize, 0_usize);
    let (mut latin_alike, mut other_alike) = (0_usize, 0_usize);
    // A hyphen or an apostrophe joins words of two scripts.
    for part in word.split(['-', '‑', '\'', '’', '/', '.', '_']) {
        for c in part.chars() {
            match c {
                'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => {
                    latin += 1;
                    latin_alike += usize::from("aceopxyijsABCEHIJKMOPSTXY".contains(c));
                }
                '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}' => {
                    other += 1;
                    other_alike += usize::from(looks_latin(c));
                }
                _ => {}
            }
        }
        if latin > 0
            && other > 0
            && (other == other_alike || latin == latin_alike && 3 * latin <= other)
        {
            return true;
        }
        (latin, other, latin_alike, other_alike) = (0, 0, 0, 0);
    }
    false
}

/// Cyrillic and Greek letters that pass for Latin ones. Greek letters of formulas, such as β, κ, ν
/// and ρ, are left out.
fn looks_latin(c: char) -> bool {
    "аеорсухіјѕԁһԛԝАВЕЗКМНОРСТУХЅІЈҮΑΒΕΖΗΙΚΜΝΟΡΤΥΧοιυϲϳ".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_in_a_word_are_mixed() {
        for text in ["my pаypal account", "приvет... привeт", "Αpple", "gοοgle", "МTN"]
        {
            assert!(find(&Reading::new(text)).is_some(), "{text}");
        }
        assert_eq!(find(&Reading::new("my pаypal")), Some(3..10));
    }

    #[test]
    fn open_mixtures_are_not() {
        for text in [
            "IT-шник",
            "SMSки",
            "10kΩ",
            "NFκB",
            "PPARα",
            "β-carotene",
            "µm",
            "hν",
            "Δt",
            "кофе cafe",
            "Ünïcode",
            "pdfками",
        ] {
            assert!(find(&Reading::new(text)).is_none(), "{text}");
        }
    }
}

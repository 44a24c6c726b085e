//! Every bad text through every choice of steps.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::bad_texts::corpus;
use seamark::text::clean::{Boilerplate, Cleaned, Cleaner, Steps, VERSION};

/// The steps whose bits are set in `bits`.
fn steps(bits: u32) -> Steps {
    let is_on = |bit: u32| bits >> bit & 1 == 1;
    Steps {
        encoding: is_on(0),
        unicode: is_on(1),
        invisible: is_on(2),
        html: is_on(3),
        white_space: is_on(4),
        punctuation: is_on(5),
        boilerplate: is_on(6),
        numbers: is_on(7),
        dates: is_on(8),
    }
}

fn boilerplate() -> Boilerplate {
    let reference = ["where is it\nSent from my phone today\nKind regards from us"; 10];
    Boilerplate::learn(reference)
}

fn check(cleaner: &Cleaner, text: &str, label: &str) {
    let cleaned = cleaner.clean(text);
    let again = cleaner.clean(&cleaned.text);
    assert_eq!(again.text, cleaned.text, "not idempotent: {label}");
    assert!(matches!(again.text, Cow::Borrowed(_)) && again.changes.is_empty(), "{label}");
    assert!(cleaned.text.len() <= 3 * text.len(), "longer: {label}");
    // Hangul's fillers count as letters but show nothing.
    let is_filler = |c| matches!(c, '\u{3164}' | '\u{ffa0}');
    let holds_words = text.chars().any(|c| c.is_alphanumeric() && !is_filler(c));
    assert!(!holds_words || !cleaned.text.trim().is_empty(), "emptied: {label}");
    assert_eq!(cleaned.text == text, cleaned.changes.is_empty(), "{label}");
    check_offsets(&cleaned, text, label);
}

fn check_offsets(cleaned: &Cleaned<'_>, text: &str, label: &str) {
    for span in cleaned.changes.iter().flat_map(|change| &change.spans) {
        assert!(text.get(span.clone()).is_some(), "span {span:?}: {label}");
    }
    let mut last = 0;
    for (at, c) in cleaned.text.char_indices().step_by(cleaned.text.len() / 200 + 1) {
        let range = cleaned.original_range(at..at + c.len_utf8());
        assert!(range.start >= last && text.get(range.clone()).is_some(), "{range:?}: {label}");
        last = range.start;
    }
}

#[test]
fn the_corpus_is_wide() {
    let corpus = corpus();
    let texts: BTreeSet<&str> = corpus.iter().map(|(_, text)| text.as_str()).collect();
    let categories: BTreeSet<&str> = corpus.iter().map(|&(category, _)| category).collect();
    assert!(texts.len() == corpus.len() && texts.len() >= 500, "{} texts", texts.len());
    assert!(categories.len() >= 60, "{} categories", categories.len());
}

#[test]
fn every_choice_of_steps_is_idempotent_on_bad_texts() {
    let corpus = corpus();
    let boilerplate = boilerplate();
    for bits in 0..512 {
        let cleaner = Cleaner::new(steps(bits), boilerplate.clone());
        for (category, text) in corpus.iter().filter(|(_, text)| text.len() <= 2048) {
            check(&cleaner, text, &format!("{category} {text:?} with steps {bits:09b}"));
        }
    }
}

#[test]
fn long_bad_texts_are_cleaned() {
    let choices = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 0b0_0111_1111, 0b1_1111_1111];
    let corpus = corpus();
    for bits in choices {
        let cleaner = Cleaner::new(steps(bits), boilerplate());
        for (category, text) in corpus.iter().filter(|(_, text)| text.len() > 2048) {
            let start: String = text.chars().take(40).collect();
            check(&cleaner, text, &format!("{category} {start:?}… with steps {bits:09b}"));
        }
    }
}

/// A change of any outcome raises the version. Left out are code points that a later Unicode version
/// may assign.
#[test]
fn a_version_cleans_in_one_way() {
    let cleaner = Cleaner::new(Steps::all(), boilerplate());
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    for (category, text) in corpus() {
        if category != "odd code point" && category != "random code points" {
            let cleaned = cleaner.clean(&text);
            let bytes = cleaned.text.bytes().chain([0xff]);
            digest =
                bytes.fold(digest, |d, byte| (d ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        }
    }
    assert_eq!((VERSION, digest), (1, 0x6c7e_08a4_d604_cd00));
}

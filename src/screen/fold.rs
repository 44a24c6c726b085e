//! Text as the recognisers read it: plain digits and spaces, nothing invisible, spans mapped back.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// A text in which look-alikes are replaced, and where each of its bytes stood in the original.
///
/// Digits of every decimal script become ASCII digits, full-width forms become ASCII, every space
/// that is not a line break becomes a plain space, dashes become `-`, and characters without width
/// vanish. A plain ASCII text is borrowed as it is.
pub(super) struct Folded<'a> {
    text: Cow<'a, str>,
    /// `(folded, original)` byte offsets from where on the distance between the two is constant.
    shifts: Vec<(usize, usize)>,
}

impl<'a> Folded<'a> {
    /// Folds look-alikes.
    pub(super) fn new(original: &'a str) -> Self {
        Self::with(original, |c, folded| match plain(c) {
            Plain::Itself => folded.push(c),
            Plain::As(c) => folded.push(c),
            Plain::Nothing => {}
        })
    }

    /// Lower case without accents, for comparison with a list of words. Where letters expand, a
    /// position may fall inside a character of the original: for order, not for slicing.
    pub(super) fn caseless(original: &'a str) -> Self {
        Self::with(original, |c, folded| {
            for c in c.to_lowercase() {
                decompose_canonical(c, |part| {
                    if !is_combining_mark(part) {
                        folded.push(part);
                    }
                });
            }
        })
    }

    fn with(original: &'a str, mut fold: impl FnMut(char, &mut String)) -> Self {
        if original.is_ascii() {
            return Self { text: Cow::Borrowed(original), shifts: Vec::new() };
        }
        let mut text = String::with_capacity(original.len());
        let mut shifts = Vec::new();
        let mut distance = 0_usize;
        for (at, c) in original.char_indices() {
            // Wraps where lower case is longer than upper case.
            if at.wrapping_sub(text.len()) != distance {
                distance = at.wrapping_sub(text.len());
                shifts.push((text.len(), at));
            }
            fold(c, &mut text);
        }
        if original.len().wrapping_sub(text.len()) != distance {
            shifts.push((text.len(), original.len()));
        }
        Self { text: Cow::Owned(text), shifts }
    }

    /// The folded text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the original that `span` of the folded text came from.
    pub(super) fn original(&self, span: &Range<usize>) -> Range<usize> {
        self.position(span.start)..self.position(span.end)
    }

    fn position(&self, folded: usize) -> usize {
        let after = self.shifts.partition_point(|shift| shift.0 <= folded);
        match after.checked_sub(1).and_then(|last| self.shifts.get(last)) {
            Some(&(from, original)) => original.wrapping_add(folded - from),
            None => folded,
        }
    }
}

enum Plain {
    Itself,
    As(char),
    Nothing,
}

fn plain(c: char) -> Plain {
    if c.is_ascii() {
        return Plain::Itself;
    }
    match c {
        '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{00AD}'
        | '\u{0640}' => Plain::Nothing,
        '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => {
            Plain::As(' ')
        }
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' => Plain::As('-'),
        '\u{FF01}'..='\u{FF5E}' => {
            char::from_u32(u32::from(c) - 0xFEE0).map_or(Plain::Itself, Plain::As)
        }
        _ => digit(c).map_or(Plain::Itself, Plain::As),
    }
}

/// First code points of the runs of ten decimal digits of scripts in use.
const DIGIT_RUNS: &[u32] = &[
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x17E0, 0x1810, 0xA620, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC,
    0x1D7F6, 0x1E950,
];

fn digit(c: char) -> Option<char> {
    let code = u32::from(c);
    let run = DIGIT_RUNS.iter().rev().find(|&&first| first <= code)?;
    char::from_digit(code - run, 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_of_other_scripts_are_read_and_mapped_back() {
        let original = "رقم ٠٧١٢\u{a0}３４５ x";
        let folded = Folded::new(original);
        assert_eq!(folded.text(), "رقم 0712 345 x");
        let at = folded.text().find("0712 345").unwrap();
        let span = folded.original(&(at..at + "0712 345".len()));
        assert_eq!(&original[span], "٠٧١٢\u{a0}３４５");
    }

    #[test]
    fn invisible_characters_do_not_hide_a_value() {
        let original = "é4111\u{200b}1111!";
        let folded = Folded::new(original);
        assert_eq!(folded.text(), "é41111111!");
        assert_eq!(&original[folded.original(&(2..10))], "4111\u{200b}1111");
    }

    #[test]
    fn accents_and_case_vanish_for_words() {
        assert_eq!(Folded::caseless("NUMÉRO de cartão, ọ̀nà").text(), "numero de cartao, ona");
    }

    proptest! {
        #[test]
        fn every_character_maps_to_characters_of_the_original(text in any::<String>()) {
            let folded = Folded::new(&text);
            let mut last = 0;
            for (at, c) in folded.text().char_indices() {
                let span = folded.original(&(at..at + c.len_utf8()));
                prop_assert!(text.get(span.clone()).is_some());
                prop_assert!(span.start >= last && span.start < span.end);
                last = span.end;
            }
        }
    }
}

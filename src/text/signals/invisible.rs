//! Characters that show nothing and have no business where they are: they carry hidden text, break
//! words for filters, or turn the order of what is shown.

use std::ops::Range;

use super::reading::{Reading, is_unspaced, kind};

pub(super) fn find(reading: &Reading) -> Option<Range<usize>> {
    if !reading.has_kind(kind::HIDDEN) {
        return None;
    }
    let right_to_left = reading.text.chars().any(is_right_to_left);
    let mut before = None;
    let mut chars = reading.text.char_indices().peekable();
    // Inside a flag of a region, which is a black flag and tag characters.
    let mut flag = false;
    while let Some((at, c)) = chars.next() {
        flag = c == '\u{1f3f4}' || flag && is_tag(c);
        let after = chars.peek().map(|&(_, c)| c);
        let hidden = match c {
            '\u{202a}'..='\u{202e}' | '\u{3164}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' => true,
            // Marks and isolates keep punctuation in its place where Arabic and Latin meet.
            '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2066}'..='\u{2069}' => !right_to_left,
            '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => {
                splits_word(c, before, after)
            }
            '\u{e0100}'..='\u{e01ef}' => after.is_some_and(is_selector),
            _ => is_tag(c) && !flag,
        };
        if hidden {
            return Some(at..at + c.len_utf8());
        }
        before = Some(c);
    }
    None
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// Variation selectors of the supplement: one may follow a Chinese character, more hide data.
fn is_selector(c: char) -> bool {
    matches!(c, '\u{e0100}'..='\u{e01ef}')
}

/// Whether `c`, of zero width, stands in a word whose script has no use for it. Joiners shape the
/// letters of Arabic and of India's scripts; the zero-width space separates words of Thai or Khmer.
fn splits_word(c: char, before: Option<char>, after: Option<char>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return false };
    let joiner = matches!(c, '\u{200c}' | '\u{200d}');
    let plain =
        |side: char| side.is_alphanumeric() && !is_unspaced(side) && (!joiner || side < '\u{590}');
    plain(before) && plain(after)
}

/// Hebrew, Arabic, Syriac, Thaana, N'Ko and their presentation forms.
fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{61b}' | '\u{61d}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefc}' | '\u{1e900}'..='\u{1e95f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_found() {
        for (text, at) in [
            ("pass\u{200b}word", 4),
            ("pay\u{ad}pal", 3),
            ("in\u{200d}voice", 2),
            ("admin\u{202e}txt", 5),
            ("hi\u{e0041}\u{e0042}", 2),
            ("a\u{2066}b\u{2069}", 1),
            ("x\u{e0100}\u{e0101}", 1),
            ("مرحبا\u{202e}", 10),
        ] {
            let found = find(&Reading::new(text)).map(|range| range.start);
            assert_eq!(found, Some(at), "{text:?}");
        }
    }

    #[test]
    fn scripts_and_emoji_need_some() {
        for text in [
            "\u{feff}Hello",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "👩\u{200d}💻 and 1\u{fe0f}\u{20e3}",
            "ភាសា\u{200b}ខ្មែរ",
            "السعر\u{200f} 5 USD\u{200e}",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "葛\u{e0100}城",
            "word \u{200b}word",
        ] {
            assert_eq!(find(&Reading::new(text)), None, "{text:?}");
        }
    }
}

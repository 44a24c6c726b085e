//! What a wrong decoding leaves in a text.

use std::ops::Range;

use super::reading::{Reading, kind};

pub(super) fn find(reading: &Reading) -> Option<Range<usize>> {
    if reading.has_kind(kind::DAMAGE) || reading.has_control() {
        let (at, c) = reading.text.char_indices().find(|&(_, c)| is_damage(c))?;
        return Some(at..at + c.len_utf8());
    }
    if reading.has_kind(kind::LEAD) { mojibake(reading.text) } else { None }
}

/// U+FFFD, and controls other than those of white space.
fn is_damage(c: char) -> bool {
    c == '\u{fffd}' || c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

/// UTF-8 that was read as Latin-1 or Windows-1252: a character for each of its bytes. Found are
/// sequences that text does not have of itself, and two doubtful ones in a row.
fn mojibake(text: &str) -> Option<Range<usize>> {
    let mut before = ' ';
    let mut doubtful: Option<Range<usize>> = None;
    let mut skip_to = 0;
    for (at, c) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        if let Some((end, certain)) = sequence(before, text.get(at..)?) {
            let end = at + end;
            let start = doubtful.filter(|last| last.end == at).map(|last| last.start);
            if certain || start.is_some() {
                return Some(start.unwrap_or(at)..end);
            }
            doubtful = Some(at..end);
            skip_to = end;
        }
        before = c;
    }
    None
}

/// The end of a sequence at the start of `text` that is UTF-8 byte for byte, and whether `text`
/// would hardly have it of itself.
fn sequence(before: char, text: &str) -> Option<(usize, bool)> {
    let mut chars = text.chars();
    let lead = chars.next()?;
    let following = match u32::from(lead) {
        0xc2..=0xdf => 1,
        0xe0..=0xef => 2,
        0xf0..=0xf4 => 3,
        _ => return None,
    };
    let first = chars.clone().next()?;
    if lead == 'â' && first == '€' || lead == 'ð' && first == 'Ÿ' {
        return Some((lead.len_utf8() + first.len_utf8(), true));
    }
    let mut end = lead.len_utf8();
    let mut certain = false;
    for c in chars.by_ref().take(following) {
        if !is_continuation(c) || following > 1 && c == '\u{a0}' {
            return None;
        }
        end += c.len_utf8();
        certain |= !is_punctuation_or_letter(c);
    }
    if text.chars().take(following + 1).count() <= following {
        return None;
    }
    // Most two-byte leads are letters that end words in capitals: CAFÉ”, MAÑANA».
    let certain = match lead {
        'Â' | 'Ã' => {
            certain
                || before.is_lowercase()
                || matches!(first, '\u{a1}'..='\u{bf}') && !matches!(first, '«' | '»')
        }
        _ => certain && following > 1,
    };
    Some((end, certain))
}

/// Characters that stand for the bytes 80 to BF in Latin-1 or Windows-1252.
fn is_continuation(c: char) -> bool {
    !c.is_ascii() && (matches!(c, '\u{80}'..='\u{bf}') || "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ".contains(c))
}

/// Those that may follow a letter in good text: quotes, dashes, marks and letters.
fn is_punctuation_or_letter(c: char) -> bool {
    "‘’“”„‚‹›«»…–—•™®©°\u{a0}\u{ad}¿¡·ªºŠšŽžŒœŸƒ".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn broken(text: &str) -> bool {
        find(&Reading::new(text)).is_some()
    }

    /// UTF-8 read as Latin-1.
    fn latin1(text: &str) -> String {
        text.bytes().map(char::from).collect()
    }

    #[test]
    fn wrong_decodings_are_found() {
        for text in [
            "cafÃ©",
            "donâ€™t",
            "SÃ£o Paulo",
            "20Â°C",
            "Â£5",
            "ðŸ˜€",
            "voilÃ\u{a0}",
            "á¹£e",
            "Ø§Ù„Ø³Ù„Ø§Ù…",
            "ÐŸÑ€Ð¸Ð²ÐµÑ‚",
            "bad \u{fffd}",
            "bell\u{7}",
            "nul\0",
            "c1\u{85}",
        ] {
            assert!(broken(text), "{text}");
        }
    }

    #[test]
    fn good_text_is_left_alone() {
        for text in [
            "«\u{a0}café\u{a0}»",
            "“CAFÉ”",
            "“il est allé…”",
            "AMANHÃ – às 5",
            "IRMÃ, Ângela",
            "Nestlé™ “new”",
            "Ñandú…",
            "dalších…",
            "5 °C",
            "a\tb\r\nc",
            "ẹ káàárọ̀",
            "مرحبا",
            "Größe",
            "Ça va ?",
            "“À”",
            "VOILÀ… “ÉTÉ”",
            "ação às três",
        ] {
            assert!(!broken(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn latin1_of_other_alphabets_is_found(text in "[а-яẹọṣሀ-ቨ]{2,20}") {
            prop_assert!(broken(&latin1(&text)));
        }

        #[test]
        fn letters_and_marks_are_good(text in "([a-zA-Zà-öø-ÿ]{1,8}[.,!?]? ){1,9}") {
            prop_assert!(!broken(&text));
        }
    }
}

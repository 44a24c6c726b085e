//! Brings text to Unicode normal form C: one sequence of code points for what looks the same.

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc, is_nfc_quick};

use super::edits::Edits;

pub(super) fn edits(text: &str) -> Edits {
    let mut edits = Edits::default();
    // Nothing before U+0300, whose first byte is 0xcc, combines or decomposes.
    if text.bytes().all(|byte| byte < 0xcc) || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return edits;
    }
    let mut start = 0;
    for (at, _) in text.char_indices().filter(|&(_, c)| is_boundary(c)) {
        compose(text, start, at, &mut edits);
        start = at;
    }
    compose(text, start, text.len(), &mut edits);
    edits
}

/// Whether normalisation never looks across the place before `c`.
fn is_boundary(c: char) -> bool {
    c < '\u{300}'
        || canonical_combining_class(c) == 0
            && is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes
}

fn compose(text: &str, start: usize, end: usize, edits: &mut Edits) {
    let Some(cluster) = text.get(start..end) else { return };
    // Most clusters are one character.
    if !cluster.is_empty() && !cluster.is_ascii() && !is_nfc(cluster) {
        edits.replace_with(start..end, |buffer| buffer.extend(cluster.nfc()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        edits(text).apply(text)
    }

    #[test]
    fn text_is_composed_cluster_by_cluster() {
        assert_eq!(clean("cafe\u{301} ok e\u{301}"), "café ok é");
        assert_eq!(clean("\u{1100}\u{1161}\u{11a8}"), "각");
        assert_eq!(clean("o\u{323}\u{300} o\u{300}\u{323}"), "ọ̀ ọ̀");
        assert_eq!(clean("\u{212b}\u{37e}"), "Å;");
        assert_eq!(edits("cafe\u{301} e\u{301}").len(), 2);
    }

    #[test]
    fn clusters_compose_as_the_whole_text_does() {
        let hard =
            ["\u{301}\u{300}a", "a\u{5ae}\u{301}\u{305}", "\u{958}\u{fb2c}x\u{344}", "𝅗𝅥\u{1d160}"];
        for text in hard {
            assert_eq!(clean(text), text.nfc().collect::<String>());
        }
    }
}

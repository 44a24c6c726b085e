//! Quotes, dashes and ellipses become those of ASCII.

use super::edits::Edits;

pub(super) fn edits(text: &str) -> Edits {
    let mut edits = Edits::default();
    if text.is_ascii() {
        return edits;
    }
    for (at, c) in text.char_indices() {
        if let Some(folded) = fold(c) {
            edits.replace(at..at + c.len_utf8(), folded);
        }
    }
    edits
}

/// What stands for `c`. Letters that look like quotes (ʼ ʻ ʿ) spell words and stay.
fn fold(c: char) -> Option<&'static str> {
    Some(match c {
        '‘' | '’' | '‚' | '‛' | '‹' | '›' => "'",
        '“' | '”' | '„' | '‟' | '«' | '»' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => "-",
        '…' => "...",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_dashes_are_folded() {
        let text = "“don’t” «oui» 1–2 — −3… „so“ ʼyar";
        assert_eq!(edits(text).apply(text), "\"don't\" \"oui\" 1-2 - -3... \"so\" ʼyar");
        assert!(edits("plain - 'text'").is_empty());
    }
}

//! Character references: `&eacute;`, `&#233;`, `&#xe9;`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use encoding_rs::WINDOWS_1252;
use unicode_normalization::UnicodeNormalization;

use super::super::edits::Edits;
use super::super::invisible::shows_nothing;
use super::{code, is_entity_char};

/// Characters of the longest name with its semicolon, and more than any number takes.
const NAME_BYTES: usize = 12;

/// HTML's names of U+00A0 to U+00FF, in order.
const LATIN_1: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg \
    macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 \
    iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute \
    Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml \
    Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml \
    igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute \
    ucirc uuml yacute thorn yuml";
/// HTML's names of U+0391 to U+03C9, in order; `-` where there is none.
const GREEK: &str = "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron \
    Pi Rho - Sigma Tau Upsilon Phi Chi Psi Omega - - - - - - - alpha beta gamma delta epsilon zeta \
    eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega";
/// Other names in use, each before its character.
const OTHER: &str = "quot \" amp & lt < gt > apos ' OElig Œ oelig œ Scaron Š scaron š Yuml Ÿ fnof ƒ \
    circ ˆ tilde ˜ ndash – mdash — lsquo ‘ rsquo ’ sbquo ‚ ldquo “ rdquo ” bdquo „ dagger † Dagger ‡ \
    bull • hellip … permil ‰ prime ′ Prime ″ lsaquo ‹ rsaquo › euro € trade ™ larr ← uarr ↑ rarr → \
    darr ↓ harr ↔ rArr ⇒ hArr ⇔ forall ∀ part ∂ exist ∃ empty ∅ nabla ∇ isin ∈ notin ∉ prod ∏ sum ∑ \
    minus − lowast ∗ radic √ prop ∝ infin ∞ and ∧ or ∨ cap ∩ cup ∪ int ∫ there4 ∴ sim ∼ cong ≅ asymp ≈ \
    ne ≠ equiv ≡ le ≤ ge ≥ sub ⊂ sup ⊃ sube ⊆ supe ⊇ perp ⊥ sdot ⋅ loz ◊ spades ♠ clubs ♣ hearts ♥ \
    diams ♦ check ✓ star ☆ num # semi ; comma , colon : excl ! quest ? lpar ( rpar ) lsqb [ rsqb ] \
    lbrack [ rbrack ] lcub { rcub } sol / bsol \\ vert | dollar $ percnt % ast * plus + equals = \
    commat @ lowbar _ grave ` hyphen ‐ dash ‐ period .";
/// Names of characters that cannot be written in the list above.
const WHITE: [(&str, char); 9] = [
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("lrm", '\u{200e}'),
    ("rlm", '\u{200f}'),
];

/// Decodes the character references of `text` in `range` and outside of `code`.
pub(super) fn decode(text: &str, range: Range<usize>, code: &[Range<usize>], edits: &mut Edits) {
    let mut at = range.start;
    while let Some(found) = text.get(at..range.end).and_then(|rest| rest.find('&')) {
        let start = at + found;
        let skip = code::skip(code, start);
        if skip > start {
            at = skip.min(range.end);
            continue;
        }
        at = start + 1;
        let rest = text.get(start..range.end).unwrap_or_default();
        if let Some((length, c)) = reference(rest)
            && !(may_continue(c) && is_open(text, start))
        {
            at = start + length;
            edits.replace_with(start..at, |buffer| buffer.push(c));
        }
    }
}

/// The character that the reference at the start of `text` stands for, and the bytes it takes.
/// `&amp;lt;` is taken as a whole, however often it was encoded.
fn reference(text: &str) -> Option<(usize, char)> {
    let mut length = 0;
    let mut found = None;
    while let Some((taken, c)) = text.get(length + 1..).and_then(name) {
        length += taken;
        found = Some((length + 1, c));
        if c != '&' {
            break;
        }
    }
    found
}

/// The character of the name or number, with its semicolon, at the start of `text`.
fn name(text: &str) -> Option<(usize, char)> {
    let window = text.as_bytes().get(..NAME_BYTES).unwrap_or(text.as_bytes());
    let end = window.iter().position(|&byte| byte == b';')?;
    let name = text.get(..end)?;
    let c = match name.strip_prefix('#') {
        Some(number) => numeric(number)?,
        None => named(name)?,
    };
    // U+037E looks like a semicolon and is normalised to one.
    Some((end + 1, std::iter::once(c).nfc().next().unwrap_or(c)))
}

fn numeric(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) if !digits.starts_with('+') => u32::from_str_radix(digits, 16).ok()?,
        None if !number.starts_with('+') => number.parse().ok()?,
        _ => return None,
    };
    match u8::try_from(code) {
        // HTML's parser reads these numbers as bytes of Windows-1252.
        Ok(byte @ 0x80..=0x9f) => {
            WINDOWS_1252.decode_without_bom_handling(&[byte]).0.chars().next()
        }
        _ => char::from_u32(code).filter(|&c| c != '\0'),
    }
}

fn named(name: &str) -> Option<char> {
    static NAMES: LazyLock<HashMap<&str, char>> = LazyLock::new(|| {
        let in_order = |list: &'static str, first| list.split(' ').zip(first..);
        let others = OTHER.split(' ').step_by(2).zip(OTHER.split(' ').skip(1).step_by(2));
        in_order(LATIN_1, '\u{a0}')
            .chain(in_order(GREEK, 'Α').filter(|(name, _)| *name != "-"))
            .chain(others.filter_map(|(name, c)| Some((name, c.chars().next()?))))
            .chain(WHITE)
            .collect()
    });
    NAMES.get(name).copied()
}

/// Whether `c` could become part of a reference that is not finished, now or after a later step.
fn may_continue(c: char) -> bool {
    is_entity_char(c) || c.is_alphanumeric() || shows_nothing(c)
}

/// Whether a reference that is not finished ends at `at`, as in `&am` or `&#3`.
pub(super) fn is_open(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes().get(at.saturating_sub(NAME_BYTES)..at).unwrap_or_default();
    let before = bytes.iter().rev().find(|byte| !(byte.is_ascii_alphanumeric() || **byte == b'#'));
    before == Some(&b'&')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_whole() {
        assert_eq!(LATIN_1.split(' ').count(), 96);
        assert_eq!(GREEK.split(' ').count(), 0x3c9 - 0x391 + 1);
        assert!(OTHER.split(' ').skip(1).step_by(2).all(|c| c.chars().count() == 1));
        assert_eq!(
            (named("yuml"), named("omega"), named("euro")),
            (Some('ÿ'), Some('ω'), Some('€'))
        );
        assert_eq!((named("Sigma"), named("sigmaf"), named("-")), (Some('Σ'), Some('ς'), None));
    }

    #[test]
    fn numbers_are_read_as_html_does() {
        assert_eq!(numeric("233"), Some('é'));
        assert_eq!(numeric("x1F600"), Some('😀'));
        assert_eq!(numeric("150"), Some('–'));
        for bad in ["", "x", "0", "xd800", "1114112", "+5", "x+5", "5a", "-1"] {
            assert_eq!(numeric(bad), None, "{bad}");
        }
    }
}

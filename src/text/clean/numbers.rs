//! Digits of every script become ASCII digits; grouped digits lose their separators where they can
//! be read in one way only: `1,234,567` and `1.234,5`, but not `1,234`.

use std::ops::Range;

use super::edits::Edits;

/// The zeros of Unicode's decimal digits beyond ASCII; nine digits follow each.
const ZEROS: [u32; 67] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
    0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50,
    0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0,
    0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16a60, 0x16ac0, 0x16b50,
    0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e950, 0x1fbf0,
    0x11de0,
];
/// Groups of a number written with separators, more than any amount has.
const GROUPS: usize = 12;

pub(super) fn edits(text: &str) -> Edits {
    let mut edits = Edits::default();
    let mut at = 0;
    while let Some(range) = next_number(text, at) {
        at = range.end;
        let found = text.get(range.clone()).unwrap_or_default();
        let ascii: String = found.chars().map(to_ascii).collect();
        let plain = if touches_word(text, &range) { None } else { ungroup(&ascii) };
        let canonical =
            plain.unwrap_or_else(|| if found.is_ascii() { ascii } else { digits(found) });
        if canonical != found {
            edits.replace(range, &canonical);
        }
    }
    edits
}

/// The next stretch of digits with the separators between them.
fn next_number(text: &str, from: usize) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let start = from + rest.find(|c: char| digit(c).is_some())?;
    let mut end = start;
    let mut separator = None;
    for (at, c) in text.get(start..)?.char_indices() {
        if digit(c).is_some() {
            end = start + at + c.len_utf8();
            separator = None;
        } else if separator.is_none() && is_separator(c) {
            separator = Some(c);
        } else {
            break;
        }
    }
    Some(start..end)
}

fn is_separator(c: char) -> bool {
    matches!(c, ',' | '.' | '\'' | '’' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '٫' | '٬')
}

/// Whether a letter or a sign of a longer token, as in `v1.234.567-b`, stands beside `range`.
fn touches_word(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(..range.start).and_then(|before| before.chars().next_back());
    let after = text.get(range.end..).and_then(|after| after.chars().next());
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '#' | '&' | '/' | ':' | '@');
    let follows = |c: char| matches!(c, '.' | ',' | '\'' | '’' | '-');
    before.is_some_and(|c| is_word(c) || follows(c))
        || after.is_some_and(|c| is_word(c) || c == '-')
}

/// The value of a decimal digit in any script.
fn digit(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let code = u32::from(c);
    if code < 0x660 || !c.is_numeric() {
        return None;
    }
    ZEROS.iter().find(|&&zero| (zero..zero + 10).contains(&code)).map(|zero| code - zero)
}

/// ASCII for digits and for separators that stand for one sign.
fn to_ascii(c: char) -> char {
    match c {
        '٫' => '.',
        '٬' => ',',
        '\u{202f}' | '\u{2009}' => '\u{a0}',
        '’' => '\'',
        c => digit(c).and_then(|value| char::from_digit(value, 10)).unwrap_or(c),
    }
}

/// `text` with ASCII digits and all else as it was.
fn digits(text: &str) -> String {
    let convert = |c| if digit(c).is_some() || matches!(c, '٫' | '٬') { to_ascii(c) } else { c };
    text.chars().map(convert).collect()
}

/// The plain form of a number whose grouping can be read in one way only.
fn ungroup(number: &str) -> Option<String> {
    let separators: Vec<char> =
        number.chars().filter(|c| !c.is_ascii_digit()).take(GROUPS).collect();
    let (&first, others) = separators.split_first()?;
    let &last = others.last()?;
    if separators.len() == GROUPS || !separators.iter().rev().skip(1).all(|&c| c == first) {
        return None;
    }
    let has_decimals = last != first;
    if has_decimals && !matches!(last, '.' | ',') {
        return None;
    }
    let (whole, decimals) = if has_decimals { number.rsplit_once(last)? } else { (number, "") };
    let groups: Vec<&str> = whole.split(first).collect();
    let (head, tail) = groups.split_first()?;
    let is_grouped = (1..=3).contains(&head.len())
        && !head.starts_with('0')
        && tail.iter().all(|group| group.len() == 3);
    // Four groups of small numbers between points are an address of the Internet.
    let is_address = first == '.' && groups.len() == 4 && !has_decimals;
    if !is_grouped || is_address {
        return None;
    }
    let point = if has_decimals { "." } else { "" };
    Some(groups.concat() + point + decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        edits(text).apply(text)
    }

    #[test]
    fn digits_of_every_script_become_ascii() {
        assert_eq!(clean("٠١٢٣٤٥٦٧٨٩ ۴۵ ९ ߁ 𝟗 ５"), "0123456789 45 9 1 9 5");
        assert_eq!(clean("٣٫١٤ x² Ⅳ ½ 三"), "3.14 x² Ⅳ ½ 三");
        assert_eq!(clean("١٬٢٣٤٬٥٦٧٫٨"), "1234567.8");
        assert!(ZEROS.iter().all(|&zero| {
            let zero = char::from_u32(zero).unwrap();
            zero.is_numeric() || digit(zero).is_none()
        }));
    }

    #[test]
    fn groups_join_where_they_can_be_read_in_one_way() {
        assert_eq!(clean("1,234,567 and 1.234.567,89."), "1234567 and 1234567.89.");
        assert_eq!(
            clean("€1,234.50; 1'234'567; 12\u{202f}345\u{a0}678"),
            "€1234.50; 1234567; 12345678"
        );
        for text in [
            "1,234",
            "1.234",
            "3,14",
            "1.5",
            "192.168.100.200",
            "1,23,456",
            "0,123,456",
            "2024.01.02",
            "v1.234.567",
            "1,234,567-8",
            "1,,234,567",
            "pages 1, 234",
            "1.234.567.890",
            "10/1,234,567",
        ] {
            assert_eq!(clean(text), text);
        }
    }
}

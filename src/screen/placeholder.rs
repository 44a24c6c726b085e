//! What stands in a text instead of a value: `<EMAIL>`, `<CREDIT_CARD:****1234>`,
//! `<PHONE:k2:7f3a9c1b2d4e>`.
//!
//! Constant for each type, so that a redacted text moves its embedding as little as possible, and
//! recognisable, so that screening a text twice changes nothing.

use std::ops::Range;

use super::entity::EntityType;

/// Longest placeholder.
const LONGEST: usize = 96;

/// `<LABEL>`
pub(super) fn masked(entity: &EntityType) -> String {
    format!("<{entity}>")
}

/// `<LABEL:****1234>`: the last four letters or digits, or none of a value with fewer than nine.
pub(super) fn partial(entity: &EntityType, value: &str) -> String {
    let characters: Vec<char> = value.chars().filter(|c| c.is_alphanumeric()).collect();
    let shown = if characters.len() >= 9 { 4 } else { 0 };
    let tail: String = characters.iter().skip(characters.len() - shown).collect();
    format!("<{entity}:****{tail}>")
}

/// `<LABEL:key:token>`
pub(super) fn pseudonym(entity: &EntityType, key: &str, token: &str) -> String {
    format!("<{entity}:{key}:{token}>")
}

/// Where placeholders stand in a text.
pub(super) fn placeholders(text: &str) -> Vec<Range<usize>> {
    let opened = text.match_indices('<');
    opened.filter_map(|(at, _)| Some(at..at + length(text.get(at..)?)?)).collect()
}

/// Whether a span touches one of these placeholders, which are in order.
pub(super) fn touches(placeholders: &[Range<usize>], span: &Range<usize>) -> bool {
    let next = placeholders.partition_point(|placeholder| placeholder.end <= span.start);
    placeholders.get(next).is_some_and(|placeholder| placeholder.start < span.end)
}

fn length(text: &str) -> Option<usize> {
    let end = text.char_indices().take(LONGEST).find(|(_, c)| *c == '>')?.0;
    let mut parts = text.get(1..end)?.split(':');
    let label = parts.next()?;
    let whole = !label.is_empty()
        && label.starts_with(|c: char| c.is_ascii_uppercase())
        && label.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let value = match (parts.next(), parts.next(), parts.next()) {
        (None, None, None) => true,
        (Some(shown), None, None) => shown.strip_prefix("****").is_some_and(|tail| {
            tail.chars().count() <= 4 && tail.chars().all(char::is_alphanumeric)
        }),
        (Some(key), Some(token), None) => {
            key.len() <= 16 && token.len() == 12 && token.bytes().all(|b| b.is_ascii_hexdigit())
        }
        _ => false,
    };
    (whole && value).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_recognised_and_nothing_else() {
        for text in [
            masked(&EntityType::Email),
            partial(&EntityType::Iban, "GB82WEST12345698765432"),
            pseudonym(&EntityType::Phone, "k2", "7f3a9c1b2d4e"),
        ] {
            assert_eq!(
                placeholders(&format!("é {text}.")),
                std::slice::from_ref(&(3..3 + text.len()))
            );
        }
        for text in [
            "<b>",
            "<PHONE:0712345678>",
            "<PHONE:k2:0712345678>",
            "<A:b:c:d>",
            "<",
            "< EMAIL >",
            "<>",
        ] {
            assert!(placeholders(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn short_values_show_nothing() {
        assert_eq!(partial(&EntityType::Passport, "A1234567"), "<PASSPORT:****>");
        assert_eq!(
            partial(&EntityType::CreditCard, "4111 1111 1111 1234"),
            "<CREDIT_CARD:****1234>"
        );
    }
}

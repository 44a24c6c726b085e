//! Check digits of published schemes, over ASCII digits; anything else between them is skipped.

/// The digits of a text, as numbers.
pub(super) fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// Luhn (ISO/IEC 7812-1 annex B): doubles every second digit from the right.
pub(super) fn luhn(text: &str) -> bool {
    let digits = digits(text);
    luhn_sum(digits.iter().rev().copied()).is_multiple_of(10) && digits.iter().any(|&d| d != 0)
}

/// Luhn's sum over values, the last first; values above nine occur in alphanumeric variants.
pub(super) fn luhn_sum(from_right: impl Iterator<Item = u32>) -> u32 {
    let weigh = |(at, value): (usize, u32)| match at % 2 {
        0 => value,
        _ if value > 4 => value * 2 - 9,
        _ => value * 2,
    };
    from_right.enumerate().map(weigh).sum()
}

/// Remainder modulo 97 (ISO 7064 MOD 97-10), letters counting from A = 10; `None` on anything else.
pub(super) fn mod97(characters: impl Iterator<Item = char>) -> Option<u32> {
    characters.into_iter().try_fold(0_u32, |rest, c| {
        let value = c.to_digit(36)?;
        Some((rest * if value < 10 { 10 } else { 100 } + value) % 97)
    })
}

/// The sum of digit times weight, over as many as there are of both.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Whether a calendar has this day. Years are taken as written, 1 to 9999.
pub(super) fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        1..=12 => 31,
        _ => 0,
    };
    (1..=9999).contains(&year) && (1..=days).contains(&day)
}

/// Whether two-digit year, month and day occur in either century.
pub(super) fn is_short_date(year: u32, month: u32, day: u32) -> bool {
    is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
}

/// The number that these digits write.
pub(super) fn number(digits: &[u32]) -> u32 {
    digits.iter().fold(0_u32, |number, digit| number.saturating_mul(10).saturating_add(*digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_of_published_numbers() {
        assert!(luhn("4111 1111 1111 1111"));
        assert!(luhn("7503305044089"));
        assert!(!luhn("4111 1111 1111 1112"));
        assert!(!luhn("0000 0000"));
    }

    #[test]
    fn mod97_of_a_published_iban() {
        // GB82 WEST 1234 5698 7654 32, the country and check digits moved to the end.
        assert_eq!(mod97("WEST12345698765432GB82".chars()), Some(1));
        assert_eq!(mod97("WEST-".chars()), None);
    }

    #[test]
    fn dates_exist_or_do_not() {
        assert!(is_date(2024, 2, 29) && !is_date(2023, 2, 29) && !is_date(2000, 13, 1));
        assert!(is_date(2000, 2, 29) && !is_date(1900, 2, 29) && !is_date(2000, 1, 0));
        assert!(is_short_date(0, 2, 29));
    }
}

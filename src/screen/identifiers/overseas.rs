//! France, Portugal, the United Kingdom, the United States.

use super::super::checksum::{digits, luhn_sum, number, weighted};
use super::super::rule::Rule;
use super::{ANY, ID, TAX, checked, plain};

/// Schemes outside Africa.
pub(crate) const OVERSEAS: &[Rule] = &[
    // Checked: fifteen characters, Corsica as 2A and 2B, key 97 minus the rest modulo 97.
    checked(
        "FR_NIR",
        "FR",
        r"(?i)\b[1-478][ .]?[0-9]{2}[ .]?[0-9]{2}[ .]?[0-9][0-9AB][ .]?[0-9]{3}[ .]?[0-9]{3}[ .]?[0-9]{2}\b",
        0.85,
        ("key modulo 97", fr_nir),
        ID,
    ),
    // Checked: thirteen digits, the first 0 to 3, the last three the rest modulo 511.
    checked(
        "FR_TAX",
        "FR",
        r"\b[0-3][0-9] ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}\b",
        0.6,
        ("modulo 511", fr_tax),
        TAX,
    ),
    plain("FR_CNI", "FR", r"\b[0-9]{12}\b", 0.2, ID),
    plain("FR_CNI", "FR", r"\b[0-9A-Z]{9}\b", 0.15, ID),
    // Checked: nine digits, weighted modulo 11.
    checked(
        "PT_NIF",
        "PT",
        r"\b(?:PT ?)?[1-9][0-9]{2} ?[0-9]{3} ?[0-9]{3}\b",
        0.4,
        ("weighted modulo 11", pt_nif),
        ANY,
    ),
    // Checked: eight digits, a digit, two characters, a digit; Luhn over base 36.
    checked(
        "PT_CC",
        "PT",
        r"(?i)\b[0-9]{8} ?[0-9] ?[A-Z0-9]{2} ?[0-9]\b",
        0.6,
        ("check digit", pt_cc),
        ID,
    ),
    // Letters D, F, I, Q, U, V are not used, nor O second; the prefixes of the HMRC manual.
    checked(
        "GB_NINO",
        "GB",
        r"(?i)\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b",
        0.75,
        ("prefix", gb_nino),
        ID,
    ),
    // Checked: ten digits, the first a weighted check digit.
    checked("GB_UTR", "GB", r"\b[0-9]{5} ?[0-9]{5}\b", 0.2, ("weighted modulo 11", gb_utr), TAX),
    // Checked: ten digits, weighted modulo 11.
    checked(
        "GB_NHS",
        "GB",
        r"\b[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}\b",
        0.25,
        ("weighted modulo 11", gb_nhs),
        ID,
    ),
    // Checked: area not 000, 666 or 9xx, no group or serial of zeros.
    checked(
        "US_SSN",
        "US",
        r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
        0.75,
        ("area, group and serial", us_ssn),
        ID,
    ),
    checked(
        "US_SSN",
        "US",
        r"\b[0-9]{3} ?[0-9]{2} ?[0-9]{4}\b",
        0.2,
        ("area, group and serial", us_ssn),
        ID,
    ),
    // Checked: area 9xx and the groups in use.
    checked(
        "US_ITIN",
        "US",
        r"\b9[0-9]{2}[ -]?[0-9]{2}[ -]?[0-9]{4}\b",
        0.35,
        ("group", us_itin),
        ANY,
    ),
    plain("US_EIN", "US", r"\b[0-9]{2}-[0-9]{7}\b", 0.35, TAX),
];

fn fr_nir(value: &str) -> bool {
    let compact: String =
        value.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    // Corsica counts as departments 19 and 18.
    let numeric = compact.replacen("2A", "19", 1).replacen("2B", "18", 1);
    let digits = digits(&numeric);
    let (Some(body), Some(key)) = (digits.get(..13), digits.get(13..15)) else { return false };
    let rest = body.iter().fold(0, |rest, digit| (rest * 10 + digit) % 97);
    let month = digits.get(3..5).map_or(0, number);
    matches!(month, 1..=12 | 20..=42 | 50..=99) && 97 - rest == number(key)
}

fn fr_tax(value: &str) -> bool {
    let digits = digits(value);
    let (Some(body), Some(key)) = (digits.get(..10), digits.get(10..)) else { return false };
    body.iter().fold(0, |rest, digit| (rest * 10 + digit) % 511) == number(key)
}

fn pt_nif(value: &str) -> bool {
    let digits = digits(value);
    let rest = weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    digits.get(8) == Some(&((11 - rest) % 11 % 10))
}

fn pt_cc(value: &str) -> bool {
    let values: Vec<u32> = value.chars().filter_map(|c| c.to_digit(36)).collect();
    values.len() == 12
        && luhn_sum(values.iter().rev().copied()).is_multiple_of(10)
        && values.iter().any(|&v| v != 0)
}

fn gb_nino(value: &str) -> bool {
    let prefix = value.get(..2).unwrap_or_default().to_ascii_uppercase();
    !matches!(prefix.as_str(), "BG" | "GB" | "NK" | "KN" | "TN" | "NT" | "ZZ")
}

fn gb_utr(value: &str) -> bool {
    let digits = digits(value);
    let Some((first, rest)) = digits.split_first() else { return false };
    let at = weighted(rest, &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    [2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1].get(at as usize) == Some(first)
}

fn gb_nhs(value: &str) -> bool {
    weighted(&digits(value), &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

fn us_ssn(value: &str) -> bool {
    match *digits(value).as_slice() {
        [a1, a2, a3, g1, g2, s1, s2, s3, s4] => {
            let area = number(&[a1, a2, a3]);
            area != 0 && area != 666 && a1 != 9 && g1 + g2 > 0 && s1 + s2 + s3 + s4 > 0
        }
        _ => false,
    }
}

fn us_itin(value: &str) -> bool {
    digits(value)
        .get(3..5)
        .is_some_and(|g| matches!(number(g), 50..=65 | 70..=88 | 90..=92 | 94..=99))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published examples, as in the documentation of python-stdnum.
    #[test]
    fn published_numbers_pass_and_changed_ones_fail() {
        assert!(fr_nir("2 95 10 99 126 111 93") && !fr_nir("295109912611199"));
        assert!(fr_nir("253072B07300470") && fr_nir("253072A07300443"));
        assert!(fr_tax("3023217600053") && !fr_tax("3023217600054"));
        assert!(pt_cc("00000000 0 ZZ4") && !pt_cc("00000000 0 ZZ3"));
        assert!(gb_nhs("943-476-5870") && !gb_nhs("9434765871"));
        assert!(pt_nif("PT 501 964 843") && !pt_nif("PT 501 964 842"));
        assert!(gb_utr("1955839661") && !gb_utr("2955839661"));
        assert!(us_itin("912-90-3456") && !us_itin("912-93-4567"));
        assert!(us_ssn("536-90-4399") && !us_ssn("666-00-0000") && !us_ssn("078-00-1120"));
        assert!(!gb_nino("GB123456A") && gb_nino("AB123456A"));
    }
}

//! African schemes.

use super::super::checksum::{digits, is_date, is_short_date, luhn, mod97, number, weighted};
use super::super::rule::Rule;
use super::{ANY, ID, TAX, checked, plain};

/// South Africa, Nigeria, Kenya, Morocco, Egypt, Ghana, Senegal, Tanzania, Uganda, Rwanda, Tunisia,
/// Algeria, Mauritius, Mozambique.
pub(crate) const AFRICA: &[Rule] = &[
    // Checked: date of birth, citizenship digit 0 to 2, Luhn. One random number in 5,000 passes.
    checked(
        "ZA_ID",
        "ZA",
        r"\b[0-9]{6}[ -]?[0-9]{4}[ -]?[0-9]{2}[ -]?[0-9]\b",
        0.9,
        ("date and Luhn", za_id),
        ID,
    ),
    // Checked: ten digits, the first one of 0, 1, 2, 3, 9, Luhn.
    checked(
        "ZA_TAX",
        "ZA",
        r"\b[01239][0-9]{3}[ /-]?[0-9]{3}[ /-]?[0-9]{2}[ /-]?[0-9]\b",
        0.3,
        ("Luhn", luhn),
        TAX,
    ),
    // NIN and BVN: eleven digits; the often quoted check digit of the NIN is not confirmed, so unused.
    plain("NG_BVN", "NG", r"\b22[0-9]{9}\b", 0.25, ID),
    plain("NG_NIN", "NG", r"\b[0-9]{4}[ -]?[0-9]{3}[ -]?[0-9]{4}\b", 0.2, ID),
    // By memory: eight digits, a dash and four digits, or ten digits.
    plain("NG_TIN", "NG", r"\b[0-9]{8}-[0-9]{4}\b", 0.3, TAX),
    plain("NG_TIN", "NG", r"\b[0-9]{10}\b", 0.15, TAX),
    plain("KE_ID", "KE", r"\b[0-9]{7,9}\b", 0.2, ID),
    // Checked: A for persons or P for others, nine digits, a letter.
    plain("KE_KRA_PIN", "KE", r"(?i)\b[AP][0-9]{9}[A-Z]\b", 0.75, ANY),
    plain("MA_CIN", "MA", r"(?i)\b[A-Z]{1,2} ?[0-9]{4,6}\b", 0.2, ID),
    // Checked: fifteen digits, mod 97.
    checked(
        "MA_ICE",
        "MA",
        r"\b[0-9]{2} ?[0-9]{7} ?[0-9]{4} ?[0-9]{2}\b",
        0.35,
        ("mod 97", ma_ice),
        TAX,
    ),
    // Checked: century, date of birth, governorate; the last digit's rule is not published.
    checked(
        "EG_ID",
        "EG",
        r"\b[23][0-9]{13}\b",
        0.85,
        ("century, date and governorate", eg_id),
        ID,
    ),
    plain("EG_TAX", "EG", r"\b[0-9]{3}[ /-]?[0-9]{3}[ /-]?[0-9]{3}\b", 0.2, TAX),
    plain("GH_CARD", "GH", r"(?i)\bGHA[- ]?[0-9]{9}[- ]?[0-9]\b", 0.9, ID),
    // Checked: P, C, G, Q or V, 00, seven digits, a weighted check digit or X.
    checked(
        "GH_TIN",
        "GH",
        r"(?i)\b[PCGQV]00[0-9]{7}[0-9X]\b",
        0.8,
        ("weighted check digit", gh_tin),
        TAX,
    ),
    // By memory: a digit for the sex, then twelve (or sixteen on the ECOWAS card) in groups.
    plain(
        "SN_CNI",
        "SN",
        r"\b[12][ -]?[0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{5}(?:[ -]?[0-9]{4})?\b",
        0.25,
        ID,
    ),
    plain(
        "SN_CNI",
        "SN",
        r"\b[12][ -]?[0-9]{2,3}[ -]?[0-9]{8}[ -]?[0-9]{5}(?:[ -]?[0-9])?\b",
        0.25,
        ID,
    ),
    // Checked: seven or nine digits, weights 1 and 2, the tax office's three characters after it.
    checked(
        "SN_NINEA",
        "SN",
        r"\b[0-9]{7}(?:[0-9]{2})?(?: ?[0-2][A-Z][0-9])?\b",
        0.2,
        ("weighted sum", sn_ninea),
        TAX,
    ),
    // By memory: date of birth, ward, serial, check digits.
    checked(
        "TZ_NIDA",
        "TZ",
        r"\b[0-9]{8}[ -]?[0-9]{5}[ -]?[0-9]{5}[ -]?[0-9]{2}\b",
        0.8,
        ("date", tz_nida),
        ID,
    ),
    plain("TZ_TIN", "TZ", r"\b[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}\b", 0.2, TAX),
    // By memory: two letters, five digits, seven characters.
    plain("UG_NIN", "UG", r"\b[A-Z]{2}[0-9]{5}[0-9A-Z]{7}\b", 0.4, ID),
    plain("UG_TIN", "UG", r"\b1[0-9]{9}\b", 0.2, TAX),
    // By memory: status, year of birth, sex 7 or 8, serial, issues, check digits.
    checked(
        "RW_ID",
        "RW",
        r"\b[1-3] ?[0-9]{4} ?[78] ?[0-9]{7} ?[0-9] ?[0-9]{2}\b",
        0.6,
        ("year of birth", rw_id),
        ID,
    ),
    plain("RW_TIN", "RW", r"\b1[0-9]{8}\b", 0.2, TAX),
    plain("TN_CIN", "TN", r"\b[01][0-9]{7}\b", 0.2, ID),
    // Checked: seven digits, a letter but not I, O, U, and the codes that may follow.
    plain(
        "TN_MF",
        "TN",
        r"\b[0-9]{7}[ /]?[A-HJ-NP-TV-Z](?:[ /]?[APBDN][ /]?[MPCNE][ /]?[0-9]{3})\b",
        0.8,
        TAX,
    ),
    plain("TN_MF", "TN", r"\b[0-9]{7}[ /]?[A-HJ-NP-TV-Z]\b", 0.3, TAX),
    plain("DZ_NIN", "DZ", r"\b[0-9]{18}\b", 0.25, ID),
    // Checked: fifteen or twenty digits, no check digit.
    plain(
        "DZ_NIF",
        "DZ",
        r"\b[0-9]{3} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}(?:[0-9]{5})?\b",
        0.25,
        TAX,
    ),
    // Checked: a letter, date of birth, serial, check character modulo 17.
    checked(
        "MU_NID",
        "MU",
        r"(?i)\b[A-Z][0-9]{12}[0-9A-G]\b",
        0.9,
        ("date and check character", mu_nid),
        ID,
    ),
    plain("MZ_BI", "MZ", r"\b[0-9]{12}[A-Z]\b", 0.4, ID),
    // Checked: nine digits, weighted modulo 11.
    checked(
        "MZ_NUIT",
        "MZ",
        r"\b[0-9]{3} ?[0-9]{3} ?[0-9]{3}\b",
        0.25,
        ("weighted modulo 11", mz_nuit),
        TAX,
    ),
];

fn za_id(value: &str) -> bool {
    match *digits(value).as_slice() {
        [y1, y2, m1, m2, d1, d2, _, _, _, _, citizen, _, _] => {
            citizen <= 2
                && is_short_date(number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]))
                && luhn(value)
        }
        _ => false,
    }
}

fn ma_ice(value: &str) -> bool {
    mod97(value.chars().filter(char::is_ascii_digit)) == Some(0) && digits(value).len() == 15
}

fn eg_id(value: &str) -> bool {
    match *digits(value).as_slice() {
        [century, y1, y2, m1, m2, d1, d2, g1, g2, ..] => {
            let year = 1700 + century * 100 + number(&[y1, y2]);
            let governorate = number(&[g1, g2]);
            is_date(year, number(&[m1, m2]), number(&[d1, d2]))
                && matches!(governorate, 1..=4 | 11..=19 | 21..=29 | 31..=35 | 88)
        }
        _ => false,
    }
}

fn gh_tin(value: &str) -> bool {
    let digits = digits(value);
    let check = weighted(digits.get(..9).unwrap_or_default(), &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11;
    match value.chars().next_back() {
        Some('x' | 'X') => check == 10,
        Some(last) => last.to_digit(10) == Some(check),
        None => false,
    }
}

fn sn_ninea(value: &str) -> bool {
    let compact: String = value.chars().filter(|c| *c != ' ').collect();
    let has_code = compact.bytes().any(|b| b.is_ascii_uppercase());
    let length = compact.len().saturating_sub(if has_code { 3 } else { 0 });
    let digits = digits(compact.get(..length).unwrap_or_default());
    let weights: &[u32] = &[1, 2, 1, 2, 1, 2, 1, 2, 1];
    matches!(length, 7 | 9) && weighted(&digits, weights).is_multiple_of(10)
}

fn tz_nida(value: &str) -> bool {
    match digits(value).get(..8) {
        Some(&[y1, y2, y3, y4, m1, m2, d1, d2]) => {
            let year = number(&[y1, y2, y3, y4]);
            (1900..=2099).contains(&year) && is_date(year, number(&[m1, m2]), number(&[d1, d2]))
        }
        _ => false,
    }
}

fn rw_id(value: &str) -> bool {
    let digits = digits(value);
    digits.len() == 16 && digits.get(1..5).is_some_and(|y| (1900..=2099).contains(&number(y)))
}

fn mu_nid(value: &str) -> bool {
    let values: Vec<u32> = value.chars().filter_map(|c| c.to_digit(36)).collect();
    let Some((&check, body)) = values.split_last() else { return false };
    let weights: &[u32] = &[14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2];
    let date = match *body {
        [_, d1, d2, m1, m2, y1, y2, ..] => {
            is_short_date(number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]))
        }
        _ => false,
    };
    date && body.len() == 13 && (17 - weighted(body, weights) % 17) % 17 == check
}

fn mz_nuit(value: &str) -> bool {
    let digits = digits(value);
    let check = weighted(&digits, &[8, 9, 4, 5, 6, 7, 8, 9]) % 11;
    digits.get(8) == Some(&if check == 10 { 1 } else { check })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published examples, as in the documentation of python-stdnum.
    #[test]
    fn published_numbers_pass_and_changed_ones_fail() {
        assert!(za_id("7503305044089") && za_id("750330 5044 08 9") && !za_id("8503305044089"));
        assert!(ma_ice("001561191000066") && !ma_ice("001561191000065"));
        assert!(gh_tin("C0000803561") && !gh_tin("C0000803562"));
        assert!(sn_ninea("3067221") && sn_ninea("3067221 2G2") && !sn_ninea("3067222"));
        assert!(mz_nuit("400339910") && mz_nuit("400 005 834") && !mz_nuit("400339911"));
    }

    #[test]
    fn dates_inside_numbers_must_exist() {
        assert!(eg_id("29001010100015") && eg_id("30002290100015"));
        assert!(!eg_id("29002300100015") && !eg_id("29001010500015"));
        assert!(tz_nida("19900115-12345-00001-12") && !tz_nida("19901315-12345-00001-12"));
        assert!(rw_id("1 1990 8 0012345 0 12") && !rw_id("1 2990 8 0012345 0 12"));
        assert!(mu_nid("S1604741234561".get(..13).map(with_check).unwrap().as_str()));
    }

    fn with_check(body: &str) -> String {
        let check =
            (0..17).filter_map(|v| char::from_digit(v, 17)).find(|c| mu_nid(&format!("{body}{c}")));
        format!("{body}{}", check.unwrap())
    }
}

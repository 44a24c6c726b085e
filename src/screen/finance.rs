//! Cards, bank accounts, mobile-money receipts and crypto addresses.

mod crypto;
mod iban;

use super::checksum::{digits, luhn, number, weighted};
use super::context::Topic;
use super::rule::{EntityLabel, Rule, rule};

const CARD: EntityLabel = EntityLabel("CREDIT_CARD");
const ACCOUNT: EntityLabel = EntityLabel("BANK_ACCOUNT");
const CRYPTO: EntityLabel = EntityLabel("CRYPTO_ADDRESS");
const BANK: &[Topic] = &[Topic::Bank];
const COIN: &[Topic] = &[Topic::Crypto];

/// Money's numbers, of all regions.
pub(super) const FINANCE: &[Rule] = &[
    // ISO/IEC 7812: Luhn and a known issuer's range; 2 % of random sixteen-digit numbers pass.
    rule(
        CARD,
        "",
        r"\b[2-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{1,4}(?:[ -]?[0-9]{1,3})?\b",
        0.75,
        Some(("issuer and Luhn", card)),
        &[Topic::Card],
    ),
    rule(
        CARD,
        "",
        r"\b3[0-9]{3}[ -]?[0-9]{6}[ -]?[0-9]{4,5}\b",
        0.75,
        Some(("issuer and Luhn", card)),
        &[Topic::Card],
    ),
    rule(
        CARD,
        "SECURITY_CODE",
        r"(?i)\bC(?:VV|VC|SC|VN)2?[ :=#-]{1,3}([0-9]{3,4})\b",
        0.6,
        None,
        &[],
    ),
    // ISO 13616: the country's length, mod 97.
    rule(
        EntityLabel("IBAN"),
        "",
        r"(?i)\b[A-Z]{2}[0-9]{2}(?:[ -]?[0-9A-Z]{4}){2,7}(?:[ -]?[0-9A-Z]{1,3})?\b",
        0.95,
        Some(("country, length and mod 97", iban::is_iban)),
        BANK,
    ),
    // The French and Moroccan key modulo 97; the Moroccan one by memory.
    rule(
        ACCOUNT,
        "RIB",
        r"(?i)\b[0-9]{5} ?[0-9]{5} ?[0-9A-Z]{11} ?[0-9]{2}\b",
        0.75,
        Some(("key modulo 97", french_rib)),
        BANK,
    ),
    rule(
        ACCOUNT,
        "RIB",
        r"\b[0-9]{3} ?[0-9]{3} ?[0-9]{4} ?[0-9]{4} ?[0-9]{4} ?[0-9]{4} ?[0-9]{2}\b",
        0.5,
        Some(("key modulo 97", moroccan_rib)),
        BANK,
    ),
    rule(ACCOUNT, "SORT_CODE", r"\b[0-9]{2}-[0-9]{2}-[0-9]{2}(?: [0-9]{8})?\b", 0.25, None, BANK),
    // ABA: weights 3, 7, 1 modulo 10.
    rule(ACCOUNT, "ROUTING", r"\b[0-3][0-9]{8}\b", 0.22, Some(("weights 3, 7, 1", routing)), BANK),
    rule(ACCOUNT, "", r"\b[0-9]{6,24}\b", 0.21, None, BANK),
    rule(
        ACCOUNT,
        "",
        r"\b[0-9]{2,5}[ -][0-9]{3,16}(?:[ -][0-9]{2,16}){0,4}\b",
        0.22,
        Some(("8 to 26 digits", grouped)),
        BANK,
    ),
    rule(
        ACCOUNT,
        "SWIFT",
        r"\b[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b",
        0.2,
        Some(("has a digit or a country", swift)),
        BANK,
    ),
    // How M-Pesa's own messages begin.
    rule(
        EntityLabel("MOBILE_MONEY"),
        "MPESA",
        r"\b([A-Z][A-Z0-9]{9}) ?[Cc]onfirmed\b",
        0.7,
        Some(("letters and digits", mixed)),
        &[Topic::MobileMoney],
    ),
    rule(
        EntityLabel("MOBILE_MONEY"),
        "",
        r"\b[A-Z0-9]{10}\b",
        0.25,
        Some(("letters and digits", mixed)),
        &[Topic::MobileMoney],
    ),
    rule(
        EntityLabel("MOBILE_MONEY"),
        "",
        r"\b(?:[A-Z]{2}[0-9]{6}\.[0-9]{4}\.[A-Z][0-9]{5,6}|[1-9][0-9]{9,11})\b",
        0.2,
        None,
        &[Topic::MobileMoney],
    ),
    rule(
        CRYPTO,
        "BTC",
        r"\b[13][1-9A-HJ-NP-Za-km-z]{25,34}\b",
        0.95,
        Some(("Base58Check", crypto::base58check)),
        COIN,
    ),
    rule(
        CRYPTO,
        "TRX",
        r"\bT[1-9A-HJ-NP-Za-km-z]{33}\b",
        0.95,
        Some(("Base58Check", crypto::base58check)),
        COIN,
    ),
    rule(
        CRYPTO,
        "BTC",
        r"(?i)\bbc1[02-9ac-hj-np-z]{8,87}\b",
        0.95,
        Some(("Bech32", crypto::bech32)),
        COIN,
    ),
    rule(CRYPTO, "ETH", r"\b0x[0-9a-fA-F]{40}\b", 0.7, None, COIN),
];

/// Ranges of Visa, Mastercard, Verve, American Express, Discover, Diners Club, JCB, UnionPay,
/// Maestro and RuPay, with the lengths that each issues.
fn card(value: &str) -> bool {
    let digits = digits(value);
    let head = |length: usize| digits.get(..length).map_or(0, number);
    let issued = match digits.len() {
        14 => matches!(head(2), 36 | 38) || matches!(head(3), 300..=305),
        15 => matches!(head(2), 34 | 37),
        16 => {
            matches!(head(1), 4)
                || matches!(head(2), 51..=55 | 60 | 62 | 64..=65 | 81..=82)
                || matches!(head(4), 2221..=2720 | 3528..=3589 | 5018 | 5020 | 5038 | 5060..=5066 | 6304 | 6759..=6763)
        }
        13 => matches!(head(1), 4),
        17..=19 => {
            matches!(head(2), 62 | 65)
                || matches!(head(1), 4)
                || matches!(head(4), 5060..=5066 | 6011)
        }
        _ => false,
    };
    issued && luhn(value)
}

fn french_rib(value: &str) -> bool {
    // Letters stand for digits: A to I and J to R count from 1, S to Z from 2.
    let digit = |c: char| match c.to_ascii_uppercase() {
        c @ '0'..='9' => c.to_digit(10),
        c @ 'A'..='I' => Some(u32::from(c) - u32::from('A') + 1),
        c @ 'J'..='R' => Some(u32::from(c) - u32::from('J') + 1),
        c @ 'S'..='Z' => Some(u32::from(c) - u32::from('S') + 2),
        _ => None,
    };
    let digits: Vec<u32> = value.chars().filter_map(digit).collect();
    remainder(&digits) == 0 && digits.len() == 23 && digits.iter().any(|&d| d != 0)
}

fn moroccan_rib(value: &str) -> bool {
    let digits = digits(value);
    remainder(&digits) == 0 && digits.len() == 24 && digits.iter().any(|&d| d != 0)
}

fn remainder(digits: &[u32]) -> u32 {
    digits.iter().fold(0, |rest, digit| (rest * 10 + digit) % 97)
}

fn routing(value: &str) -> bool {
    let digits = digits(value);
    weighted(&digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
        && digits.iter().any(|&d| d != 0)
}

fn grouped(value: &str) -> bool {
    (8..=26).contains(&digits(value).len())
}

fn swift(value: &str) -> bool {
    value.bytes().any(|b| b.is_ascii_digit())
        || value.get(4..6).is_some_and(|c| iban::length(c) > 0 || COUNTRIES.contains(&c))
}

/// Countries with BIC codes but no IBAN whose banks these projects meet.
const COUNTRIES: &[&str] = &[
    "ZA", "NG", "KE", "MA", "GH", "TZ", "UG", "RW", "DZ", "MZ", "SN", "US", "CI", "CM", "ZM", "BW",
    "AO",
];

fn mixed(value: &str) -> bool {
    value.bytes().filter(u8::is_ascii_digit).count() >= 2
        && value.bytes().filter(u8::is_ascii_uppercase).count() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_need_an_issuer_and_luhn() {
        assert!(
            card("4111 1111 1111 1111") && card("5555-5555-5555-4444") && card("378282246310005")
        );
        assert!(
            card("5061 5511 8173 8748") && card("6011000990139424") && card("2223629099871553")
        );
        assert!(!card("4111 1111 1111 1112"));
        // Luhn holds, yet nobody issues such numbers.
        assert!(!card("7111111111111116") && !card("79927398713"));
    }

    #[test]
    fn accounts_with_keys() {
        assert!(french_rib("20041 01005 0500013M026 06"));
        assert!(!french_rib("20041 01005 0500013M026 07"));
        assert!(routing("111000025") && !routing("111000026"));
    }

    #[test]
    fn receipts_mix_letters_and_digits() {
        assert!(mixed("QGH7X2K9LM") && !mixed("TELEPHONES") && !mixed("0123456789"));
    }
}

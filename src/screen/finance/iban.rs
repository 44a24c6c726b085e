//! IBAN: ISO 13616, lengths by country from the SWIFT registry.

use super::super::checksum::mod97;

/// Country and total length, as in the registry's release 101; some countries outside it whose
/// banks use the same form (Morocco, Algeria, Senegal and others) by memory.
const LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
    ("AO", 25),
    ("BF", 28),
    ("BJ", 28),
    ("CF", 27),
    ("CG", 27),
    ("CI", 28),
    ("CM", 27),
    ("CV", 25),
    ("DZ", 26),
    ("GA", 27),
    ("GN", 28),
    ("GQ", 27),
    ("GW", 25),
    ("KM", 27),
    ("MA", 28),
    ("MG", 27),
    ("ML", 28),
    ("MZ", 25),
    ("NE", 28),
    ("SN", 28),
    ("TD", 27),
    ("TG", 28),
];

/// The length of this country's IBAN; 0 where it has none.
pub(super) fn length(country: &str) -> usize {
    LENGTHS.iter().find(|(known, _)| *known == country).map_or(0, |(_, length)| *length)
}

/// Whether country, length and check digits fit.
pub(super) fn is_iban(value: &str) -> bool {
    let compact: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    let compact = compact.to_ascii_uppercase();
    let (Some(country), Some(head), Some(rest)) =
        (compact.get(..2), compact.get(..4), compact.get(4..))
    else {
        return false;
    };
    length(country) == compact.len() && mod97(rest.chars().chain(head.chars())) == Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_ibans_pass_and_changed_ones_fail() {
        for iban in [
            "GB82 WEST 1234 5698 7654 32",
            "FR1420041010050500013M02606",
            "MU17BOMM0101101030300200000MUR",
            "TN59 1000 6035 1835 9847 8831",
        ] {
            assert!(is_iban(iban), "{iban}");
            assert!(!is_iban(&iban.replacen('1', "2", 1)), "{iban}");
        }
        assert!(!is_iban("GB82 WEST 1234 5698 7654 3"));
        assert!(!is_iban("QQ82 WEST 1234 5698 7654 32"));
    }
}

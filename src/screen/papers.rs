//! Dates of birth, passports and number plates: only where the text names them.

use super::checksum::{is_date, number};
use super::context::Topic;
use super::rule::{self, Check, EntityLabel, Rule};

const DATE: EntityLabel = EntityLabel("DATE_OF_BIRTH");
const PASSPORT: EntityLabel = EntityLabel("PASSPORT");
const PLATE: EntityLabel = EntityLabel("PLATE");
const BIRTH: &[Topic] = &[Topic::Birth];
const VEHICLE: &[Topic] = &[Topic::Vehicle];

/// How names of months begin.
macro_rules! months {
    () => {
        "(?:jan|feb|fév|fev|mar|maa|mac|mrt|apr|avr|abr|mei|may|mai|jun|juin|jul|juil|aug|aoû|ago|sep|set|oct|okt|out|nov|dec|déc|dez|des|يناير|فبراير|مارس|أبريل|ابريل|إبريل|مايو|ماي|يونيو|يوليو|يوليوز|أغسطس|غشت|سبتمبر|شتنبر|أكتوبر|نوفمبر|نونبر|ديسمبر|دجنبر|جانفي|فيفري|أفريل|جوان|جويلية|أوت)"
    };
}

/// Papers, of all regions but where a plate is a country's own.
pub(super) const PAPERS: &[Rule] = &[
    rule(
        DATE,
        None,
        r"\b(?:19|20)[0-9]{2}[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12][0-9]|3[01])\b",
        0.3,
        Some(("calendar", year_first)),
        BIRTH,
    ),
    rule(
        DATE,
        None,
        r"\b[0-3]?[0-9] ?[-/.] ?[0-3]?[0-9] ?[-/.] ?(?:19|20)[0-9]{2}\b",
        0.3,
        Some(("calendar", year_last)),
        BIRTH,
    ),
    rule(DATE, None, r"\b[0-9]{1,2}[-/.][0-3]?[0-9][-/.][0-9]{2}\b", 0.2, None, BIRTH),
    rule(
        DATE,
        None,
        r"\b(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])\b",
        0.3,
        None,
        BIRTH,
    ),
    rule(
        PASSPORT,
        None,
        r"(?i)\b(?:[A-Z]{1,3} ?[0-9]{5,9}|[0-9]{2}[A-Z]{2}[0-9]{5}|[0-9]{8,9})\b",
        0.22,
        None,
        &[Topic::Passport],
    ),
    rule(PLATE, Some("NG"), r"\b[A-Z]{3}[ -]?[0-9]{2,3}[ -]?[A-Z]{2}\b", 0.3, None, VEHICLE),
    rule(PLATE, Some("KE"), r"\bK[A-Z]{2} ?[0-9]{3}[A-Z]\b", 0.3, None, VEHICLE),
    rule(PLATE, Some("FR"), r"\b[A-Z]{2}-[0-9]{3}-[A-Z]{2}\b", 0.3, None, VEHICLE),
    rule(PLATE, Some("GB"), r"\b[A-Z]{2}[0-9]{2} ?[A-Z]{3}\b", 0.3, None, VEHICLE),
    rule(PLATE, Some("PT"), r"\b[0-9A-Z]{2}-[0-9A-Z]{2}-[0-9A-Z]{2}\b", 0.3, None, VEHICLE),
    rule(
        PLATE,
        None,
        r"\b(?:[A-Z]{1,3}[ -]?[0-9]{2,6}(?:[ -]?[A-Z]{1,3})?|[0-9]{1,5}[ -]?[A-Z]{1,3}[ -]?[0-9]{0,4})\b",
        0.2,
        Some(("letters and 2 digits", plate)),
        VEHICLE,
    ),
];

/// Dates with the month in words, in English, French, Portuguese, Swahili, Afrikaans and Arabic.
pub(super) const DATES_IN_WORDS: &[Rule] = &[
    rule(
        DATE,
        None,
        concat!(
            r"(?i)(?-u:\b)[0-3]?[0-9](?:st|nd|rd|th|er|º|ste|de)?[ .,-]{0,2}(?:de |of |le )?",
            months!(),
            r"[a-zéûçA-Zء-ي.]*[ .,-]{1,2}(?:de )?(?:19|20)[0-9]{2}(?-u:\b)"
        ),
        0.3,
        None,
        BIRTH,
    ),
    rule(
        DATE,
        None,
        r"(?i)(?-u:\b)(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? [0-3]?[0-9](?:st|nd|rd|th)?,? (?:19|20)[0-9]{2}(?-u:\b)",
        0.3,
        None,
        BIRTH,
    ),
];

const fn rule(
    entity: EntityLabel,
    region: Option<&'static str>,
    pattern: &'static str,
    base: f32,
    check: Option<Check>,
    topics: &'static [Topic],
) -> Rule {
    Rule { region, ..rule::rule(entity, "", pattern, base, check, topics) }
}

fn parts(value: &str) -> Vec<u32> {
    let digits = |part: &str| super::checksum::digits(part);
    value.split(['-', '/', '.']).map(|part| number(&digits(part))).collect()
}

fn year_first(value: &str) -> bool {
    matches!(*parts(value).as_slice(), [year, month, day] if is_date(year, month, day))
}

/// Day and month in either order.
fn year_last(value: &str) -> bool {
    matches!(*parts(value).as_slice(), [a, b, year] if is_date(year, b, a) || is_date(year, a, b))
}

fn plate(value: &str) -> bool {
    value.bytes().filter(u8::is_ascii_digit).count() >= 2
        && value.bytes().any(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_exist() {
        assert!(year_first("1963-09-20") && !year_first("1963-02-30"));
        assert!(year_last("27/11/1987") && year_last("11/27/1987") && !year_last("31/04/1987"));
        assert!(year_last("3 / 4 / 1987"));
    }
}

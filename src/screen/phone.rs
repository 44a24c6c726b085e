//! Telephone numbers: groups of digits that the public numbering plans allow, in the project's
//! regions only.
//!
//! All regions together would take most ten-digit order numbers for somebody's telephone. A number
//! in national form counts only in a region of the project; one with `+` counts everywhere.

mod groups;

use std::ops::Range;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};

use self::groups::{Run, runs, widened};
use super::checksum::digits;

/// Fewest and most digits of a number, with prefixes.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=17;
/// Least score of a number that is valid as it is written.
const VALID: f32 = 0.5;
/// Digits of a run that may be left over beside its numbers.
const LEFT: usize = 4;
/// Score of a number of the right length in a range that is not assigned.
const UNASSIGNED: f32 = 0.25;
/// Groups of one number.
const NUMBER_GROUPS: usize = 8;

/// A telephone number, and how much its form alone says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Phone {
    pub(super) span: Range<usize>,
    pub(super) region: Option<String>,
    pub(super) base: f32,
}

/// The numbering plans of a project's regions.
#[derive(Debug, Clone)]
pub(super) struct Plans(Vec<Plan>);

#[derive(Debug, Clone)]
struct Plan {
    region: Region,
    code: String,
    /// Whether national numbers are written with a zero before them.
    trunk: bool,
}

/// Whether the numbering plan of this region, an ISO 3166 code, is known.
pub(super) fn is_region(code: &str) -> bool {
    code.len() == 2
        && code.bytes().all(|b| b.is_ascii_uppercase())
        && Region::from_code(code).is_ok_and(|region| {
            PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some_and(|code| code > 0)
        })
}

impl Plans {
    /// The plans of these regions; unknown ones are left out.
    pub(super) fn new(regions: &[String]) -> Self {
        let plan = |code: &String| {
            let region = Region::from_code(code).ok()?;
            let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region)?.to_string();
            Some(Plan { region, code, trunk: writes_zero(region) })
        };
        Self(regions.iter().filter(|code| is_region(code)).filter_map(plan).collect())
    }

    /// Every number in the text.
    pub(super) fn find(&self, text: &str) -> Vec<Phone> {
        let mut found = Vec::new();
        for run in runs(text) {
            self.divide(text, &run, &mut found);
        }
        found
    }

    /// Takes the numbers that fill a run, but for a few digits. Of a longer run only a number in one
    /// piece or one with `+` counts: parts of a meter token are none.
    fn divide(&self, text: &str, run: &Run, found: &mut Vec<Phone>) {
        let mut taken: Vec<(Range<usize>, Phone)> = Vec::new();
        let (mut at, mut left) = (0, 0);
        while let Some(group) = run.groups.get(at) {
            if let Some((next, phone)) = self.longest(text, run, at) {
                taken.push((at..next, phone));
                at = next;
            } else {
                left += group.len();
                at += 1;
            }
        }
        let used: usize = taken.iter().map(|(_, phone)| phone.span.len()).sum();
        let edges: Vec<usize> =
            taken.iter().flat_map(|(groups, _)| [groups.start, groups.end]).collect();
        let another = |edge: usize| edges.iter().filter(|e| **e == edge).count() > 1;
        let fits = |(groups, phone): &(Range<usize>, Phone)| {
            let glued = [groups.start, groups.end]
                .into_iter()
                .any(|edge| run.glued(text, edge) && !another(edge));
            let few = left <= LEFT || left * 3 <= used || groups.len() == 1;
            phone.base >= 0.9 || (few && !glued)
        };
        found.extend(taken.iter().filter(|taken| fits(taken)).map(|(_, phone)| phone.clone()));
    }

    /// The best number that begins with this group, of equals the longest, and the group after it.
    fn longest(&self, text: &str, run: &Run, at: usize) -> Option<(usize, Phone)> {
        let start = run.groups.get(at)?.start;
        let plus = run.plus.contains(&at);
        let mut best: Option<(usize, Phone)> = None;
        for next in at + 1..=run.groups.len().min(at + NUMBER_GROUPS) {
            if next > at + 1 && run.plus.contains(&(next - 1)) {
                break;
            }
            let end = run.groups.get(next - 1)?.end;
            let digits = digits(text.get(start..end)?).len();
            if digits > *DIGITS.end() {
                break;
            }
            let span = widened(text, start..end, plus);
            let long = digits >= *DIGITS.start();
            let number = if long { self.number(text.get(span.clone())?, plus) } else { None };
            match number {
                Some((region, base)) if best.as_ref().is_none_or(|(_, best)| base >= best.base) => {
                    best = Some((next, Phone { span, region, base }));
                }
                // What goes on after a valid number is the next one.
                _ if best.as_ref().is_some_and(|(_, best)| best.base >= VALID) => break,
                _ => {}
            }
        }
        best
    }

    /// Region and score of a text that is one number.
    fn number(&self, value: &str, plus: bool) -> Option<(Option<String>, f32)> {
        let compact: String = value.chars().filter(char::is_ascii_digit).collect();
        if plus {
            // "+27 (0)82 ...": the zero is not dialled.
            let before_zero = value.split_once("(0)").map(|(before, _)| digits(before).len());
            return self.international(&without(&compact, before_zero), [0.9, 0.9, 0.5, 0.3]);
        }
        if let Some(dialled) = compact.strip_prefix("00") {
            return self.international(dialled, [0.75, 0.3, 0.3, 0.0]);
        }
        if is_written_date(value) {
            return None;
        }
        let plans = self.0.iter().filter_map(|plan| plan.national(value, &compact));
        plans.max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Scores, in order: valid of the project's regions, valid of others, and of merely the right
    /// length for the same two.
    fn international(&self, digits: &str, scores: [f32; 4]) -> Option<(Option<String>, f32)> {
        let number = PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).ok()?;
        let own = self.0.iter().find(|plan| plan.code == number.country_code.to_string());
        let [valid_own, valid, possible_own, possible] = scores;
        let base = match (number.is_valid(), own) {
            (true, Some(_)) => valid_own,
            (true, None) => valid,
            (false, _) if !PHONE_NUMBER_UTIL.is_possible_number(&number) => return None,
            (false, Some(_)) => possible_own,
            (false, None) => possible,
        };
        let region = PHONE_NUMBER_UTIL.get_region_for_number(&number);
        let region = region.or(own.map(|plan| plan.region));
        (base > 0.0).then(|| (region.map(|region| region.to_string()), base))
    }
}

/// "06/01/1983": eight digits that some plan allows.
fn is_written_date(value: &str) -> bool {
    let groups: Vec<usize> = value.split(['/', '-', '.']).map(str::len).collect();
    matches!(groups.as_slice(), [1 | 2, 1 | 2, 4] | [4, 1 | 2, 1 | 2])
}

/// The digits without the one at this place.
fn without(digits: &str, at: Option<usize>) -> String {
    let kept = digits.char_indices().filter(|(place, _)| Some(*place) != at);
    kept.map(|(_, digit)| digit).collect()
}

impl Plan {
    fn national(&self, value: &str, compact: &str) -> Option<(Option<String>, f32)> {
        // Most groups of digits are none: tell them apart before they are parsed.
        let marked = compact.starts_with('0') || compact.starts_with(&self.code);
        let long = compact.starts_with('0') && compact.len() > 13;
        if long
            || (self.trunk && compact.len() < 8)
            || (self.trunk && !marked && value.len() > compact.len())
        {
            return None;
        }
        let number = PHONE_NUMBER_UTIL.parse(compact, Some(self.region)).ok()?;
        let base = if number.is_valid_for_region(self.region) {
            self.form(value, compact, &number)
        } else if self.trunk
            && compact.starts_with('0')
            && PHONE_NUMBER_UTIL.is_possible_number(&number)
        {
            // The right length in a range that nobody was given: plans change faster than lists.
            UNASSIGNED
        } else {
            return None;
        };
        Some((Some(self.region.to_string()), base))
    }

    /// How much the way a valid number is written says.
    fn form(&self, value: &str, compact: &str, number: &PhoneNumber) -> f32 {
        let grouped = !value.bytes().all(|b| b.is_ascii_digit());
        let with_code = compact.len() > national_length(number) && compact.starts_with(&self.code);
        let national = || number.format_as(PhoneNumberFormat::National);
        if grouped && like_an_amount(value) {
            0.3
        } else if self.trunk && compact.starts_with('0') {
            if grouped { 0.7 } else { 0.6 }
        } else if with_code {
            if grouped { 0.6 } else { 0.55 }
        } else if self.trunk || !grouped {
            0.25
        } else if value.contains(['-', '.', '(']) || value == national() {
            0.6
        } else {
            0.35
        }
    }
}

/// "235 022 482" may be an amount: groups of three behind blanks say little.
fn like_an_amount(value: &str) -> bool {
    let mut groups = value.split(' ');
    value.bytes().all(|b| b.is_ascii_digit() || b == b' ')
        && groups.next().is_some_and(|first| first.len() <= 3)
        && groups.all(|group| group.len() == 3)
}

/// Whether the region's example number is written with a zero that is not part of it.
fn writes_zero(region: Region) -> bool {
    PHONE_NUMBER_UTIL.get_example_number(region).is_ok_and(|number| {
        number.format_as(PhoneNumberFormat::National).trim_start_matches('(').starts_with('0')
            && !number.get_national_significant_number().starts_with('0')
    })
}

fn national_length(number: &PhoneNumber) -> usize {
    number.get_national_significant_number().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, regions: &[&str]) -> Vec<String> {
        let regions: Vec<String> = regions.iter().map(ToString::to_string).collect();
        let phones = Plans::new(&regions).find(text);
        phones.into_iter().filter(|p| p.base >= 0.5).map(|p| text[p.span].to_owned()).collect()
    }

    #[test]
    fn national_numbers_count_in_their_own_region_only() {
        assert_eq!(found("call 0712 729403 now", &["KE"]), ["0712 729403"]);
        assert_eq!(found("06-62-70-86-90.", &["MA"]), ["06-62-70-86-90"]);
        assert!(found("call 0712 729403 now", &["US"]).is_empty());
        assert_eq!(
            found("(415) 555-2671 or 415.555.2671", &["US"]),
            ["(415) 555-2671", "415.555.2671"]
        );
        assert_eq!(
            found("+27 (0)72 407 5757, 00212662708690", &["MA"]),
            ["+27 (0)72 407 5757", "00212662708690"]
        );
        assert_eq!(found("2348034096077", &["NG"]), ["2348034096077"]);
    }

    #[test]
    fn two_numbers_side_by_side_are_two() {
        assert_eq!(found("0712345678 0798765432", &["KE"]), ["0712345678", "0798765432"]);
        assert_eq!(found("0712 345 678 / 0798 765 432", &["KE"]), ["0712 345 678", "0798 765 432"]);
        assert_eq!(found("+254712345678 +254798765432", &[]), ["+254712345678", "+254798765432"]);
    }

    #[test]
    fn parts_of_longer_numbers_are_none() {
        for text in [
            "2629 3989 7035 6202 7454",
            "0712 3456 7891 2345 6789 1234",
            "7cc7b9e9-75ac-4362-a1f1-0712345678aa",
            "x0712345678",
            "0712345678x",
            "#0712345678",
            "*0712345678#",
            "ISBN 978-5-053-59140-1",
            "235 022 482",
            "06/01/1983",
        ] {
            assert!(found(text, &["KE", "ZA", "MA", "NG"]).is_empty(), "{text}");
        }
    }

    #[test]
    fn regions_are_known_or_not() {
        assert!(is_region("ZA") && is_region("SN"));
        assert!(!is_region("za") && !is_region("XX") && !is_region("ZAF") && !is_region(""));
    }
}

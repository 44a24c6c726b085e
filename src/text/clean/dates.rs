//! Dates that can be read in one way only become ISO 8601: `31/12/2024` and `May 3, 2024`, but not
//! `03/04/2024`.

use std::ops::Range;

use super::edits::Edits;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

pub(super) fn edits(text: &str) -> Edits {
    let mut edits = Edits::default();
    let mut at = 0;
    while let Some(start) = next_start(text, at) {
        let rest = text.get(start..).unwrap_or_default();
        let found = read(rest).filter(|&(length, _)| !is_word_at(text, start + length));
        match found {
            Some((length, date)) => {
                at = start + length;
                let iso = date.iso();
                if text.get(start..at) != Some(iso.as_str()) {
                    edits.replace(start..at, &iso);
                }
            }
            None => at = start + token_length(rest),
        }
    }
    edits
}

/// Where the next word or number begins.
fn next_start(text: &str, from: usize) -> Option<usize> {
    let before = text.get(..from)?.chars().next_back();
    let mut is_inside = before.is_some_and(|c| c.is_alphanumeric() || is_joined(c));
    for (at, c) in text.get(from..)?.char_indices() {
        if c.is_ascii_alphanumeric() && !is_inside {
            return Some(from + at);
        }
        is_inside = c.is_alphanumeric() || is_joined(c);
    }
    None
}

/// Signs that make what follows a part of a longer token.
fn is_joined(c: char) -> bool {
    matches!(c, '/' | '-' | '.' | '_' | ':' | '#' | '@' | '&')
}

fn is_word_at(text: &str, at: usize) -> bool {
    let mut after = text.get(at..).unwrap_or_default().chars();
    match after.next() {
        Some('.') => after.next().is_some_and(char::is_alphanumeric),
        Some(c) => c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '@'),
        None => false,
    }
}

fn token_length(rest: &str) -> usize {
    rest.bytes().take_while(u8::is_ascii_alphanumeric).count().max(1)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Date {
    /// A day of the Gregorian calendar between the years 1000 and 2999.
    fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let is_leap =
            year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
        let days = match month {
            2 => 28 + u32::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let is_valid = (1000..3000).contains(&year) && (1..=days).contains(&day);
        is_valid.then_some(Self { year, month, day })
    }

    fn iso(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// The date at the start of `text`, and its length in bytes.
fn read(text: &str) -> Option<(usize, Date)> {
    let mut reader = Reader { text, at: 0 };
    let date = match text.as_bytes().first()? {
        b'0'..=b'9' => reader.day_or_year_first()?,
        _ => reader.month_first()?,
    };
    Some((reader.at, date))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// A number of digits within `lengths`.
    fn number(&mut self, lengths: Range<usize>) -> Option<u32> {
        let length = self.rest().bytes().take(lengths.end).take_while(u8::is_ascii_digit).count();
        let value = self.rest().get(..length)?.parse().ok()?;
        self.at += length;
        lengths.contains(&length).then_some(value)
    }

    /// Takes the first of `wanted` that stands here.
    fn eat(&mut self, wanted: &[&str]) -> bool {
        let found = wanted.iter().find(|&&sign| {
            let bytes = self.rest().as_bytes().get(..sign.len());
            bytes.is_some_and(|bytes| bytes.eq_ignore_ascii_case(sign.as_bytes()))
        });
        let length = found.map_or(0, |sign| sign.len());
        self.at += length;
        length > 0
    }

    /// An English month in full or by its first letters.
    fn month(&mut self) -> Option<u32> {
        let length = self.rest().bytes().take(10).take_while(u8::is_ascii_alphabetic).count();
        let word = self.rest().get(..length)?.to_ascii_lowercase();
        let is_named = |month: &str| month == word || (word == "sept" && month.starts_with("sept"));
        let is_short = |month: &str| length == 3 && month.starts_with(&word);
        let index = MONTHS.iter().position(|month| is_named(month) || is_short(month))?;
        self.at += length;
        if length < 5 {
            self.eat(&["."]);
        }
        u32::try_from(index + 1).ok()
    }

    /// `31/12/2024`, `2024/12/31`, `31 December 2024`, `1st of May 2024`.
    fn day_or_year_first(&mut self) -> Option<Date> {
        let first = self.number(1..5)?;
        if self.at > 2 {
            let is_year = self.at == 4 && self.eat(&["/"]);
            let month = self.number(1..3).filter(|_| is_year)?;
            let day = if self.eat(&["/"]) { self.number(1..3)? } else { return None };
            return Date::new(first, month, day);
        }
        for sign in ["/", ".", "-"] {
            if self.eat(&[sign]) {
                let second = self.number(1..3)?;
                let year = if self.eat(&[sign]) { self.number(4..5)? } else { return None };
                let (day_first, day_second) =
                    (Date::new(year, second, first), Date::new(year, first, second));
                return match (day_first, day_second) {
                    (Some(date), None) | (None, Some(date)) => Some(date),
                    (a, b) => a.filter(|_| a == b),
                };
            }
        }
        self.eat(&["st", "nd", "rd", "th"]);
        if !self.eat(&[" of ", " ", "-"]) {
            return None;
        }
        let month = self.month()?;
        if !self.eat(&[", ", " ", "-"]) {
            return None;
        }
        Date::new(self.number(4..5)?, month, first)
    }

    /// `December 31, 2024`, `May 1st 2024`.
    fn month_first(&mut self) -> Option<Date> {
        let month = self.month()?;
        if !self.eat(&[" "]) {
            return None;
        }
        let day = self.number(1..3)?;
        self.eat(&["st", "nd", "rd", "th"]);
        if !self.eat(&[", ", " ", ","]) {
            return None;
        }
        Date::new(self.number(4..5)?, month, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        edits(text).apply(text)
    }

    #[test]
    fn dates_of_one_reading_become_iso() {
        for (text, iso) in [
            ("31/12/2024", "2024-12-31"),
            ("12/31/2024", "2024-12-31"),
            ("1.13.2024", "2024-01-13"),
            ("29-02-2024", "2024-02-29"),
            ("5/5/2024", "2024-05-05"),
            ("2024/1/2", "2024-01-02"),
            ("3 May 2024", "2024-05-03"),
            ("1st of sept. 1999", "1999-09-01"),
            ("DEC 31, 2024", "2024-12-31"),
            ("January 2nd 2024", "2024-01-02"),
        ] {
            assert_eq!(
                clean(&format!("on {text}, or ({text}).")),
                format!("on {iso}, or ({iso}).")
            );
        }
    }

    #[test]
    fn all_else_stays() {
        for text in [
            "03/04/2024",
            "31/12/24",
            "30/02/2024",
            "29/02/2023",
            "2024-12-31",
            "v1.13.2024.5",
            "a/31/12/2024",
            "31/12/2024/x",
            "May I 2024",
            "Maybe 3, 2024",
            "3 Mayor 2024",
            "31.12.0999",
            "may 2024",
            "1/2/3/4/2024",
            "5 May 20245",
        ] {
            assert_eq!(clean(text), text);
        }
    }
}

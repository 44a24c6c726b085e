//! What holds for any settings of screening.

use std::time::{Duration, Instant};

use crate::screen::{Screener, Settings};

/// Longest time that settings may take to check twice and compile, and what a pattern adds to it, in
/// a build with coverage on a busy machine. A pattern at the limit of its size takes some 60 ms.
const LONGEST: Duration = Duration::from_secs(5);
const A_PATTERN: Duration = Duration::from_millis(500);

const TEXTS: [&str; 4] = [
    "",
    "My phone is 0821234567, ID 8001015009087, mail a@example.com <EMAIL>",
    "اسمي سلمى بناني ٠٧١٢٣٤٥٦٧٨ é\u{200b}1 STAFF-12345",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
];

/// Settings as JSON where the input begins with a brace, else as TOML.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).ok()
    } else {
        toml::from_str(text).ok()
    };
    if let Some(settings) = read {
        check_settings(&settings);
    }
}

/// Everything that holds for `settings`.
///
/// # Panics
/// Where something does not.
pub fn check_settings(settings: &Settings) {
    let begin = Instant::now();
    let problems = settings.problems();
    for problem in &problems.0 {
        assert!(problem.field.starts_with('/') && !problem.message.is_empty(), "{problem:?}");
        assert!(problem.message.len() < 10_000, "{problem:?}");
    }
    let made = Screener::new(settings);
    let took = begin.elapsed();
    let patterns = u32::try_from(settings.custom.len()).unwrap_or(u32::MAX);
    assert!(took < LONGEST + A_PATTERN.saturating_mul(patterns), "{took:?}");
    match made {
        Err(refused) => assert_eq!(refused, problems, "Screener::new and problems() disagree"),
        Ok(screener) => {
            assert!(problems.0.is_empty(), "{problems:?} and yet a screener");
            assert!(settings.custom.iter().all(|custom| screener.knows(&custom.name)));
            for text in TEXTS {
                crate::screening::check_text(settings, &screener, text);
            }
        }
    }
    // What is stored is read back, but for numbers that JSON has no form for.
    if problems.0.is_empty() {
        let stored = serde_json::to_string(settings).expect("JSON");
        assert_eq!(&serde_json::from_str::<Settings>(&stored).expect("the same"), settings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_hold_for_what_is_usual() {
        check(b"regions = ['ZA']\nnames = true\n[[custom]]\nname = 'A1'\npattern = 'x+'");
        check(br#"{"regions": ["KE"], "minimum_score": 0.0, "custom": [{"name": "A1", "pattern": "."}]}"#);
        check(b"minimum_score = nan\nregions = ['XX']");
    }

    #[test]
    fn patterns_over_the_limit_are_refused_in_time() {
        let custom =
            (0..20).map(|at| format!("[[custom]]\nname = 'A{at}'\npattern = '\\w{{28}}'\n"));
        check(custom.collect::<String>().as_bytes());
    }
}

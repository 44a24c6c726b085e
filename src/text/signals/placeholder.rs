//! Stand-ins for a text.

use std::ops::Range;

use super::reading::Reading;

/// Bytes of the longest stand-in.
const MAX_BYTES: usize = 40;

/// What people, forms and programs put where nothing is to be said, in lower case and sorted.
const STAND_INS: &[&str] = &[
    "abc",
    "blah",
    "blah blah",
    "dummy",
    "dummy text",
    "empty",
    "essai",
    "foo",
    "foo bar",
    "foobar",
    "gwaji",
    "hello world",
    "idanwo",
    "insert text here",
    "jaribio",
    "lorem ipsum",
    "n.a",
    "n/a",
    "nan",
    "nil",
    "no response",
    "none",
    "null",
    "object object",
    "placeholder",
    "prueba",
    "sample text",
    "string",
    "tba",
    "tbd",
    "teste",
    "testing",
    "todo",
    "toets",
    "undefined",
    "xx",
    "xxx",
    "xxxx",
    "your text here",
    "ìdánwò",
    "اختبار",
    "تجربة",
    "ሙከራ",
];

/// A stand-in alone, a test (see [`is_test`]), or marks without a letter, digit or picture.
pub(super) fn find(reading: &Reading) -> Option<Range<usize>> {
    let whole = reading.trimmed();
    let stands_in = is_stand_in(reading) || is_test(reading) || {
        let text = reading.text.get(whole.clone())?;
        text.chars().all(|c| c.is_ascii_punctuation() || c.is_whitespace() || "…–—".contains(c))
    };
    stands_in.then_some(whole)
}

fn is_stand_in(reading: &Reading) -> bool {
    let (Some(first), Some(last)) = (reading.words.first(), reading.words.last()) else {
        return false;
    };
    let inner = reading.lower.get(first.start..last.end).unwrap_or_default();
    inner.len() <= MAX_BYTES && STAND_INS.binary_search(&inner).is_ok()
}

/// Whether somebody tries whether the service works: "test", "testing 123", "lorem ipsum …".
pub(in super::super) fn is_test(reading: &Reading) -> bool {
    let mut words = reading.lower_words();
    match words.next() {
        Some("lorem") => words.next() == Some("ipsum"),
        Some("test" | "testing" | "tests" | "teste" | "testando" | "tester") => {
            reading.words.len() <= 5 && words.all(is_test_word)
        }
        _ => false,
    }
}

fn is_test_word(word: &str) -> bool {
    matches!(word, "test" | "testing" | "one" | "two" | "three" | "message" | "only")
        || word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_sorted() {
        assert!(STAND_INS.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(STAND_INS.iter().all(|text| text.len() <= MAX_BYTES));
    }

    #[test]
    fn stand_ins_are_found() {
        for text in [
            "N/A",
            " null ",
            "-",
            "...",
            "\"\"",
            "{}",
            "Test",
            "testing 1 2 3",
            "Test message!",
            "Lorem ipsum dolor sit amet",
            "[object Object]",
            "TBD.",
            "—",
            "n.a.",
            "اختبار",
        ] {
            assert!(find(&Reading::new(text)).is_some(), "{text}");
        }
    }

    #[test]
    fn short_answers_are_none() {
        for text in [
            "no",
            "ok",
            "1",
            "4711",
            "🙂",
            "👍🏽",
            "yes",
            "test my card",
            "a null value",
            "我",
            "¿qué?",
        ] {
            assert!(find(&Reading::new(text)).is_none(), "{text}");
        }
    }
}

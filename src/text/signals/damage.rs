//! Words with digits or symbols inside, or cut by the end of a line, as character recognition and
//! copies from PDF make them.
//!
//! Counted are digits that pass for letters, between small letters: 0 and 1, and 4, 5, 6 and 8 in
//! longer words. Ordinals, sizes, codes and product names ("4th", "B2B", "mp3", "iPhone14") have
//! theirs elsewhere, and the Arabic chat alphabet ("ma3lesh", "7abibi") is told by its 2, 3, 7 or
//! 9; a text in it that has none of these may be misjudged.

use std::ops::Range;

use super::reading::{Reading, kind};

const SYMBOLS: &str = "|!^~¦§•¬¤";

/// What the damaged words of a text are.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Damage {
    pub(super) first: Option<Range<usize>>,
    pub(super) count: usize,
}

pub(super) fn measure(reading: &Reading) -> Damage {
    let mut damage = Damage::default();
    if !reading.has_any("014568|!^~\n") && !reading.has_kind(kind::SYMBOL) {
        return damage;
    }
    let arabizi = reading.has_any("2379") && reading.lower_words().any(is_arabizi);
    let mut words = reading.words.iter().peekable();
    while let Some(word) = words.next() {
        let next = words.peek().copied();
        if is_damaged(&reading.text[word.clone()], arabizi) || is_broken(reading.text, word, next) {
            damage.count += 1;
            damage.first.get_or_insert(word.clone());
        }
    }
    damage
}

fn is_damaged(word: &str, arabizi: bool) -> bool {
    // Most words have none.
    let suspects: &[char] =
        &['0', '1', '4', '5', '6', '8', '|', '!', '^', '~', '¦', '§', '•', '¬', '¤'];
    if !word.contains(suspects) || word.contains(['/', '@', '_']) || word.starts_with("www.") {
        return false;
    }
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    if letters < 2 {
        return false;
    }
    if zero_at_an_end(word) {
        return true;
    }
    let mut chars = word.chars();
    let (Some(first), Some(mut c)) = (chars.next(), chars.next()) else { return false };
    let mut before = first.is_alphabetic();
    for after in chars {
        let confusable = match c {
            '0' => true,
            '1' => letters > 2,
            '4' | '5' | '6' | '8' => letters > 4 && !arabizi,
            _ => SYMBOLS.contains(c),
        };
        if confusable && before && after.is_lowercase() {
            return true;
        }
        before = c.is_lowercase();
        c = after;
    }
    false
}

/// "0ther", "hell0".
fn zero_at_an_end(word: &str) -> bool {
    let small = |rest: &str| rest.len() > 2 && rest.bytes().all(|byte| byte.is_ascii_lowercase());
    word.strip_prefix('0').is_some_and(small) || word.strip_suffix('0').is_some_and(small)
}

/// "sched-" at the end of a line and "uled" on the next.
fn is_broken(text: &str, word: &Range<usize>, next: Option<&Range<usize>>) -> bool {
    let Some(next) = next else { return false };
    let small = |c: Option<char>| c.is_some_and(char::is_lowercase);
    matches!(text.get(word.end..next.start), Some("-\n" | "-\r\n"))
        && small(text[word.clone()].chars().next_back())
        && small(text[next.clone()].chars().next())
}

/// A word of the Arabic chat alphabet: a 2, 3, 7 or 9 between small letters, or a 3 or 7 before
/// three.
fn is_arabizi(word: &str) -> bool {
    let bytes = word.as_bytes();
    let inside = bytes.windows(3).any(|three| {
        three[0].is_ascii_lowercase()
            && b"2379".contains(&three[1])
            && three[2].is_ascii_lowercase()
    });
    inside
        || bytes.len() > 3
            && matches!(bytes[0], b'3' | b'7')
            && bytes[1..4].iter().all(u8::is_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        measure(&Reading::new(text)).count
    }

    #[test]
    fn damaged_words_are_counted() {
        assert_eq!(count("he1lo c|ock w0rks b!g 0ther tw0 P1ease"), 6);
        assert_eq!(count("an app0intment, r5ading s•me é0té"), 4);
        assert_eq!(count("are you sched-\nuled for it"), 1);
        assert_eq!(measure(&Reading::new("so w0rk")).first, Some(3..7));
    }

    #[test]
    fn codes_and_sizes_are_no_damage() {
        for text in [
            "4th 1st 2nd B2B mp3 H2O iPhone14 windows10 k8s i18n e2e 5km 10am 3pm x0",
            "A1B2C3 GHA-123456789-0 COVID19 0x1f 5star 2weeks l8r gr8 b4",
            "a1@example.com https://x.org/he1lo www.he1lo.com snake_c0se 4711",
            "ma3lesh ya 7abibi a5bark eih ya so8ayar",
            "7abibi t8ayyart",
            "well-\nKnown and-or\nx",
            "Thanks! I will. O'Brien it's",
        ] {
            assert_eq!(count(text), 0, "{text}");
        }
    }
}

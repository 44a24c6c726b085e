//! A hash that variants of one text share: what retries and bots change does not change it.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A 64-bit hash of the letters of `text`: texts that differ in case, digits, punctuation, white
/// space, emoji or invisible characters share it.
///
/// Hashed is NFKC(letters and their combining marks of fold(NFKC(text))), where fold maps a
/// character to the lower case of its upper case, so that `ß` = `SS` and `ς` = `Σ`. Accents and
/// tone marks are letters' own: `ọ́` and `ọ̀` differ. A text without letters is hashed as it stands,
/// trimmed. The value is the first eight bytes, big-endian, of SHA-256 over UTF-8: equal on every
/// platform and in every build, except for characters that a later Unicode version assigns
/// (normalisation and case of assigned characters never change).
pub fn fingerprint(text: &str) -> u64 {
    let letters = letters(text);
    let hashed = if letters.is_empty() { text.trim() } else { &letters };
    let digest = Sha256::digest(hashed.as_bytes());
    digest.iter().take(8).fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// The letters of `text` in one form, with the marks that stand on them and nothing between.
fn letters(text: &str) -> String {
    let folded = text.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    // Whether a mark would stand on a letter: the keycap of 1️⃣ is a mark as well.
    let mut on_letter = false;
    folded
        .filter(|&c| {
            if is_ignorable(c) {
                return false;
            }
            on_letter = if is_combining_mark(c) { on_letter } else { c.is_alphabetic() };
            on_letter
        })
        .nfkc()
        .collect()
}

/// Characters that show nothing: Unicode's Default_Ignorable_Code_Point.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(fingerprint("abc"), 0xba78_16bf_8f01_cfea, "SHA-256 test vector of FIPS 180-2");
        assert_eq!(fingerprint("  "), 0xe3b0_c442_98fc_1c14, "SHA-256 of nothing");
    }

    #[test]
    fn variants_share_it() {
        let same = |a: &str, b: &str| assert_eq!(fingerprint(a), fingerprint(b), "{a} / {b}");
        same("Where is my order 4711?", "where is my ORDER 99 !!!");
        same("hel\u{200b}lo wo\u{ad}rld", "Hello, world 🙂");
        same("Straße", "STRASSE");
        same("ΟΔΟΣ", "οδος");
        same("ｆｕｌｌ ｗｉｄｔｈ", "full width");
        same("cafe\u{301}", "CAFÉ");
        same("e\u{200d}\u{301}", "é");
        same("option 1\u{fe0f}\u{20e3}", "option 2\u{fe0f}\u{20e3}");
        same("ውሃ፡ዋጋ፡፳", "ውሃ ዋጋ");
        same("می\u{200c}خواهم", "میخواهم");
        same("สวัสดี ๑๒", "สวัสดี");
    }

    #[test]
    fn other_texts_do_not() {
        let apart = |a: &str, b: &str| assert_ne!(fingerprint(a), fingerprint(b), "{a} / {b}");
        apart("where is my order", "where was my order");
        apart("ọ́", "ọ̀");
        apart("ọkọ́", "oko");
        apart("123", "124");
        apart("🙂", "🙁");
        apart("退款", "付款");
        apart("किताब", "कितब");
    }

    /// Words of several scripts, of letters that stand alone.
    fn words() -> impl Strategy<Value = String> {
        prop::collection::vec("[a-zà-öα-ρа-яሀ-ሆ가-갛]{1,8}", 1..6).prop_map(|words| words.join(" "))
    }

    proptest! {
        #[test]
        fn noise_changes_nothing(
            text in words(),
            noise in prop::collection::vec("[0-9 .,!?\u{200b}\u{feff}\u{fe0f}🙂٣५-]{0,3}", 64),
        ) {
            let noisy: String = text.to_uppercase().chars().zip(noise.iter().cycle())
                .flat_map(|(c, noise)| std::iter::once(c).chain(noise.chars())).collect();
            prop_assert_eq!(fingerprint(&noisy), fingerprint(&text));
        }

        #[test]
        fn other_letters_change_it(a in words(), b in words()) {
            let bare = |text: &str| text.replace(' ', "");
            prop_assert_eq!(fingerprint(&a) == fingerprint(&b), bare(&a) == bare(&b));
        }

        #[test]
        fn any_text_has_one(text in "\\PC*") {
            prop_assert_eq!(fingerprint(&text), fingerprint(&format!(" {text}\n")));
        }
    }
}

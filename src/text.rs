//! Pure functions on text, in any language and without dictionaries.

pub mod characters;
pub mod clean;
pub mod counts;
pub mod fingerprint;
mod hash;
pub mod hashes;
pub mod irrelevant;
pub mod language;
pub mod repair;
pub mod signals;
pub mod simhash;
pub mod template;
pub mod terms;
pub mod writing;

/// Whether `text` holds nothing that can be embedded: white space, controls and invisible
/// characters only.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    })
}

/// The first `limit` characters of `text`, with an ellipsis when more follow.
pub fn shorten(text: &str, limit: usize) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(limit).collect();
    if chars.next().is_none() {
        return head;
    }
    let kept: String = head.chars().take(limit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_text_is_blank() {
        assert!(is_blank("") && is_blank(" \n\t") && is_blank("\u{200b}\u{feff}"));
        assert!(!is_blank(" ? ") && !is_blank("🙂"));
    }

    #[test]
    fn shortened_text_keeps_to_its_limit() {
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("abcd", 3), "ab…");
        assert_eq!(shorten("🙂🙂🙂", 2), "🙂…");
    }
}

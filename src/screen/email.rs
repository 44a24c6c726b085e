//! E-mail addresses: found from the `@`, without a pattern.

use std::ops::Range;

/// Longest local part and longest domain (RFC 5321).
const LOCAL: usize = 64;
const DOMAIN: usize = 255;

/// The spans of all e-mail addresses, also of those with letters outside ASCII.
pub(super) fn emails(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let floor = found.last().map_or(0, |last| last.end);
        let start = local_start(text, at).max(floor);
        let Some(end) = domain_end(text, at + 1) else { continue };
        if start < at && text.is_char_boundary(start) {
            found.push(start..end);
        }
    }
    found
}

fn local_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    if let Some(inner) = before.strip_suffix('"') {
        // A quoted local part: "john doe"@example.com.
        let from = inner.char_indices().rev().take(LOCAL).find(|(_, c)| *c == '"');
        return from.map_or(at, |(quote, _)| quote);
    }
    let allowed = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let local = before.char_indices().rev().take(LOCAL).take_while(|(_, c)| allowed(*c));
    let start = local.last().map_or(at, |(start, _)| start);
    // Punctuation before an address belongs to the sentence or the code around it.
    let kept = before.get(start..).unwrap_or_default();
    let kept = kept.rsplit(['=', '/', '?', '&', '|', '`', '{', '}', '\'']).next().unwrap_or(kept);
    at - kept.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_').len()
}

fn domain_end(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let allowed = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
    let length = rest.char_indices().take(DOMAIN).find(|(_, c)| !allowed(*c)).map_or_else(
        || rest.char_indices().nth(DOMAIN).map_or(rest.len(), |(at, _)| at),
        |(at, _)| at,
    );
    let domain = rest.get(..length)?.trim_end_matches(['.', '-']);
    let (name, ending) = domain.rsplit_once('.')?;
    // "icon@2x.png" is a file: names of images are no top-level domains.
    let file = matches!(ending, "png" | "jpg" | "jpeg" | "gif" | "svg" | "webp" | "css" | "js");
    let letters = ending.chars().count() >= 2 && ending.chars().all(char::is_alphabetic)
        || ending.starts_with("xn--");
    let labels = name.split('.').all(|label| !label.is_empty());
    (letters && labels && !file).then_some(from + domain.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        emails(text).into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn addresses_of_many_forms() {
        assert_eq!(found("To a.b+c@mail.example.com."), ["a.b+c@mail.example.com"]);
        assert_eq!(
            found("<x_1@example.co.za>;y@example.org"),
            ["x_1@example.co.za", "y@example.org"]
        );
        assert_eq!(found("josé@exämple.fr, 用户@例子.公司"), ["josé@exämple.fr", "用户@例子.公司"]);
        assert_eq!(found("\"john doe\"@example.com"), ["\"john doe\"@example.com"]);
        assert_eq!(found("mailto:a@example.com?x=1"), ["a@example.com"]);
        assert_eq!(found("?email=a@example.com&b"), ["a@example.com"]);
    }

    #[test]
    fn files_handles_and_versions_are_none() {
        assert!(
            found("icon@2x.png @handle a@b @ example.com left-pad@1.3.0 a@.com @@@@").is_empty()
        );
    }
}

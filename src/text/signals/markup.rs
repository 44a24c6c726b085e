//! HTML in a text that should be plain.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::reading::Reading;

/// Tags that HTML knows, comments, and character references.
static MARKUP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"</?(?:a|b|blockquote|body|br|button|code|div|em|font|form|h[1-6]|head|hr|html|i|iframe",
        r"|img|input|label|li|link|meta|ol|option|p|pre|script|section|select|small|span|strong",
        r"|style|sub|sup|svg|table|tbody|td|textarea|th|thead|title|tr|u|ul)(?:\s[^<>]*)?/?>",
        r"|<!--|<!doctype",
        r"|&(?:nbsp|amp|lt|gt|quot|apos|[lr][sd]quo|[mn]dash|hellip|copy|bull|middot",
        r"|[aeiou](?:acute|grave|circ|uml)|[ano]tilde|ccedil|#[0-9]{2,7}|#x[0-9a-f]{2,6});",
    ))
    .ok()
});

pub(super) fn find(reading: &Reading) -> Option<Range<usize>> {
    if !(reading.has_any("<") || reading.has_any("&") && reading.has_any(";")) {
        return None;
    }
    MARKUP.as_ref()?.find(&reading.lower).map(|found| found.range())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_references_are_markup() {
        let found = |text: &str| find(&Reading::new(text));
        assert!(MARKUP.is_some());
        assert_eq!(found("see <A href='x'>this</a>"), Some(4..16));
        assert_eq!(found("a&nbsp;b"), Some(1..7));
        for text in ["x<br/>y", "<P>", "Tom &amp; Ann", "it&#39;s", "<!-- x -->", "caf&eacute;"] {
            assert!(found(text).is_some(), "{text}");
        }
        for text in ["a < b > c", "I <3 it", "AT&T; R&D", "<customer_name>", "<bold move>", "<a@b>"]
        {
            assert!(found(text).is_none(), "{text}");
        }
    }
}

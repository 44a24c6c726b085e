//! HTML to text: block tags become line breaks, other tags go, entities become characters.
//!
//! `a<b>c` may be mathematics and `Vec<p>` code. So tags count only where the text proves to be
//! HTML: by a closing tag, a void tag such as `<br>`, an attribute with a value, a comment. Text
//! between backticks is code and stays.

mod code;
mod entities;
mod tags;

use std::ops::Range;

use self::tags::{Markup, Tag};
use super::edits::Edits;

pub(super) fn edits(text: &str) -> Edits {
    let mut edits = Edits::default();
    if !text.bytes().any(|byte| matches!(byte, b'<' | b'&')) {
        return edits;
    }
    let code = code::spans(text);
    let markup = Markups::new(text, &code);
    let markup = if markup.clone().any(|found| found.1.is_proof()) { Some(markup) } else { None };
    let mut at = 0;
    for (range, found) in markup.into_iter().flatten() {
        entities::decode(text, at..range.start, &code, &mut edits);
        if !continues_name(text, edits.end(), range.start) {
            edits.replace(range.clone(), replacement(text, &range, &found));
        }
        at = range.end;
    }
    entities::decode(text, at..text.len(), &code, &mut edits);
    edits
}

/// Whether the text before `at` is an unfinished tag that would grow if what stands at `at` went:
/// `<b<i>>` is code, and must not become `<b>`.
fn continues_name(text: &str, from: usize, at: usize) -> bool {
    let before = text.get(from..at).unwrap_or_default().trim_end_matches(is_name_char);
    before.ends_with('<') || before.ends_with("</") || before.ends_with("<!")
}

/// What stands for a piece of markup. A space keeps `&<b></b>lt;` from becoming an entity.
fn replacement(text: &str, range: &Range<usize>, markup: &Markup) -> &'static str {
    let after = text.get(range.end..).and_then(|rest| rest.chars().next());
    match markup.text() {
        "" if after.is_some_and(may_lead_on) && entities::is_open(text, range.start) => " ",
        text => text,
    }
}

/// Whether `c` goes on with an entity, or begins markup after which one may go on.
fn may_lead_on(c: char) -> bool {
    is_entity_char(c) || matches!(c, '<' | '&')
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

fn is_entity_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '#' | ';')
}

/// The markup of a text outside of code, from left to right.
#[derive(Clone)]
struct Markups<'a> {
    text: &'a str,
    code: &'a [Range<usize>],
    at: usize,
    /// Closing marks that do not stand in the rest of the text: each is sought in vain once.
    missing: Vec<&'static str>,
}

impl<'a> Markups<'a> {
    fn new(text: &'a str, code: &'a [Range<usize>]) -> Self {
        Self { text, code, at: 0, missing: Vec::new() }
    }

    /// The end of `closing` after `from`, in any case of letters.
    fn find(&mut self, from: usize, closing: &'static str) -> Option<usize> {
        if self.missing.contains(&closing) {
            return None;
        }
        let bytes = self.text.as_bytes().get(from..)?;
        let at = bytes
            .windows(closing.len())
            .position(|window| window.eq_ignore_ascii_case(closing.as_bytes()));
        if at.is_none() {
            self.missing.push(closing);
        }
        Some(from + at? + closing.len())
    }

    /// The end of the end tag that ends raw content after `from`.
    fn raw_end(&mut self, from: usize, closing: &'static str) -> Option<usize> {
        let end = self.find(from, closing)?;
        let tag = self.text.get(end - closing.len()..).and_then(Tag::read);
        Some(tag.map_or(end, |(length, _)| end - closing.len() + length))
    }

    fn read(&mut self, start: usize) -> Option<(Range<usize>, Markup)> {
        let rest = self.text.get(start..)?;
        if rest.starts_with("<!--") {
            let end = self.find(start + 4, "-->")?;
            return Some((start..end, Markup::Comment));
        }
        let (length, tag) = Tag::read(rest)?;
        let end = start + length;
        let content_end = tag.raw_content_end().and_then(|closing| self.raw_end(end, closing));
        match content_end {
            Some(end) => Some((start..end, Markup::Dropped)),
            None => Some((start..end, Markup::Tag(tag))),
        }
    }
}

impl Iterator for Markups<'_> {
    type Item = (Range<usize>, Markup);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.at + self.text.get(self.at..)?.find('<')?;
            self.at = start + 1;
            let skip = code::skip(self.code, start);
            if skip > start {
                self.at = skip;
            } else if let Some((range, markup)) = self.read(start) {
                self.at = range.end;
                return Some((range, markup));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        edits(text).apply(text)
    }

    #[test]
    fn pages_become_text() {
        assert_eq!(clean("<p>Hello <b>big</b> world</p>"), "\nHello big world\n");
        assert_eq!(clean("one<br/>two<BR>three"), "one\ntwo\nthree");
        assert_eq!(clean("see <a href=\"https://x.y/?a=1>2\">this</a>"), "see this");
        assert_eq!(clean("a<script>if (a<b) x()</script>b<style>p{}</STYLE >c"), "a\nb\nc");
        assert_eq!(clean("<!DOCTYPE html><!-- no <p> --><td>1</td><td>2</td>"), "\n 1  2 ");
        assert_eq!(clean("<img src=x onerror=alert(1)>hi"), "hi");
        assert_eq!(clean("<svg onload=alert(1)/>hi"), "hi");
    }

    #[test]
    fn text_that_merely_holds_signs_stays() {
        for text in [
            "a<b>c",
            "x < y && y > z",
            "a<b and c>d",
            "Vec<String> and List<p>",
            "#include <map>",
            "if (a<b && c>d) {}",
            "<3 <- <= <> < b>",
            "<b<i>>",
            "Why does `<br>` not work? ```<p>x</p>```",
            "my name is <name>",
            "R&D, AT&T; a & b &c &unknown; &#0; &#xd800; &lt",
            "https://x.y/?a=1&copy=2&lt=3",
            "<!-- never closed",
            "<a href=\"x",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn entities_become_characters() {
        assert_eq!(clean("Tom &amp; J&eacute;r&ocirc;me &lt; 3"), "Tom & Jérôme < 3");
        assert_eq!(clean("it&#39;s &#x1F600; &#8364;5 &#146;"), "it's 😀 €5 ’");
        assert_eq!(clean("&amp;amp;amp;lt;"), "<");
        assert_eq!(clean("a&nbsp;b&hellip;"), "a\u{a0}b…");
        assert_eq!(clean("`&amp;` &amp;"), "`&amp;` &");
    }

    #[test]
    fn what_is_left_makes_no_new_markup() {
        assert_eq!(clean("<i></i>&<b></b>lt;"), "& lt;");
        assert_eq!(clean("<b></b><<i>b>"), "<<i>b>");
        assert_eq!(clean("&&#108;t;"), "&&#108;t;");
    }
}

//! Reads one HTML tag strictly: a known element name, well-formed attributes, a closing bracket.

/// Bytes that a tag may take: bounds the work on text that never closes one.
const TAG_BYTES: usize = 8192;

/// Elements that begin a new line.
const BLOCK: [&str; 44] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "select",
    "summary",
    "table",
    "tbody",
    "title",
    "tr",
    "ul",
];
/// Elements that part words without a new line.
const CELL: [&str; 2] = ["td", "th"];
/// Elements without an end tag: nobody writes them by chance.
const VOID: [&str; 8] = ["br", "col", "hr", "img", "input", "link", "meta", "wbr"];
/// Elements whose content is no text, with the end tag that ends it.
const RAW: [(&str, &str); 3] =
    [("script", "</script"), ("style", "</style"), ("noscript", "</noscript")];
/// The other elements.
const INLINE: [&str; 62] = [
    "a", "abbr", "audio", "b", "bdi", "bdo", "big", "button", "canvas", "caption", "cite", "code",
    "col", "colgroup", "data", "del", "dfn", "em", "embed", "font", "i", "iframe", "img", "input",
    "ins", "kbd", "label", "legend", "link", "map", "mark", "meta", "meter", "nobr", "object",
    "optgroup", "output", "param", "path", "picture", "progress", "q", "s", "samp", "small",
    "source", "span", "strike", "strong", "sub", "sup", "svg", "template", "textarea", "tfoot",
    "thead", "time", "tt", "u", "var", "video", "wbr",
];

/// A piece of markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markup {
    Comment,
    /// An element with its content.
    Dropped,
    Tag(Tag),
}

impl Markup {
    /// Whether text with this in it is HTML.
    pub(super) fn is_proof(&self) -> bool {
        match self {
            Self::Comment | Self::Dropped => true,
            Self::Tag(tag) => tag.is_proof,
        }
    }

    /// What stands in its place.
    pub(super) fn text(&self) -> &'static str {
        match self {
            Self::Comment => "",
            Self::Dropped => "\n",
            Self::Tag(tag) => tag.text,
        }
    }
}

/// A tag of a known element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    /// What stands in its place.
    text: &'static str,
    is_proof: bool,
    raw_content_end: Option<&'static str>,
}

impl Tag {
    /// The tag at the start of `text` and its length in bytes.
    pub(super) fn read(text: &str) -> Option<(usize, Self)> {
        let bytes = text.as_bytes();
        let bytes = bytes.get(..TAG_BYTES).unwrap_or(bytes);
        let mut reader = Reader { bytes, at: 1 };
        if reader.eat(b'!') {
            return reader.doctype();
        }
        let is_end = reader.eat(b'/');
        let name = reader.take_while(|byte| byte.is_ascii_alphanumeric());
        let mut name_buffer = [0; 12];
        let name = lower_case(name, &mut name_buffer)?;
        let raw = RAW.iter().find(|(raw, _)| *raw == name).map(|&(_, end)| end);
        let is_block = BLOCK.binary_search(&name).is_ok() || raw.is_some();
        let is_cell = CELL.contains(&name);
        if !is_block && !is_cell && INLINE.binary_search(&name).is_err() {
            return None;
        }
        let text = match (is_block, is_cell) {
            (true, _) => "\n",
            (false, true) => " ",
            (false, false) => "",
        };
        let has_value = reader.attributes()?;
        let is_proof = is_end || has_value || VOID.contains(&name);
        let raw_content_end = raw.filter(|_| !is_end);
        Some((reader.at, Self { text, is_proof, raw_content_end }))
    }

    /// The start of the end tag before which the content is no text.
    pub(super) fn raw_content_end(&self) -> Option<&'static str> {
        self.raw_content_end
    }
}

fn lower_case<'a>(name: &[u8], buffer: &'a mut [u8; 12]) -> Option<&'a str> {
    let buffer = buffer.get_mut(..name.len())?;
    buffer.copy_from_slice(name);
    buffer.make_ascii_lowercase();
    std::str::from_utf8(buffer).ok()
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|&&byte| accept(byte)).count();
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// `<!doctype …>`.
    fn doctype(mut self) -> Option<(usize, Tag)> {
        let name = self.take_while(|byte| byte.is_ascii_alphabetic());
        let known = name.eq_ignore_ascii_case(b"doctype");
        self.take_while(|byte| !matches!(byte, b'<' | b'>'));
        let tag = Tag { text: "\n", is_proof: true, raw_content_end: None };
        (known && self.eat(b'>')).then_some((self.at, tag))
    }

    /// Reads attributes up to and with the closing bracket; whether one of them has a value.
    fn attributes(&mut self) -> Option<bool> {
        let mut has_value = false;
        loop {
            let gap = self.take_while(|byte| byte.is_ascii_whitespace() || byte == b'/');
            if self.eat(b'>') {
                return Some(has_value);
            }
            if gap.is_empty() {
                return None;
            }
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:.@".contains(&byte);
            if self.take_while(is_name).is_empty() {
                return None;
            }
            if self.eat(b'=') {
                self.value()?;
                has_value = true;
            }
        }
    }

    /// Reads the value of an attribute, in quotes or bare.
    fn value(&mut self) -> Option<()> {
        self.take_while(|byte| byte.is_ascii_whitespace());
        if let Some(quote @ (b'"' | b'\'')) = self.peek() {
            self.at += 1;
            self.take_while(|byte| byte != quote);
            return self.eat(quote).then_some(());
        }
        let is_bare = |byte: u8| !byte.is_ascii_whitespace() && !b"\"'<>`".contains(&byte);
        (!self.take_while(is_bare).is_empty()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        assert!(BLOCK.is_sorted() && INLINE.is_sorted());
    }

    #[test]
    fn tags_are_read_strictly() {
        let length = |text| Tag::read(text).map(|(length, _)| length);
        assert_eq!(length("<b>x"), Some(3));
        assert_eq!(length("</DIV >x"), Some(7));
        assert_eq!(length("<a href='>' class=x disabled>"), Some(29));
        for text in ["<b", "<b <i>", "<bx>", "<a href='", "<b&c>", "< b>", "<!x>", "<b \"x\">"] {
            assert_eq!(length(text), None, "{text}");
        }
    }

    #[test]
    fn an_opening_tag_alone_proves_nothing() {
        let proves = |text| Tag::read(text).unwrap().1.is_proof;
        assert!(!proves("<b>") && !proves("<p class>") && !proves("<table>"));
        assert!(
            proves("</b>") && proves("<p class=x>") && proves("<br>") && proves("<!DOCTYPE html>")
        );
    }
}

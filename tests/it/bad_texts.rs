//! A corpus of texts that break careless code, made by rules: what users paste, what machines
//! garble and what attackers send.

mod markup;
mod unicode;
mod values;

use std::collections::BTreeSet;

/// Bytes of the longest texts.
const LONG: usize = 64 * 1024;

/// Distinct texts, each with its category.
pub(crate) fn corpus() -> Vec<(&'static str, String)> {
    let mut corpus = Corpus::default();
    blank(&mut corpus);
    controls(&mut corpus);
    unicode::marks(&mut corpus);
    unicode::invisible(&mut corpus);
    unicode::code_points(&mut corpus);
    unicode::scripts(&mut corpus);
    unicode::emoji(&mut corpus);
    unicode::mojibake(&mut corpus);
    unicode::noise(&mut corpus);
    markup::html(&mut corpus);
    markup::injections(&mut corpus);
    markup::templates(&mut corpus);
    markup::formats(&mut corpus);
    values::numbers(&mut corpus);
    values::personal(&mut corpus);
    values::models(&mut corpus);
    values::patterns(&mut corpus);
    values::boilerplate(&mut corpus);
    corpus.texts
}

#[derive(Default)]
struct Corpus {
    texts: Vec<(&'static str, String)>,
    seen: BTreeSet<String>,
}

impl Corpus {
    fn add(&mut self, category: &'static str, text: impl Into<String>) {
        let text = text.into();
        if self.seen.insert(text.clone()) {
            self.texts.push((category, text));
        }
    }

    fn all<T: Into<String>>(&mut self, category: &'static str, texts: impl IntoIterator<Item = T>) {
        texts.into_iter().for_each(|text| self.add(category, text));
    }
}

fn blank(corpus: &mut Corpus) {
    corpus.all("blank", ["", " ", "\n", "\t", "\r\n", "\u{a0}", "\u{3000}", "\u{2028}", "\u{85}"]);
    for c in [' ', '\n', '\t', '\u{200b}', '\u{feff}', '\0', '\u{2800}', '\u{3164}'] {
        corpus.add("blank", c.to_string().repeat(100));
    }
    corpus.all(
        "placeholder",
        ["N/A", "test", "asdf", ".", "?", "-", "…", "null", "undefined", "NaN"],
    );
}

fn controls(corpus: &mut Corpus) {
    for code in (0..0x20).chain(0x7f..0xa0) {
        let c = char::from(code);
        corpus.add("control", format!("before{c}after {c} {c}{c}"));
    }
    corpus.all(
        "log injection",
        [
            "ok\r\n2024-01-01 ERROR root logged in",
            "ok\n\n{\"level\":\"error\",\"msg\":\"forged\"}",
            "ok\u{2028}level=error\u{2029}",
            "ok%0d%0aSet-Cookie: a=b",
            "\u{1b}[2J\u{1b}[1;1Hcleared",
            "\u{1b}]0;title\u{7}text",
            "\u{9b}31mred",
            "a\u{8}\u{8}\u{8}b",
            "line one\rover",
        ],
    );
}

//! Keys, tokens, passwords and connection strings.
//!
//! Three ways, cheapest first. Known shapes: one automaton looks for the prefixes that providers
//! document, and the characters that follow decide. Assignments: `api_key = "…"`, `password: …`,
//! `Authorization: Bearer …`, where the value must be random enough. Lone random strings: only
//! next to a word such as "key" or "token".

mod assignment;
mod blob;
mod shapes;
mod url;

use std::ops::Range;

use aho_corasick::AhoCorasick;

pub(super) use self::blob::LONE;
use self::shapes::{SHAPES, Shape};

/// A secret, what kind it is and how sure its form is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Secret {
    pub(super) span: Range<usize>,
    /// `API_KEY` or `URL_CREDENTIALS`.
    pub(super) entity: &'static str,
    pub(super) subtype: &'static str,
    pub(super) score: f32,
    pub(super) check: &'static str,
}

/// The automaton over all prefixes and key words.
#[derive(Debug)]
pub(super) struct Secrets {
    automaton: AhoCorasick,
    /// What each of the automaton's words is.
    signs: Vec<Sign>,
}

#[derive(Debug, Clone, Copy)]
enum Sign {
    Shape(&'static Shape),
    Keyword(&'static assignment::Keyword),
    Block,
    Url,
}

impl Secrets {
    /// Builds the automaton.
    ///
    /// # Errors
    /// Where there are too many signs for one automaton.
    pub(super) fn new() -> Result<Self, aho_corasick::BuildError> {
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(signs().map(|(text, _)| text))?;
        Ok(Self { automaton, signs: signs().map(|(_, sign)| sign).collect() })
    }

    /// Whether a secret can be of this kind.
    pub(super) fn knows(subtype: &str) -> bool {
        matches!(subtype, "PRIVATE_KEY" | "PASSWORD" | "GENERIC")
            || SHAPES.iter().any(|shape| shape.name == subtype)
    }

    /// Every secret in the text.
    pub(super) fn find(&self, text: &str) -> Vec<Secret> {
        let mut found: Vec<Secret> = Vec::new();
        let mut blocked = 0;
        for hit in self.automaton.find_overlapping_iter(text) {
            if hit.start() < blocked {
                continue;
            }
            let secret = match self.signs.get(hit.pattern().as_usize()) {
                Some(Sign::Shape(shape)) => shape.at(text, hit.start()),
                Some(Sign::Keyword(keyword)) => keyword.value(text, hit.start()..hit.end()),
                Some(Sign::Block) => blob::private_key(text, hit.start()),
                Some(Sign::Url) => url::credentials(text, hit.start()),
                None => None,
            };
            if let Some(secret) = secret {
                if secret.subtype == "PRIVATE_KEY" || secret.entity == "URL_CREDENTIALS" {
                    blocked = secret.span.end;
                }
                found.push(secret);
            }
        }
        found
    }
}

fn signs() -> impl Iterator<Item = (&'static str, Sign)> {
    let shapes = SHAPES.iter().map(|shape| (shape.prefix, Sign::Shape(shape)));
    let keywords =
        assignment::KEYWORDS.iter().map(|keyword| (keyword.word, Sign::Keyword(keyword)));
    shapes.chain(keywords).chain([("-----BEGIN ", Sign::Block), ("://", Sign::Url)])
}

/// Shannon entropy of the bytes, in bits a byte.
fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = value.len().max(1) as f64;
    let share = |count: &u32| f64::from(*count) / total;
    let used = counts.iter().filter(|count| **count > 0);
    used.map(share).map(|p| -p * p.log2()).sum()
}

#[cfg(test)]
mod tests;

//! Private key blocks, and random strings that a word near them calls a key.

use super::super::context::Topic;
use super::super::rule::{Check, EntityLabel, Rule, rule};
use super::{Secret, entropy};

/// Longest key block, in bytes.
const BLOCK: usize = 16 << 10;
/// Least entropy of a lone string, in bits a character; of hexadecimal digits.
const RANDOM: f64 = 3.5;
const RANDOM_HEX: f64 = 2.5;
/// With one digit only, where small and capital letters are mixed.
const RANDOM_MIXED: f64 = 4.2;

/// Random strings; the context must name a key.
pub(in super::super) const LONE: &[Rule] = &[
    lone("HEX", r"\b(?:[0-9a-f]{32,128}|[0-9A-F]{32,128})\b", ("entropy", random_hex)),
    lone(
        "RANDOM",
        r"\b[A-Za-z0-9][A-Za-z0-9_+/-]{18,199}={0,2}",
        ("letters, digits and entropy", random),
    ),
];

const fn lone(subtype: &'static str, pattern: &'static str, check: Check) -> Rule {
    rule(EntityLabel("API_KEY"), subtype, pattern, 0.3, Some(check), &[Topic::Secret])
}

fn random_hex(value: &str) -> bool {
    entropy(value) >= RANDOM_HEX && value.bytes().any(|b| b.is_ascii_alphabetic())
}

/// Whether the value looks drawn at random: not a word, a path or a date.
pub(super) fn random(value: &str) -> bool {
    let count = |of: fn(&u8) -> bool| value.bytes().filter(of).count();
    let digits = count(u8::is_ascii_digit);
    let (lower, upper) = (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
    let uuid = value.len() == 36 && value.bytes().filter(|b| *b == b'-').count() == 4;
    let mixed = digits >= 1 && lower >= 2 && upper >= 2 && entropy(value) >= RANDOM_MIXED;
    !uuid && (mixed || (digits >= 2 && lower + upper >= 2 && entropy(value) >= RANDOM))
}

/// A PEM or OpenSSH private key, up to its last line.
pub(super) fn private_key(text: &str, at: usize) -> Option<Secret> {
    let rest = text.get(at..)?;
    let (head, _) = rest.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    if !head.contains("PRIVATE KEY") || head.len() > 40 {
        return None;
    }
    let limit = rest.char_indices().map(|(at, _)| at).take_while(|at| *at <= BLOCK).last()?;
    let block = if rest.len() <= BLOCK { rest } else { rest.get(..limit)? };
    let body = block.get("-----BEGIN ".len() + head.len() + "-----".len()..)?;
    let begun = block.len() - body.len();
    let end = match body.find("-----END ") {
        Some(end) => body
            .get(end + 9..)
            .and_then(|tail| tail.find("-----"))
            .map_or(block.len(), |tail| begun + end + 9 + tail + 5),
        // Cut off: everything that may be part of the key.
        None => {
            begun
                + body
                    .find(|c: char| !(c.is_ascii_alphanumeric() || "+/=\r\n \\:,-".contains(c)))
                    .unwrap_or(body.len())
        }
    };
    let (entity, subtype) = ("API_KEY", "PRIVATE_KEY");
    Some(Secret { span: at..at + end, entity, subtype, score: 1.0, check: "key block" })
}

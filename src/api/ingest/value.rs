//! What items are made of: names, texts, times and numbers, each checked, each problem with its remedy.

use serde_json::value::RawValue;

use crate::api::config::Limits;
use crate::api::ingest::fields::{self, Fields};
use crate::clock::Timestamp;
use crate::model::outcome::Subject;

/// Bytes of an id, a session's id, a subject or a model's name.
const NAME_BYTES: usize = 200;
/// 2000-01-01T00:00:00Z: earlier times are seconds or milliseconds taken for something else.
const EARLIEST: Timestamp = Timestamp::from_micros(946_684_800_000_000);
/// Numbers beyond it are errors of their sender, and the sum of their squares would overflow.
const LARGEST: f64 = 1e15;

/// What checks need to know.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What an item may hold.
    pub limits: &'a Limits,
    /// The present, for times in the future.
    pub now: Timestamp,
    /// Whether there is a key to keep subjects under.
    pub subjects: bool,
}

/// The fields of an item's JSON, which is within its limits.
pub(crate) fn outer<'a>(json: &'a [u8], limits: &Limits) -> Result<Fields<'a>, String> {
    if json.len() > limits.item_bytes {
        return Err(format!(
            "holds {} bytes, more than the {} an item may have; shorten it",
            json.len(),
            limits.item_bytes
        ));
    }
    if fields::nesting(json) > limits.nesting {
        return Err(format!("is nested deeper than {} levels; flatten it", limits.nesting));
    }
    let text = std::str::from_utf8(json).map_err(|_| "is not UTF-8; encode it so".to_owned())?;
    Fields::read(text)
}

/// An id or a name: short and printable.
pub(crate) fn name(value: &RawValue) -> Result<String, String> {
    let text = string(value)?;
    if text.is_empty() || text.len() > NAME_BYTES {
        return Err(format!("must hold 1 to {NAME_BYTES} bytes, not {}", text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err("must not hold control characters; remove them".to_owned());
    }
    Ok(text)
}

/// Who used the application: their name is kept under a key only.
pub(crate) fn subject(value: &RawValue, rules: Rules<'_>) -> Result<Subject, String> {
    let name = name(value)?;
    if rules.subjects {
        return Ok(Subject::new(name));
    }
    Err("cannot be kept: without store.secret_key it could be guessed from what is stored; \
         set that key, or leave the subject out"
        .to_owned())
}

/// A moment that is plausible.
pub(crate) fn time(value: &RawValue, rules: Rules<'_>) -> Result<Timestamp, String> {
    let text = string(value)?;
    let time = Timestamp::parse(&text).ok_or(
        "is not an RFC 3339 time with its offset, such as 2026-11-23T08:30:00Z".to_owned(),
    )?;
    if time < EARLIEST {
        return Err(format!("{time} is before the year 2000; send when it happened"));
    }
    if time > rules.now.plus(rules.limits.future()) {
        return Err(format!(
            "{time} lies more than {} s in the future; set the client's clock",
            rules.limits.future_seconds
        ));
    }
    Ok(time)
}

/// A number that is finite and not absurd.
pub(crate) fn number(value: &RawValue) -> Result<f64, String> {
    if kind(value) != "a number" {
        return Err(format!("must be a number, not {}", kind(value)));
    }
    match serde_json::from_str::<f64>(value.get()) {
        Ok(number) if number.abs() <= LARGEST => Ok(number),
        _ => Err(format!("must be a number between -{LARGEST:e} and {LARGEST:e}")),
    }
}

/// A number from 0 on.
pub(crate) fn amount(value: &RawValue) -> Result<f64, String> {
    match number(value)? {
        amount if amount >= 0.0 => Ok(amount),
        _ => Err("must not be negative".to_owned()),
    }
}

/// The text of a JSON string.
pub(crate) fn string(value: &RawValue) -> Result<String, String> {
    if !value.get().starts_with('"') {
        return Err(format!("must be a string, not {}", kind(value)));
    }
    let text: String = serde_json::from_str(value.get())
        .map_err(|_| "holds half of a surrogate pair; encode it as UTF-8".to_owned())?;
    if fields::holds_nul(&text) {
        Err("holds U+0000, which cannot be stored; remove it".to_owned())
    } else {
        Ok(text)
    }
}

/// What a JSON value is, with its article.
pub(crate) fn kind(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// A name as a part of a JSON pointer (RFC 6901), cut where it is long.
pub(crate) fn escape(name: &str) -> String {
    name.chars().take(NAME_BYTES).collect::<String>().replace('~', "~0").replace('/', "~1")
}

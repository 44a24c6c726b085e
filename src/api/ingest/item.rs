//! One interaction as it is received: every field checked, every problem named.

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::api::config::Limits;
use crate::api::error::Fault;
use crate::api::ingest::fields::{self, Fields};
use crate::clock::Timestamp;
use crate::model::interaction::{Attributes, NewInteraction};

/// Bytes of an id, a session's id or a model's name.
const NAME_BYTES: usize = 200;
const ATTRIBUTES: usize = 32;
const ATTRIBUTE_KEY_BYTES: usize = 64;
const ATTRIBUTE_VALUE_BYTES: usize = 256;
/// 2000-01-01T00:00:00Z: earlier times are seconds or milliseconds taken for something else.
const EARLIEST: Timestamp = Timestamp::from_micros(946_684_800_000_000);

/// An interaction that was read and checked, not yet sampled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// The caller's id, where it has one.
    pub id: Option<String>,
    /// When it happened, where that was said.
    pub occurred_at: Option<Timestamp>,
    /// What was asked; may be blank.
    pub query: String,
    /// What was answered.
    pub response: Option<String>,
    /// The conversation it belongs to.
    pub session_id: Option<String>,
    /// Labels for segments.
    pub attributes: Attributes,
    /// The model that answered.
    pub model: Option<String>,
    /// JSON text of an object.
    pub metadata: Option<String>,
}

/// What checks need to know.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What an interaction may hold.
    pub limits: &'a Limits,
    /// The present, for times in the future.
    pub now: Timestamp,
}

impl Received {
    /// SHA-256 of the content as received; what was left out does not count, so that a repeated
    /// post of an item without a time is a duplicate and not a conflict.
    pub fn content_hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut field = |value: Option<&str>| match value {
            None => hash.update([0]),
            Some(text) => {
                hash.update([1]);
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text.as_bytes());
            }
        };
        field(Some(&self.query));
        field(self.response.as_deref());
        field(self.session_id.as_deref());
        field(self.model.as_deref());
        field(self.metadata.as_deref());
        field(self.occurred_at.map(|at| at.as_micros().to_string()).as_deref());
        for (key, value) in &self.attributes {
            field(Some(key));
            field(Some(value));
        }
        hash.finalize().into()
    }
}

impl Received {
    /// The interaction as it is stored, not sampled yet: `now` where it has no time, an id from
    /// `make_id` where it has none.
    pub fn into_new(self, now: Timestamp, make_id: impl FnOnce() -> String) -> NewInteraction {
        let content_hash = self.content_hash();
        NewInteraction {
            id: self.id.unwrap_or_else(make_id),
            occurred_at: self.occurred_at.unwrap_or(now),
            query: self.query,
            response: self.response,
            session_id: self.session_id,
            attributes: self.attributes,
            model: self.model,
            metadata: self.metadata,
            inclusion_probability: 1.0,
            content_hash,
        }
    }
}

/// The interaction in `json`, or everything that is wrong with it.
pub fn read(json: &[u8], rules: Rules<'_>) -> Result<Received, Vec<Fault>> {
    let fields = outer(json, rules.limits).map_err(|detail| vec![Fault::at("", detail)])?;
    let mut reader = Reader { rules, item: Received::default(), faults: Vec::new(), asked: false };
    for (name, value) in &fields.0 {
        reader.field(name, value);
    }
    if !reader.asked {
        reader.fault("/query", "is missing; send the text that was asked, which may be blank");
    }
    if reader.faults.is_empty() {
        Ok(reader.item)
    } else {
        {
            // The id helps the caller to find the item, even where another field is wrong.
            let id = reader.item.id;
            Err(reader.faults.into_iter().map(|fault| Fault { id: id.clone(), ..fault }).collect())
        }
    }
}

fn outer<'a>(json: &'a [u8], limits: &Limits) -> Result<Fields<'a>, String> {
    if json.len() > limits.item_bytes {
        return Err(format!(
            "holds {} bytes, more than the {} an interaction may have; shorten it",
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

struct Reader<'a> {
    rules: Rules<'a>,
    item: Received,
    faults: Vec<Fault>,
    /// Whether there was a `query`, right or wrong.
    asked: bool,
}

impl Reader<'_> {
    fn fault(&mut self, pointer: &str, detail: impl Into<String>) {
        self.faults.push(Fault::at(pointer, detail));
    }

    fn field(&mut self, name: &str, value: &RawValue) {
        let pointer = format!("/{}", escape(name));
        let result = match name {
            "query" => {
                self.asked = true;
                self.text(value).map(|query| self.item.query = query)
            }
            // null is how many clients write "not there".
            "id" | "occurred_at" | "timestamp" | "response" | "session_id" | "attributes"
            | "model" | "metadata"
                if value.get() == "null" =>
            {
                Ok(())
            }
            "id" => self::name(value).map(|id| self.item.id = Some(id)),
            "response" => self.text(value).map(|response| self.item.response = Some(response)),
            "session_id" => self::name(value).map(|id| self.item.session_id = Some(id)),
            "model" => self::name(value).map(|model| self.item.model = Some(model)),
            "occurred_at" | "timestamp" => self.time(value),
            "metadata" => metadata(value).map(|json| self.item.metadata = Some(json)),
            "attributes" => return self.attributes(value),
            _ => Err("is not a field of an interaction; put it into metadata".to_owned()),
        };
        if let Err(detail) = result {
            self.fault(&pointer, detail);
        }
    }

    fn text(&self, value: &RawValue) -> Result<String, String> {
        let text = string(value)?;
        let limit = self.rules.limits.text_bytes;
        if text.len() > limit {
            return Err(format!("holds {} bytes, more than {limit}; shorten it", text.len()));
        }
        Ok(text)
    }

    fn time(&mut self, value: &RawValue) -> Result<(), String> {
        if self.item.occurred_at.is_some() {
            return Err("is the same field as occurred_at; send one of them".to_owned());
        }
        let text = string(value)?;
        let time = Timestamp::parse(&text).ok_or(
            "is not an RFC 3339 time with its offset, such as 2026-11-23T08:30:00Z".to_owned(),
        )?;
        if time < EARLIEST {
            return Err(format!("{time} is before the year 2000; send when it happened"));
        }
        if time > self.rules.now.plus(self.rules.limits.future()) {
            return Err(format!(
                "{time} lies more than {} s in the future; set the client's clock",
                self.rules.limits.future_seconds
            ));
        }
        self.item.occurred_at = Some(time);
        Ok(())
    }

    fn attributes(&mut self, value: &RawValue) {
        let fields = match Fields::read(value.get()) {
            Ok(fields) => fields,
            Err(detail) => return self.fault("/attributes", detail),
        };
        if fields.0.len() > ATTRIBUTES {
            let detail = format!("has {} labels, more than {ATTRIBUTES}", fields.0.len());
            return self.fault("/attributes", detail);
        }
        for (key, value) in &fields.0 {
            match label(key, value) {
                Ok(label) => {
                    self.item.attributes.insert(key.clone().into_owned(), label);
                }
                Err(detail) => self.fault(&format!("/attributes/{}", escape(key)), detail),
            }
        }
    }
}

fn label(key: &str, value: &RawValue) -> Result<String, String> {
    if key.is_empty() || key.len() > ATTRIBUTE_KEY_BYTES || key.chars().any(char::is_control) {
        return Err(format!(
            "the label's name must hold 1 to {ATTRIBUTE_KEY_BYTES} bytes without control characters"
        ));
    }
    let text = match value.get().as_bytes() {
        [b'"', ..] => string(value)?,
        [b'{' | b'[', ..] => {
            return Err("must be a string; put structures into metadata".to_owned());
        }
        json => {
            let json = String::from_utf8_lossy(json);
            return Err(format!("must be a string; write \"{json}\" instead of {json}"));
        }
    };
    if text.len() > ATTRIBUTE_VALUE_BYTES {
        return Err(format!(
            "holds {} bytes, more than {ATTRIBUTE_VALUE_BYTES}; labels are for segments, \
             put long texts into metadata",
            text.len()
        ));
    }
    Ok(text)
}

/// An id or a name: short and printable.
fn name(value: &RawValue) -> Result<String, String> {
    let text = string(value)?;
    if text.is_empty() || text.len() > NAME_BYTES {
        return Err(format!("must hold 1 to {NAME_BYTES} bytes, not {}", text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err("must not hold control characters; remove them".to_owned());
    }
    Ok(text)
}

fn metadata(value: &RawValue) -> Result<String, String> {
    if !value.get().starts_with('{') {
        return Err(format!("must be an object, not {}", kind(value)));
    }
    match fields::problem_within(value.get()) {
        Some(problem) => Err(problem),
        None => Ok(value.get().to_owned()),
    }
}

fn string(value: &RawValue) -> Result<String, String> {
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

fn kind(value: &RawValue) -> &'static str {
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
fn escape(name: &str) -> String {
    name.chars().take(NAME_BYTES).collect::<String>().replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;

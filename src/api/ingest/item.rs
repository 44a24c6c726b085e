//! One interaction as it is received: every field checked, every problem named.

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::api::error::Fault;
use crate::api::ingest::fields::{self, Fields};
use crate::api::ingest::value::{self, Rules, escape, kind, string};
use crate::clock::Timestamp;
use crate::model::interaction::{Attributes, NewInteraction};
use crate::model::outcome::{Figures, Pseudonym, Subject};
use crate::model::signals::Personal;

const ATTRIBUTES: usize = 32;
const ATTRIBUTE_KEY_BYTES: usize = 64;
const ATTRIBUTE_VALUE_BYTES: usize = 256;

/// An interaction that was read and checked, not yet sampled.
#[derive(Debug, Clone, Default, PartialEq)]
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
    /// Who asked.
    pub subject: Option<Subject>,
    /// Technical figures.
    pub figures: Figures,
}

impl Received {
    /// SHA-256 of the content as received; what was left out does not count, so that a repeated
    /// post of an item without a time is a duplicate and not a conflict. Of the subject only the
    /// pseudonym counts: a hash of the name itself could be guessed.
    pub fn content_hash(&self, subject: Option<&Pseudonym>) -> [u8; 32] {
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
        // Only what is there, so that what was stored before these fields keeps its hash.
        let figures = self.figures.outcomes().map(|(name, value)| (name, format!("{value:?}")));
        let subject = subject.map(|subject| ("subject", subject.0.clone()));
        for (name, value) in figures.chain(subject) {
            field(None);
            field(Some(name));
            field(Some(&value));
        }
        hash.finalize().into()
    }

    /// The interaction as it is stored, not sampled yet: `now` where it has no time, an id from
    /// `make_id` where it has none, and `subject` in place of the subject's name.
    pub fn into_new(
        self,
        now: Timestamp,
        subject: Option<Pseudonym>,
        make_id: impl FnOnce() -> String,
    ) -> NewInteraction {
        let content_hash = self.content_hash(subject.as_ref());
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
            subject,
            figures: self.figures,
            personal: Personal::default(),
            until_embedded: false,
        }
    }
}

/// The interaction in `json`, or everything that is wrong with it.
pub fn read(json: &[u8], rules: Rules<'_>) -> Result<Received, Vec<Fault>> {
    let fields = value::outer(json, rules.limits).map_err(|detail| vec![Fault::at("", detail)])?;
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
            | "model" | "metadata" | "subject" | "latency_ms" | "input_tokens"
            | "output_tokens" | "cost" | "error"
                if value.get() == "null" =>
            {
                Ok(())
            }
            "id" => value::name(value).map(|id| self.item.id = Some(id)),
            "response" => self.text(value).map(|response| self.item.response = Some(response)),
            "session_id" => value::name(value).map(|id| self.item.session_id = Some(id)),
            "model" => value::name(value).map(|model| self.item.model = Some(model)),
            "occurred_at" | "timestamp" => self.time(value),
            "metadata" => metadata(value).map(|json| self.item.metadata = Some(json)),
            "subject" => {
                value::subject(value, self.rules).map(|subject| self.item.subject = Some(subject))
            }
            "latency_ms" => value::amount(value).map(|ms| self.item.figures.latency_ms = Some(ms)),
            "input_tokens" | "output_tokens" => self.tokens(value),
            "cost" => value::amount(value).map(|cost| self.item.figures.cost = Some(cost)),
            "error" => error(value).map(|error| self.item.figures.error = Some(error)),
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
        self.item.occurred_at = Some(value::time(value, self.rules)?);
        Ok(())
    }

    /// One of the two counts of tokens, which are stored as their sum.
    fn tokens(&mut self, value: &RawValue) -> Result<(), String> {
        let count = value::amount(value)?;
        let sum = self.item.figures.tokens.unwrap_or(0.0) + count;
        self.item.figures.tokens = Some(sum);
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

/// Whether it failed: a boolean, or the text of what went wrong.
fn error(value: &RawValue) -> Result<bool, String> {
    match value.get() {
        "true" => Ok(true),
        "false" => Ok(false),
        text if text.starts_with('"') => Ok(true),
        _ => Err(format!("must be a boolean or a text, not {}", kind(value))),
    }
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

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;

//! One outcome as it is received: every field checked, every problem named.

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::api::error::Fault;
use crate::api::ingest::value::{self, Rules, escape, kind, string};
use crate::clock::Timestamp;
use crate::model::outcome::{
    CATEGORY_BYTES, NAME_BYTES, NewOutcome, Pseudonym, Subject, Target, Value, is_name,
};

/// What an outcome is about, as the caller names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    Interaction(String),
    Session(String),
    Subject(Subject),
}

/// An outcome that was read and checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReceivedOutcome {
    /// The caller's id, where it has one.
    pub(crate) id: Option<String>,
    about: About,
    name: String,
    value: Value,
    occurred_at: Option<Timestamp>,
}

impl ReceivedOutcome {
    /// The outcome as it is stored: `now` where it has no time, and what `pseudonym` makes of a
    /// subject; `None` where it makes nothing.
    pub(crate) fn into_new(
        self,
        now: Timestamp,
        pseudonym: impl FnOnce(&Subject) -> Option<Pseudonym>,
    ) -> Option<NewOutcome> {
        let target = match self.about {
            About::Interaction(id) => Target::Interaction(id),
            About::Session(id) => Target::Session(id),
            About::Subject(subject) => Target::Subject(pseudonym(&subject)?),
        };
        let value = match &self.value {
            Value::Flag(flag) => format!("flag {flag}"),
            Value::Number(number) => format!("number {number:?}"),
            Value::Category(text) => format!("category {text}"),
        };
        // What was left out does not count: repeated without a time it is a duplicate.
        let sent = self.occurred_at.map(|at| at.as_micros().to_string()).unwrap_or_default();
        let content_hash = hash(&[target.kind(), target.id(), &self.name, &value, &sent]);
        let key = self.id.map_or(content_hash, |id| hash(&["id", &id]));
        Some(NewOutcome {
            target,
            name: self.name,
            value: self.value,
            occurred_at: self.occurred_at.unwrap_or(now),
            key,
            content_hash,
        })
    }
}

/// SHA-256 over fields, each behind its length, so that no border shifts.
fn hash(fields: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for field in fields {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field.as_bytes());
    }
    hash.finalize().into()
}

/// The outcome in `json`, or everything that is wrong with it.
pub(crate) fn read(json: &[u8], rules: Rules<'_>) -> Result<ReceivedOutcome, Vec<Fault>> {
    let fields = value::outer(json, rules.limits).map_err(|detail| vec![Fault::at("", detail)])?;
    let mut reader = Reader::new(rules);
    for (name, value) in &fields.0 {
        reader.field(name, value);
    }
    reader.finish()
}

struct Reader<'a> {
    rules: Rules<'a>,
    id: Option<String>,
    about: Vec<About>,
    name: Option<String>,
    value: Option<Value>,
    occurred_at: Option<Timestamp>,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    const fn new(rules: Rules<'a>) -> Self {
        Self {
            rules,
            id: None,
            about: Vec::new(),
            name: None,
            value: None,
            occurred_at: None,
            faults: Vec::new(),
        }
    }

    fn fault(&mut self, pointer: &str, detail: impl Into<String>) {
        self.faults.push(Fault::at(pointer, detail));
    }

    fn field(&mut self, field: &str, value: &RawValue) {
        let result = match field {
            // null is how many clients write "not there".
            "id" | "interaction_id" | "session_id" | "subject" | "occurred_at"
                if value.get() == "null" =>
            {
                Ok(())
            }
            "id" => value::name(value).map(|id| self.id = Some(id)),
            "interaction_id" => {
                value::name(value).map(|id| self.about.push(About::Interaction(id)))
            }
            "session_id" => value::name(value).map(|id| self.about.push(About::Session(id))),
            "subject" => value::subject(value, self.rules)
                .map(|subject| self.about.push(About::Subject(subject))),
            "name" => outcome_name(value).map(|name| self.name = Some(name)),
            "value" => outcome_value(value).map(|value| self.value = Some(value)),
            "occurred_at" => {
                value::time(value, self.rules).map(|time| self.occurred_at = Some(time))
            }
            _ => Err("is not a field of an outcome; leave it out".to_owned()),
        };
        if let Err(detail) = result {
            self.fault(&format!("/{}", escape(field)), detail);
        }
    }

    fn finish(mut self) -> Result<ReceivedOutcome, Vec<Fault>> {
        let told = |reader: &Self, pointer: &str| {
            reader.faults.iter().any(|fault| fault.pointer == pointer)
        };
        let about_told = ["/interaction_id", "/session_id", "/subject"];
        if self.about.len() != 1 && !about_told.iter().any(|pointer| told(&self, pointer)) {
            self.fault("", "needs exactly one of interaction_id, session_id and subject");
        }
        if self.name.is_none() && !told(&self, "/name") {
            self.fault("/name", "is missing; send what was measured, such as resolved");
        }
        if self.value.is_none() && !told(&self, "/value") {
            self.fault("/value", "is missing; send a boolean, a number or a text");
        }
        let id = self.id;
        match (self.about.pop(), self.name, self.value) {
            (Some(about), Some(name), Some(value)) if self.faults.is_empty() => {
                Ok(ReceivedOutcome { id, about, name, value, occurred_at: self.occurred_at })
            }
            // The id helps the caller to find the item, even where another field is wrong.
            _ => {
                let faults = self.faults.into_iter();
                Err(faults.map(|fault| Fault { id: id.clone(), ..fault }).collect())
            }
        }
    }
}

fn outcome_name(value: &RawValue) -> Result<String, String> {
    let name = string(value)?;
    if is_name(&name) {
        return Ok(name);
    }
    Err(format!(
        "must hold 1 to {NAME_BYTES} of the letters a-z and A-Z, digits, _, - and ., such as resolved"
    ))
}

fn outcome_value(value: &RawValue) -> Result<Value, String> {
    match (value.get(), kind(value)) {
        ("true", _) => Ok(Value::Flag(true)),
        ("false", _) => Ok(Value::Flag(false)),
        (_, "a number") => value::number(value).map(Value::Number),
        (_, "a string") => {
            let text = string(value)?;
            if text.is_empty() || text.len() > CATEGORY_BYTES {
                let n = text.len();
                return Err(format!("as a text must hold 1 to {CATEGORY_BYTES} bytes, not {n}"));
            }
            Ok(Value::Category(text))
        }
        (_, other) => Err(format!("must be a boolean, a number or a text, not {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::config::Limits;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn read_all(json: &str) -> Result<ReceivedOutcome, Vec<String>> {
        let rules = Rules { limits: &Limits::default(), now: NOW, subjects: true };
        read(json.as_bytes(), rules)
            .map_err(|faults| faults.into_iter().map(|fault| fault.pointer).collect())
    }

    fn new(json: &str) -> NewOutcome {
        let pseudonym = |subject: &Subject| Some(Pseudonym(format!("p{}", subject.expose().len())));
        read_all(json).unwrap().into_new(NOW, pseudonym).unwrap()
    }

    #[test]
    fn every_field_arrives() {
        let outcome = new(r#"{"id": "o", "session_id": "s", "name": "csat", "value": 4.5,
                "occurred_at": "2026-11-23T08:30:00+02:00"}"#);
        assert_eq!(outcome.target, Target::Session("s".to_owned()));
        assert_eq!((outcome.name.as_str(), outcome.value), ("csat", Value::Number(4.5)));
        assert_eq!(outcome.occurred_at.to_string(), "2026-11-23T06:30:00Z");
        let plain = new(r#"{"interaction_id": "i", "name": "resolved", "value": true}"#);
        assert_eq!((plain.value, plain.occurred_at), (Value::Flag(true), NOW));
        assert_eq!(plain.key, plain.content_hash);
        let subject = new(r#"{"subject": "0821", "name": "reason", "value": "billing"}"#);
        assert_eq!(subject.target, Target::Subject(Pseudonym("p4".to_owned())));
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let wrong = |json: &str| read_all(json).unwrap_err();
        assert_eq!(wrong("{}"), ["", "/name", "/value"]);
        let two = r#"{"interaction_id": "i", "session_id": "s", "name": "n", "value": 1}"#;
        assert_eq!(wrong(two), [""]);
        let all = r#"{"subject": 7, "name": "a b", "value": [1], "at": "x", "occurred_at": 5}"#;
        assert_eq!(wrong(all), ["/subject", "/name", "/value", "/at", "/occurred_at"]);
        for value in ["1e999", "1e16", "\"\"", "null", "{}"] {
            let json = format!(r#"{{"session_id": "s", "name": "n", "value": {value}}}"#);
            assert_eq!(wrong(&json), ["/value"], "{value}");
        }
        let long = format!(r#"{{"session_id": "s", "name": "n", "value": "{}"}}"#, "x".repeat(65));
        assert_eq!(wrong(&long), ["/value"]);
    }

    #[test]
    fn the_key_is_the_id_or_else_the_content() {
        let first = new(r#"{"id": "o", "session_id": "s", "name": "n", "value": 1}"#);
        let changed = new(r#"{"id": "o", "session_id": "s", "name": "n", "value": 2}"#);
        assert_eq!(first.key, changed.key);
        assert_ne!(first.content_hash, changed.content_hash);
        let contents = [
            r#"{"session_id": "s", "name": "n", "value": 1}"#,
            r#"{"interaction_id": "s", "name": "n", "value": 1}"#,
            r#"{"session_id": "s", "name": "n", "value": true}"#,
            r#"{"session_id": "s", "name": "n", "value": "1"}"#,
            r#"{"session_id": "sn", "name": "n", "value": 1}"#,
            r#"{"session_id": "s", "name": "n", "value": 1, "occurred_at": "2026-01-01T00:00:00Z"}"#,
        ];
        let mut keys: Vec<_> = contents.iter().map(|json| new(json).key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), contents.len());
    }
}

//! JSON objects read strictly: keys once, no U+0000, nothing too deep.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of an object in their order, each as its raw JSON.
#[derive(Debug)]
pub(crate) struct Fields<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

/// A key of an object, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Fields<'a> {
    /// The fields of `json`; the error says what it is instead of an object, or which key is twice.
    pub(crate) fn read(json: &'a str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| plain(&error))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
                let mut seen = std::collections::HashSet::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    if !seen.insert(key.clone()) {
                        return Err(twice(&key));
                    }
                    fields.push((key, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

fn twice<E: de::Error>(key: &str) -> E {
    E::custom(format!("the key {key:?} is there twice; send it once"))
}

/// An error's text without the place within the value, which a caller could not make sense of.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// Levels of objects and arrays in `json`, which is valid JSON.
pub(crate) fn nesting(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Whether a text holds U+0000, which PostgreSQL cannot store.
pub(crate) fn holds_nul(text: &str) -> bool {
    text.contains('\0')
}

/// What is wrong with a JSON value that is kept as text: keys twice, U+0000, numbers beyond range.
pub(crate) fn problem_within(json: &str) -> Option<String> {
    serde_json::from_str::<Checked>(json).err().map(|error| plain(&error))
}

/// Any JSON value, read only to see that it is sound.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Checker)
    }
}

struct Checker;

impl<'de> Visitor<'de> for Checker {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Checked, E> {
        if holds_nul(text) {
            Err(E::custom("a text holds U+0000, which cannot be stored; remove it"))
        } else {
            Ok(Checked)
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Checked, A::Error> {
        while seq.next_element::<Checked>()?.is_some() {}
        Ok(Checked)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Checked, A::Error> {
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if holds_nul(&key) {
                return Err(de::Error::custom("a key holds U+0000, which cannot be stored"));
            }
            map.next_value::<Checked>()?;
            if seen.contains(&key) {
                return Err(twice(&key));
            }
            seen.insert(key);
        }
        Ok(Checked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_twice_is_named_however_it_is_written() {
        let error = Fields::read(r#"{"a": 1, "\u0061": 2}"#).unwrap_err();
        assert_eq!(error, "the key \"a\" is there twice; send it once");
        assert!(problem_within(r#"{"m": [{"b": 1, "b": 1}]}"#).unwrap().contains("\"b\""));
    }

    #[test]
    fn what_is_not_an_object_is_named() {
        assert!(Fields::read("7").unwrap_err().contains("expected a JSON object"));
        assert_eq!(Fields::read(r#"{"a": {"b": 1}}"#).unwrap().0[0].1.get(), r#"{"b": 1}"#);
    }

    #[test]
    fn nesting_counts_brackets_outside_of_strings() {
        assert_eq!(nesting(b"7"), 0);
        assert_eq!(nesting(br#"{"a": [1, {"b": "[[[\"[["}], "c": [[]]}"#), 3);
    }

    #[test]
    fn unsound_values_are_found() {
        assert_eq!(problem_within(r#"{"a": [1, 2.5, null, true, "x"]}"#), None);
        assert!(problem_within(r#"{"a": "\u0000"}"#).is_some());
        assert!(problem_within(r#"{"\u0000": 1}"#).is_some());
        assert!(problem_within(r#"{"a": "\ud800"}"#).is_some());
        assert!(problem_within(r#"{"a": 1e400}"#).is_some());
        assert_eq!(problem_within(r#"{"a": "\\u0000"}"#), None);
    }
}

//! Writes a document as people would: names first, one field a line.

use std::fmt::Write as _;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::document::Format;
use super::kind::Fields;

/// What comes before the other fields.
const FIRST: [&str; 4] = ["name", "kind", "url", "secret"];

/// What a kind's part of a document holds.
pub(super) enum Part {
    /// Items with names.
    Named(Vec<Fields>),
    /// One table.
    Single(Fields),
}

/// The whole document.
pub(super) fn write(parts: &[(&str, Part)], format: Format) -> Result<String, String> {
    match format {
        Format::Toml => Ok(toml_document(parts)),
        Format::Yaml => {
            let root = Root(parts);
            serde_saphyr::to_string(&root).map_err(|error| error.to_string())
        }
    }
}

fn sorted(fields: &Fields) -> Vec<(&String, &Value)> {
    let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
    let rank = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
    sorted.sort_by_key(|(key, _)| rank(key));
    sorted
}

struct Root<'a>(&'a [(&'a str, Part)]);

impl Serialize for Root<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, part) in self.0 {
            match part {
                Part::Named(items) => {
                    let items: Vec<Ordered<'_>> = items.iter().map(Ordered).collect();
                    map.serialize_entry(key, &items)?;
                }
                Part::Single(fields) => map.serialize_entry(key, &Ordered(fields))?,
            }
        }
        map.end()
    }
}

struct Ordered<'a>(&'a Fields);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(sorted(self.0))
    }
}

fn toml_document(parts: &[(&str, Part)]) -> String {
    let mut text = String::new();
    // What stands behind a table's head belongs to it: empty lists come first.
    for (key, part) in parts {
        if let Part::Named(items) = part
            && items.is_empty()
        {
            let _ = writeln!(text, "{key} = []");
        }
    }
    for (key, part) in parts {
        match part {
            Part::Named(items) => {
                for item in items {
                    let _ = writeln!(text, "\n[[{key}]]");
                    for (key, value) in sorted(item) {
                        let _ = writeln!(text, "{} = {}", toml_key(key), toml_value(value, ""));
                    }
                }
            }
            Part::Single(fields) => toml_table(key, fields, &mut text),
        }
    }
    text.trim_start().to_owned()
}

/// A table under its head, and tables in it under heads of their own.
fn toml_table(head: &str, fields: &Fields, text: &mut String) {
    let _ = writeln!(text, "\n[{head}]");
    for (key, value) in sorted(fields) {
        if !value.is_object() {
            let _ = writeln!(text, "{} = {}", toml_key(key), toml_value(value, ""));
        }
    }
    for (key, value) in sorted(fields) {
        if let Value::Object(inner) = value {
            toml_table(&format!("{head}.{}", toml_key(key)), inner, text);
        }
    }
}

/// A value in one line, but for lists of tables, which have a line for each.
fn toml_value(value: &Value, indent: &str) -> String {
    match value {
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let pairs: Vec<String> = sorted(fields)
                .into_iter()
                .map(|(key, value)| format!("{} = {}", toml_key(key), toml_value(value, indent)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            let deeper = format!("{indent}  ");
            let line = |value| format!("{deeper}{},\n", toml_value(value, &deeper));
            format!("[\n{}{indent}]", list.iter().map(line).collect::<String>())
        }
        Value::Array(list) => {
            let items: Vec<String> = list.iter().map(|value| toml_value(value, indent)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => toml_text(text),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(real)) => toml::Value::Float(real).to_string(),
            (None, None) => number.to_string(),
        },
        Value::Bool(is) => is.to_string(),
        // Dropped before; an empty text is the nearest that TOML has.
        Value::Null => "\"\"".to_owned(),
    }
}

fn toml_text(text: &str) -> String {
    // Always a basic string: a line break in a value stays within its line.
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn toml_key(key: &str) -> String {
    let is_bare =
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare { key.to_owned() } else { toml_text(key) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts() -> Vec<(&'static str, Part)> {
        let fields = |value: Value| value.as_object().unwrap().clone();
        vec![
            ("receivers", Part::Named(Vec::new())),
            (
                "monitors",
                Part::Named(vec![fields(json!({"alert": {"severity": "critical"}, "name": "m",
                    "windows": [{"name": "w", "events": 20, "stride": 5}]}))]),
            ),
            (
                "routing",
                Part::Single(fields(json!({"route": {"receivers": ["a"],
                    "routes": [{"matchers": ["a=\"b\""], "routes": [{"mute": ["n"]}]}]}}))),
            ),
        ]
    }

    #[test]
    fn toml_reads_as_people_write_it() {
        let wanted = r#"receivers = []

[[monitors]]
name = "m"
alert = { severity = "critical" }
windows = [
  { name = "w", events = 20, stride = 5 },
]

[routing]

[routing.route]
receivers = ["a"]
routes = [
  { matchers = ["a=\"b\""], routes = [
    { mute = ["n"] },
  ] },
]
"#;
        assert_eq!(write(&parts(), Format::Toml).unwrap(), wanted);
    }

    #[test]
    fn yaml_has_names_first() {
        let text = write(&parts(), Format::Yaml).unwrap();
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part} in {text}"));
        assert!(at("name: m") < at("alert:") && at("monitors:") < at("routing:"), "{text}");
    }
}

//! A document: which monitors, receivers, rules, routes and budget there are to be, from TOML or YAML.

use std::collections::BTreeMap;
use std::path::Path;

use clap::ValueEnum;
use serde_json::Value;

use super::fault::label;
use super::kind::{Fields, KINDS, Kind};
use super::normal::drop_nulls;

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// TOML
    Toml,
    /// YAML
    Yaml,
}

impl Format {
    /// By the file's extension.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }

    /// The tables and lists of `text`; a syntax error has its line and column.
    fn parse(self, text: &str) -> Result<Fields, String> {
        match self {
            Self::Toml => toml::from_str(text).map_err(|error| {
                let at = error.span().map_or_else(String::new, |span| position(text, span.start));
                format!("{at}{}", error.message().replace('\n', " "))
            }),
            Self::Yaml if text.trim().is_empty() => Ok(Fields::new()),
            Self::Yaml => serde_saphyr::from_str(text)
                .map_err(|error| error.without_snippet().to_string().replace('\n', " ")),
        }
    }
}

fn position(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line}, column {column}: ")
}

/// One or more files together.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Document {
    named: BTreeMap<&'static str, Vec<(String, Fields)>>,
    single: BTreeMap<&'static str, Fields>,
}

impl Document {
    /// Adds the file `origin`; every problem of it is a line.
    pub(super) fn add(
        &mut self,
        origin: &str,
        text: &str,
        format: Format,
    ) -> Result<(), Vec<String>> {
        let mut root = format.parse(text).map_err(|error| vec![format!("{origin}: {error}")])?;
        drop_nulls(&mut root);
        let mut problems = Vec::new();
        for (key, value) in root {
            let known = KINDS.iter().find(|kind| kind.key() == key);
            let added = known.ok_or_else(|| vec![unknown(&key)]).and_then(|kind| match value {
                Value::Object(fields) if kind.is_single() => self.add_single(*kind, fields),
                Value::Array(items) if !kind.is_single() => self.add_items(*kind, items),
                _ => Err(vec![wrong_shape(*kind)]),
            });
            problems.extend(added.err().unwrap_or_default());
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(problems.into_iter().map(|problem| format!("{origin}: {problem}")).collect())
    }

    fn add_single(&mut self, kind: &dyn Kind, fields: Fields) -> Result<(), Vec<String>> {
        if self.single.insert(kind.key(), fields).is_some() {
            return Err(vec![format!("{} is in another file, too", kind.key())]);
        }
        Ok(())
    }

    fn add_items(&mut self, kind: &dyn Kind, items: Vec<Value>) -> Result<(), Vec<String>> {
        let known = self.named.entry(kind.key()).or_default();
        let mut problems = Vec::new();
        for (i, item) in items.into_iter().enumerate() {
            let place = format!("{}[{i}]", kind.key());
            let Value::Object(fields) = item else {
                problems.push(format!("{place}: must be a table with its fields"));
                continue;
            };
            match fields.get("name") {
                Some(Value::String(name)) if known.iter().any(|(other, _)| other == name) => {
                    problems.push(format!("{}: is there twice", label(kind.key(), Some(name))));
                }
                Some(Value::String(name)) if !name.trim().is_empty() => {
                    known.push((name.clone(), fields));
                }
                _ => problems.push(format!("{place}: /name must hold its name")),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Whether the document is about this kind, be it with an empty list.
    pub(super) fn has(&self, kind: &dyn Kind) -> bool {
        self.named.contains_key(kind.key()) || self.single.contains_key(kind.key())
    }

    /// The items of a kind; the only one of a single kind has no name.
    pub(super) fn items(&self, kind: &dyn Kind) -> Vec<(Option<&str>, &Fields)> {
        let named = self.named.get(kind.key()).into_iter().flatten();
        let named = named.map(|(name, fields)| (Some(name.as_str()), fields));
        named.chain(self.single.get(kind.key()).map(|fields| (None, fields))).collect()
    }

    /// The names of a kind's items.
    pub(super) fn names(&self, kind: &dyn Kind) -> Vec<&str> {
        self.items(kind).into_iter().filter_map(|(name, _)| name).collect()
    }
}

fn unknown(key: &str) -> String {
    let keys: Vec<&str> = KINDS.iter().map(|kind| kind.key()).collect();
    format!("{key:?} is nothing that can be set up; there are {}", keys.join(", "))
}

fn wrong_shape(kind: &dyn Kind) -> String {
    let key = kind.key();
    if kind.is_single() {
        return format!("{key}: must be one table: [{key}] in TOML, `{key}:` with fields in YAML");
    }
    format!("{key}: must be a list: [[{key}]] in TOML, `{key}:` with `- name: …` in YAML")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::apply::{monitors::Monitors, receivers::Receivers, routing::Routing};

    fn problems(text: &str, format: Format) -> Vec<String> {
        Document::default().add("f", text, format).unwrap_err()
    }

    #[test]
    fn toml_and_yaml_say_the_same() {
        let toml = "[[monitors]]\nname = \"m\"\nalert = { severity = \"critical\" }\nlateness_seconds = 60\n\
                    [routing.route]\nreceivers = [\"a\"]\n";
        let yaml = "monitors:\n- name: m\n  alert: {severity: critical}\n  lateness_seconds: 60\n  segment: ~\n\
                    routing:\n  route:\n    receivers: [a]\n";
        let (mut one, mut other) = (Document::default(), Document::default());
        one.add("a.toml", toml, Format::Toml).unwrap();
        other.add("a.yaml", yaml, Format::Yaml).unwrap();
        assert_eq!(one, other);
        assert!(one.has(&Monitors) && one.has(&Routing) && !one.has(&Receivers));
    }

    #[test]
    fn an_empty_list_is_about_its_kind() {
        for (text, format) in [("receivers = []", Format::Toml), ("receivers: []", Format::Yaml)] {
            let mut document = Document::default();
            document.add("f", text, format).unwrap();
            assert!(document.has(&Receivers) && document.items(&Receivers).is_empty());
        }
        Document::default().add("f", "# nothing\n", Format::Toml).unwrap();
        Document::default().add("f", "\n", Format::Yaml).unwrap();
    }

    #[test]
    fn syntax_errors_have_their_place_in_one_line() {
        let toml = problems("[[monitors]]\nname = \n", Format::Toml);
        assert!(toml[0].starts_with("f: line 2, column"), "{toml:?}");
        let yaml = problems("monitors:\n- name: [\n", Format::Yaml);
        assert!(yaml[0].contains("line") && !yaml[0].contains('\n'), "{yaml:?}");
        let twice = problems("monitors: []\nmonitors: []\n", Format::Yaml);
        assert!(twice[0].contains("duplicate"), "{twice:?}");
    }

    #[test]
    fn every_problem_is_a_line() {
        let text = "[monitor]\n[[receivers]]\n[[receivers]]\nname = \"a\"\n[[receivers]]\nname = \"a\"\n\
                    [[routing]]\n[budget]\n[monitors]\n";
        let wanted = [
            "f: \"monitor\" is nothing that can be set up",
            "f: monitors: must be a list",
            "f: receivers[0]: /name must hold its name",
            "f: receivers.\"a\": is there twice",
            "f: routing: must be one table",
        ];
        let found = problems(text, Format::Toml);
        assert_eq!(found.len(), wanted.len(), "{found:#?}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(found.starts_with(wanted), "{found}");
        }
    }

    #[test]
    fn files_add_up_and_must_not_repeat() {
        let mut document = Document::default();
        document.add("a", "[budget]\n[[monitors]]\nname = \"a\"", Format::Toml).unwrap();
        document.add("b", "[[monitors]]\nname = \"b\"", Format::Toml).unwrap();
        assert_eq!(document.names(&Monitors), ["a", "b"]);
        let again = document.add("c", "[budget]\n[[monitors]]\nname = \"b\"", Format::Toml);
        let wanted = ["c: budget is in another file, too", "c: monitors.\"b\": is there twice"];
        assert_eq!(again.unwrap_err(), wanted);
    }
}

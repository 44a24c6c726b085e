//! Names in place of ids: what a document says of receivers, and what the daemon says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fault::Fault;
use super::kind::Fields;

/// The field that holds receivers, wherever it stands: in monitors, rules, routes, escalations.
const FIELD: &str = "receivers";

/// The receivers of a project, by name and by id.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    ids: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
}

impl Names {
    /// Learns that the receiver `name` has this id.
    pub(super) fn insert(&mut self, name: &str, id: &str) {
        self.ids.insert(name.to_owned(), id.to_owned());
        self.names.insert(id.to_owned(), name.to_owned());
    }

    /// `fields` with ids where it has names.
    pub(super) fn resolved(&self, fields: &Fields) -> Result<Fields, Vec<Fault>> {
        let mut faults = Vec::new();
        let fields = each(fields, &mut |pointer, name| match self.ids.get(name) {
            Some(id) => name.clone_from(id),
            None => faults.push(Fault::at(pointer, format!("there is no receiver {name:?}"))),
        });
        if faults.is_empty() { Ok(fields) } else { Err(faults) }
    }

    /// `fields` with names where it has ids; the id of a receiver that is gone stays.
    pub(super) fn named(&self, fields: &Fields) -> Fields {
        each(fields, &mut |_, id| {
            if let Some(name) = self.names.get(id) {
                id.clone_from(name);
            }
        })
    }

    /// `fields` without the receivers of no name, and their ids.
    pub(super) fn without_strangers(&self, fields: &Fields) -> (Fields, Vec<String>) {
        let mut gone = Vec::new();
        each(fields, &mut |_, name| {
            if !self.ids.contains_key(name) {
                gone.push(name.clone());
            }
        });
        let mut fields = fields.clone();
        if !gone.is_empty() {
            fields.values_mut().for_each(|value| drop_listed(value, &gone));
            if let Some(Value::Array(list)) = fields.get_mut(FIELD) {
                list.retain(|one| !is_listed(one, &gone));
            }
        }
        (fields, gone)
    }
}

fn is_listed(value: &Value, listed: &[String]) -> bool {
    value.as_str().is_some_and(|text| listed.iter().any(|one| one == text))
}

fn drop_listed(value: &mut Value, listed: &[String]) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Array(list)) = fields.get_mut(FIELD) {
                list.retain(|one| !is_listed(one, listed));
            }
            fields.values_mut().for_each(|value| drop_listed(value, listed));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| drop_listed(value, listed)),
        _ => {}
    }
}

/// `fields` after `change` has seen every receiver in it, with the JSON pointer to where it stands.
pub(super) fn each(fields: &Fields, change: &mut dyn FnMut(&str, &mut String)) -> Fields {
    let mut fields = fields.clone();
    for (key, value) in &mut fields {
        walk(key, &format!("/{key}"), value, change);
    }
    fields
}

fn walk(key: &str, pointer: &str, value: &mut Value, change: &mut dyn FnMut(&str, &mut String)) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                walk(key, &format!("{pointer}/{key}"), value, change);
            }
        }
        Value::Array(list) => {
            for (i, value) in list.iter_mut().enumerate() {
                let pointer = format!("{pointer}/{i}");
                match value {
                    Value::String(text) if key == FIELD => change(&pointer, text),
                    // A list in a list is no list of receivers.
                    value => walk("", &pointer, value, change),
                }
            }
        }
        _ => {}
    }
}

/// Ids that stand for names, so that a document with names is read by the types of the API.
#[derive(Debug, Default)]
pub(super) struct StandIns(Vec<String>);

impl StandIns {
    /// `fields` with an id for each name.
    pub(super) fn put(&mut self, fields: &Fields) -> Fields {
        each(fields, &mut |_, name| {
            self.0.push(std::mem::take(name));
            *name = format!("{:08x}-0000-7000-8000-000000000000", self.0.len() - 1);
        })
    }

    /// `fields` with the names again.
    pub(super) fn take(&self, fields: &Fields) -> Fields {
        each(fields, &mut |_, id| {
            let index = id.get(..8).and_then(|digits| usize::from_str_radix(digits, 16).ok());
            if let Some(name) = index.and_then(|index| self.0.get(index)) {
                id.clone_from(name);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: &Value) -> Fields {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn receivers_are_found_wherever_they_stand_and_nothing_else_is() {
        let tree = fields(&json!({"route": {"receivers": ["a"], "matchers": ["receivers=x"],
            "escalate": {"receivers": ["b"]}, "routes": [{"receivers": ["a", "b"]}]},
            "segment": {"receivers": "a"}}));
        let mut names = Names::default();
        names.insert("a", "1");
        names.insert("b", "2");
        let sent = names.resolved(&tree).unwrap();
        assert_eq!(sent["route"]["routes"][0]["receivers"], json!(["1", "2"]));
        assert_eq!(sent["route"]["escalate"]["receivers"], json!(["2"]));
        assert_eq!(sent["segment"], json!({"receivers": "a"}));
        assert_eq!(names.named(&sent), tree);
    }

    #[test]
    fn an_unknown_name_is_named_with_its_place() {
        let faults = Names::default().resolved(&fields(&json!({"receivers": ["x"]}))).unwrap_err();
        assert_eq!(faults, [Fault::at("/receivers/0", "there is no receiver \"x\"")]);
    }

    #[test]
    fn receivers_that_are_gone_are_left_out() {
        let mut names = Names::default();
        names.insert("a", "1");
        let spec = fields(&json!({"receivers": ["a", "9"], "route": {"receivers": ["9"]}}));
        let (left, gone) = names.without_strangers(&spec);
        assert_eq!(Value::Object(left), json!({"receivers": ["a"], "route": {"receivers": []}}));
        assert_eq!(gone, ["9", "9"]);
    }
}

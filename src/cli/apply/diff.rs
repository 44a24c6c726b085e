//! What differs between two items in normal form: for people, a line a field; for the daemon, a merge
//! patch.

use serde_json::Value;

use super::kind::Fields;

/// Longer values are cut in what people read.
const SHOWN: usize = 200;

/// A field with two values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    /// Where: `alert.severity`, `windows."short".stride`, `route.routes[0].receivers`.
    pub(super) path: String,
    before: Option<Value>,
    after: Option<Value>,
}

impl Change {
    /// As people read it: `alert.severity: warning -> critical`.
    pub(super) fn line(&self) -> String {
        let text = |value: &Option<Value>| {
            value.as_ref().map_or_else(|| "(none)".to_owned(), |value| shown(value, SHOWN))
        };
        format!("{}: {} -> {}", self.path, text(&self.before), text(&self.after))
    }
}

/// A value in one line, without quotes where it is one plain word, without control characters.
fn shown(value: &Value, limit: usize) -> String {
    let is_plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-.:/@".contains(c))
    };
    let text = match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::String(text) => format!("{text:?}"),
        other => other.to_string().chars().flat_map(visible).collect(),
    };
    if text.chars().count() <= limit {
        return text;
    }
    text.chars().take(limit).chain("…".chars()).collect()
}

fn visible(c: char) -> Vec<char> {
    if c.is_control() { c.escape_default().collect() } else { vec![c] }
}

/// Every field in which `after` differs from `before`, in the order of their names.
pub(super) fn changes(before: &Fields, after: &Fields) -> Vec<Change> {
    let mut found = Vec::new();
    objects("", before, after, &mut found);
    found
}

fn objects(path: &str, before: &Fields, after: &Fields, found: &mut Vec<Change>) {
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let is_word = key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        let key_shown = if is_word { key.clone() } else { format!("{key:?}") };
        let path = if path.is_empty() { key_shown } else { format!("{path}.{key_shown}") };
        values(&path, before.get(key), after.get(key), found);
    }
}

fn values(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Change>) {
    match (before, after) {
        (Some(before), Some(after)) if same(before, after) => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            objects(path, before, after, found);
        }
        (Some(Value::Array(before)), Some(Value::Array(after)))
            if holds_tables(before) || holds_tables(after) =>
        {
            lists(path, before, after, found);
        }
        (before, after) => found.push(Change {
            path: path.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

fn holds_tables(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(Value::is_object)
}

/// Tables with names are compared by name, others by their place.
fn lists(path: &str, before: &[Value], after: &[Value], found: &mut Vec<Change>) {
    let start = found.len();
    if let (Some(old), Some(new)) = (names(before), names(after)) {
        for name in old.iter().chain(new.iter().filter(|name| !old.contains(name))) {
            let of = |list: &[&str], items: &[Value]| {
                list.iter().position(|other| other == name).map(|i| items[i].clone())
            };
            let (before, after) = (of(&old, before), of(&new, after));
            values(&format!("{path}.{name:?}"), before.as_ref(), after.as_ref(), found);
        }
    } else {
        for i in 0..before.len().max(after.len()) {
            values(&format!("{path}[{i}]"), before.get(i), after.get(i), found);
        }
    }
    if found.len() == start {
        // Only the order differs.
        let (before, after) = (before.to_vec().into(), after.to_vec().into());
        found.push(Change { path: path.to_owned(), before: Some(before), after: Some(after) });
    }
}

/// The names of a list's tables, where each has one of its own.
fn names(list: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<&str> =
        list.iter().map(|item| item.get("name")?.as_str()).collect::<Option<_>>()?;
    let is_unique = names.iter().enumerate().all(|(i, name)| !names[..i].contains(name));
    is_unique.then_some(names)
}

/// Whether two values mean the same: 2 and 2.0 do.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

/// The merge patch (RFC 7396) that makes `after` of `before`; the fields `whole` are replaced by the
/// daemon as a whole, and so they are sent.
pub(super) fn patch(before: &Fields, after: &Fields, whole: &[&str]) -> Fields {
    let mut patch = Fields::new();
    for (key, value) in after {
        match (before.get(key), value) {
            (Some(old), value) if same(old, value) => {}
            (Some(Value::Object(old)), Value::Object(new)) if !whole.contains(&key.as_str()) => {
                patch.insert(key.clone(), self::patch(old, new, &[]).into());
            }
            (_, value) => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    patch
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        let Value::Object(fields) = value else { panic!("{value}") };
        fields
    }

    fn lines(before: Value, after: Value) -> Vec<String> {
        changes(&fields(before), &fields(after)).iter().map(Change::line).collect()
    }

    #[test]
    fn a_field_is_a_line() {
        let before = json!({"alert": {"severity": "warning", "labels": {"team": "a b"}},
            "windows": [{"name": "short", "stride": 50}, {"name": "long", "stride": 50}],
            "receivers": ["a"], "n": 2});
        let after = json!({"alert": {"severity": "critical"}, "n": 2.0,
            "windows": [{"name": "short", "stride": 25}, {"name": "long", "stride": 50}],
            "receivers": ["a", "b"]});
        let wanted = [
            r#"alert.labels: {"team":"a b"} -> (none)"#,
            "alert.severity: warning -> critical",
            r#"receivers: ["a"] -> ["a","b"]"#,
            r#"windows."short".stride: 50 -> 25"#,
        ];
        assert_eq!(lines(before, after), wanted);
    }

    #[test]
    fn lists_without_names_go_by_place_and_order_alone_is_seen() {
        let before = json!({"routes": [{"mute": ["a"]}, {"mute": []}]});
        let after = json!({"routes": [{"mute": ["b"]}]});
        let wanted = [r#"routes[0].mute: ["a"] -> ["b"]"#, r#"routes[1]: {"mute":[]} -> (none)"#];
        assert_eq!(lines(before, after), wanted);
        let before = json!({"w": [{"name": "a"}, {"name": "b"}]});
        let after = json!({"w": [{"name": "b"}, {"name": "a"}]});
        assert_eq!(lines(before, after).len(), 1);
    }

    #[test]
    fn no_control_character_reaches_a_terminal() {
        let line = &lines(json!({"a": "\u{1b}[2J"}), json!({"a": ["\u{9b}31m"]}))[0];
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }

    #[test]
    fn whole_fields_are_sent_whole() {
        let before = fields(json!({"thresholds": {"fixed": {"mmd": 1, "kl": 2}}, "a": {"b": 1}}));
        let after = fields(json!({"thresholds": {"fixed": {"mmd": 1, "kl": 3}}, "a": {}}));
        let wanted = json!({"thresholds": {"fixed": {"mmd": 1, "kl": 3}}, "a": {"b": null}});
        assert_eq!(Value::Object(patch(&before, &after, &["thresholds"])), wanted);
    }

    /// RFC 7396, as the daemon does it.
    fn merged(target: &Value, patch: &Value) -> Value {
        let Value::Object(patch) = patch else { return patch.clone() };
        let mut target = target.as_object().cloned().unwrap_or_default();
        for (key, value) in patch {
            if value.is_null() {
                target.remove(key);
            } else {
                let old = target.get(key).cloned().unwrap_or(Value::Null);
                target.insert(key.clone(), merged(&old, value));
            }
        }
        target.into()
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0_u8..3).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-d]|name", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn table() -> impl Strategy<Value = Fields> {
        prop::collection::btree_map("[a-d]", value(), 0..4)
            .prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn equals_have_no_changes_and_others_have_some(a in table(), b in table()) {
            prop_assert!(changes(&a, &a).is_empty());
            prop_assert!(patch(&a, &a, &[]).is_empty());
            let differ = !same(&a.clone().into(), &b.clone().into());
            prop_assert_eq!(!changes(&a, &b).is_empty(), differ);
            prop_assert_eq!(!patch(&a, &b, &[]).is_empty(), differ);
        }

        #[test]
        fn the_patch_makes_one_of_the_other(a in table(), b in table()) {
            let made = merged(&a.clone().into(), &patch(&a, &b, &[]).into());
            prop_assert!(same(&made, &b.into()), "{made}");
        }
    }
}

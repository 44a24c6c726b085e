//! The normal form of an item: what the API's own types make of it, every default filled in. Two
//! items that mean the same have the same normal form, whoever wrote them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fault::Fault;
use super::kind::Fields;
use super::names::StandIns;

/// `fields` as a `T`, which wants ids where documents have names, and as its normal form.
pub(super) fn normal<T: Serialize + DeserializeOwned>(
    fields: &Fields,
) -> Result<(T, Fields), Fault> {
    let mut names = StandIns::default();
    let given = names.put(fields);
    let typed: T = read(&given)?;
    let whole = serde_json::to_value(&typed).map_err(|error| Fault::at("", error.to_string()))?;
    let Value::Object(mut whole) = whole else {
        return Err(Fault::at("", "is no table"));
    };
    if let Some(pointer) = unread("", &Value::Object(given), &Value::Object(whole.clone())) {
        return Err(Fault::at(pointer, "is not a field here"));
    }
    drop_nulls(&mut whole);
    Ok((typed, names.take(&whole)))
}

/// `fields` as a `T`; a fault says where it is none.
pub(super) fn read<T: DeserializeOwned>(fields: &Fields) -> Result<T, Fault> {
    let attempt = |value: &Value| T::deserialize(value).map_err(|error| error.to_string());
    let mut value = Value::Object(fields.clone());
    attempt(&value).map_err(|detail| {
        let says_other = |value: &Value| attempt(value).err().as_ref() != Some(&detail);
        let mut path = Vec::new();
        while let Some(step) = guilty(&mut value, &path, &says_other) {
            path.push(step);
        }
        Fault::at(pointer(&path), detail)
    })
}

/// A key of an object or a place in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Key(String),
    Index(usize),
}

fn pointer(path: &[Place]) -> String {
    let part = |place: &Place| match place {
        Place::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Place::Index(index) => format!("/{index}"),
    };
    path.iter().map(part).collect()
}

/// Serde says what is wrong and not where: it is in the part without which something else, or
/// nothing, is wrong.
fn guilty(root: &mut Value, path: &[Place], says_other: &dyn Fn(&Value) -> bool) -> Option<Place> {
    let places: Vec<Place> = match follow(root, path)? {
        Value::Object(fields) => fields.keys().cloned().map(Place::Key).collect(),
        Value::Array(list) => (0..list.len()).map(Place::Index).collect(),
        _ => return None,
    };
    places.into_iter().find(|place| {
        let mut without = root.clone();
        match (follow(&mut without, path), place) {
            (Some(Value::Object(fields)), Place::Key(key)) => drop(fields.remove(key)),
            (Some(Value::Array(list)), Place::Index(index)) => drop(list.remove(*index)),
            _ => return false,
        }
        says_other(&without)
    })
}

fn follow<'a>(root: &'a mut Value, path: &[Place]) -> Option<&'a mut Value> {
    path.iter().try_fold(root, |value, place| match place {
        Place::Key(key) => value.get_mut(key),
        Place::Index(index) => value.get_mut(index),
    })
}

/// The pointer to the first field of `given` that left no trace: some types read on over what they
/// do not know.
fn unread(pointer: &str, given: &Value, kept: &Value) -> Option<String> {
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => given.iter().find_map(|(key, value)| {
            let pointer = format!("{pointer}/{key}");
            match kept.get(key) {
                Some(kept) => unread(&pointer, value, kept),
                None => (!is_nothing(value)).then_some(pointer),
            }
        }),
        (Value::Array(given), Value::Array(kept)) => given
            .iter()
            .zip(kept)
            .enumerate()
            .find_map(|(i, (given, kept))| unread(&format!("{pointer}/{i}"), given, kept)),
        _ => None,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A null is a field that is not there; TOML has none.
pub(super) fn drop_nulls(fields: &mut Fields) {
    fields.retain(|_, value| !value.is_null());
    fields.values_mut().for_each(drop_nulls_within);
}

fn drop_nulls_within(value: &mut Value) {
    match value {
        Value::Object(fields) => drop_nulls(fields),
        Value::Array(list) => list.iter_mut().for_each(drop_nulls_within),
        _ => {}
    }
}

/// `fields` without what `defaults` says too.
pub(super) fn without_defaults(fields: &Fields, defaults: &Fields) -> Fields {
    let mut left = Fields::new();
    for (key, value) in fields {
        match (value, defaults.get(key)) {
            (value, Some(default)) if value == default => {}
            (Value::Object(value), Some(Value::Object(default))) => {
                left.insert(key.clone(), without_defaults(value, default).into());
            }
            _ => {
                left.insert(key.clone(), value.clone());
            }
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::monitor::MonitorSpec;
    use crate::model::routing::Routing;

    fn fields(value: &Value) -> Fields {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn defaults_are_filled_in_and_names_stay() {
        let given = fields(&json!({"name": "m", "receivers": ["ops", "pager"],
            "thresholds": {"fixed": {"mmd": 1}}}));
        let (spec, whole) = normal::<MonitorSpec>(&given).unwrap();
        assert_eq!(spec.receivers.len(), 2);
        assert_eq!(whole["receivers"], json!(["ops", "pager"]));
        assert_eq!(whole["lateness_seconds"], json!(900));
        assert_eq!(whole["thresholds"], json!({"fixed": {"mmd": 1.0}}), "no nulls");
        assert_eq!(normal::<MonitorSpec>(&whole).unwrap().1, whole, "a normal form is its own");
    }

    #[test]
    fn what_is_wrong_is_found_however_deep_it_stands() {
        let place = |value: &Value| normal::<MonitorSpec>(&fields(value)).unwrap_err().pointer;
        assert_eq!(place(&json!({"name": "m", "alert": {"sevrity": "x"}})), "/alert/sevrity");
        assert_eq!(place(&json!({"name": "m", "alert": {"severity": "x"}})), "/alert/severity");
        assert_eq!(place(&json!({"name": "m", "streams": ["query", "qeury"]})), "/streams/1");
        assert_eq!(place(&json!({"name": "m", "receivers": "ops"})), "/receivers");
        let windows = json!([{"name": "w", "events": 100, "stride": 20, "strid": 1}]);
        assert_eq!(place(&json!({"name": "m", "windows": windows})), "/windows/0/strid");
        let tree = json!({"route": {"routes": [{}, {"recievers": ["a"]}]}});
        let fault = normal::<Routing>(&fields(&tree)).unwrap_err();
        assert_eq!(fault.pointer, "/route/routes/1/recievers");
        assert!(fault.detail.contains("unknown field"), "{fault}");
    }

    #[test]
    fn what_is_missing_is_said_of_the_whole() {
        let fault = normal::<MonitorSpec>(&Fields::new()).unwrap_err();
        assert_eq!((fault.pointer.as_str(), fault.detail.as_str()), ("", "missing field `name`"));
    }

    #[test]
    fn only_what_differs_from_the_defaults_is_left() {
        let defaults = fields(&json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1]}));
        let given = fields(&json!({"a": 1, "b": {"c": 2, "d": 4}, "e": [1, 2], "f": 5}));
        let left = Value::Object(without_defaults(&given, &defaults));
        assert_eq!(left, json!({"b": {"d": 4}, "e": [1, 2], "f": 5}));
    }
}

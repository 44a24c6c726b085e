//! Between the domain's types and what the columns hold: ids and enums as text, the rest as JSON.

use std::str::FromStr;

use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::error::StoreError;
use crate::clock::Timestamp;

/// The name of a field-less enum's variant, the same as on the wire.
pub(super) fn name_of(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("only field-less enums are stored by name, not {other:?}"),
    }
}

/// The variant called `name`.
pub(super) fn from_name<T: DeserializeOwned>(
    table: &'static str,
    name: &str,
) -> Result<T, StoreError> {
    let deserializer: StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
    T::deserialize(deserializer).map_err(|error| StoreError::corrupt(table, error))
}

/// `value` as JSON text.
pub(super) fn to_json(table: &'static str, value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::corrupt(table, error))
}

/// The value of a JSON text.
pub(super) fn from_json<'a, T: Deserialize<'a>>(
    table: &'static str,
    text: &'a str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(table, error))
}

/// The typed id of a text.
pub(super) fn parse_id<T: FromStr<Err = crate::id::IdError>>(
    table: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    text.parse().map_err(|error| StoreError::corrupt(table, error))
}

/// A hash of 32 bytes.
pub(super) fn hash(table: &'static str, bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError::corrupt(table, format!("a hash of {} bytes, not 32", bytes.len())))
}

/// The moment of a nullable column.
pub(super) fn moment(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

/// Rows as domain values; the first that cannot be read is the error.
pub(super) fn all<R, T>(rows: Vec<R>) -> Result<Vec<T>, StoreError>
where
    T: TryFrom<R, Error = StoreError>,
{
    rows.into_iter().map(T::try_from).collect()
}

//! Metadata: every text and number in it is screened under the name that it stands under.

use serde_json::Value;

use super::{Blocked, Guard};

const POINTER: &str = "/metadata";

impl Guard {
    /// The metadata with its values screened; none where nothing was to be changed.
    pub(super) fn metadata(&self, json: &str) -> Result<Option<String>, Blocked> {
        // It was read and checked before; what cannot be read now must not pass either.
        let Ok(mut value) = serde_json::from_str::<Value>(json) else {
            return Ok(Some("{}".to_owned()));
        };
        let changed = self.walk("", &mut value)?;
        Ok(changed.then(|| value.to_string()))
    }

    fn walk(&self, name: &str, value: &mut Value) -> Result<bool, Blocked> {
        match value {
            Value::String(text) => self.guard_value(name, text, POINTER),
            Value::Number(number) => {
                let mut text = number.to_string();
                let changed = self.guard_value(name, &mut text, POINTER)?;
                if changed {
                    *value = Value::String(text);
                }
                Ok(changed)
            }
            Value::Array(values) => {
                let mut changed = false;
                for value in values {
                    changed |= self.walk(name, value)?;
                }
                Ok(changed)
            }
            Value::Object(fields) => {
                let mut changed = false;
                for (name, value) in fields.iter_mut() {
                    changed |= self.walk(name, value)?;
                }
                Ok(changed)
            }
            Value::Null | Value::Bool(_) => Ok(false),
        }
    }
}

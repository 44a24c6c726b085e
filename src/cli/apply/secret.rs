//! Secrets by reference: a document names the variable or the file, never the secret.

use std::io::Read as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::config;

/// More of a file is no secret.
const FILE_BYTES: u64 = 64 * 1024;

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// It stands in the document.
    Literal(String),
    /// A variable of the environment.
    Variable(String),
    /// A file; line ends behind it are left out.
    File(PathBuf),
}

/// Fetches a value from its source; the error never holds the value.
pub(super) type Reader<'a> = &'a dyn Fn(&Source) -> Result<String, String>;

impl Source {
    /// From a document: a text, `{ env = "NAME" }` or `{ file = "/path" }`.
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        let wrong = || "write { env = \"NAME\" } or { file = \"/path\" }".to_owned();
        match value {
            Value::String(text) => Ok(Self::Literal(text.clone())),
            Value::Object(fields) if fields.len() == 1 => {
                match fields.iter().next().map(|(key, value)| (key.as_str(), value)) {
                    Some(("env", Value::String(name))) if !name.is_empty() => {
                        Ok(Self::Variable(name.clone()))
                    }
                    Some(("file", Value::String(path))) if !path.is_empty() => {
                        Ok(Self::File(path.into()))
                    }
                    _ => Err(wrong()),
                }
            }
            _ => Err(wrong()),
        }
    }

    /// The value, from the process's surroundings.
    pub(super) fn read(&self) -> Result<String, String> {
        let (text, origin) = match self {
            Self::Literal(text) => return Ok(text.clone()),
            Self::Variable(name) => {
                let origin = format!("the environment variable {name}");
                let text = config::variable(name).ok_or_else(|| format!("{origin} is not set"))?;
                (text, origin)
            }
            Self::File(path) => {
                let origin = path.display().to_string();
                let mut text = String::new();
                std::fs::File::open(path)
                    .and_then(|file| file.take(FILE_BYTES).read_to_string(&mut text))
                    .map_err(|error| format!("{origin} cannot be read: {error}"))?;
                (text, origin)
            }
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() { Err(format!("{origin} is empty")) } else { Ok(text.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_source_is_a_variable_or_a_file() {
        assert!(Source::parse(&json!({"env": "A"})).unwrap() == Source::Variable("A".to_owned()));
        assert!(Source::parse(&json!({"file": "/a"})).unwrap() == Source::File("/a".into()));
        for wrong in [json!(1), json!({}), json!({"env": 1}), json!({"env": "A", "file": "b"})] {
            assert!(Source::parse(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_is_read_without_its_last_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "s3cret\n").unwrap();
        assert_eq!(Source::File(path.clone()).read().unwrap(), "s3cret");
        std::fs::write(&path, "\n").unwrap();
        assert!(Source::File(path).read().unwrap_err().ends_with("is empty"));
        let missing = Source::File("/no/such/file".into()).read().unwrap_err();
        assert!(missing.contains("/no/such/file cannot be read"), "{missing}");
    }
}

//! Reads settings from defaults, file, environment and flags, and reports every problem at once.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{Config, DEFAULT_TOML};

/// Prefix of environment variables: `SEAMARK__SERVER__BIND` sets `server.bind`.
const PREFIX: &str = "SEAMARK__";

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key's path, such as `server.bind`, with where it came from.
    pub path: String,
    /// What is wrong and the remedy.
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.detail)
    }
}

/// Settings that cannot be used: every problem of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        write!(f, "configuration: {}", lines.join("\n               "))
    }
}

/// Where settings come from besides the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables, `SEAMARK__…` only.
    pub environment: Vec<(String, String)>,
    /// Flags, as (path, value): `("server.bind", "127.0.0.1:9000")`.
    pub flags: Vec<(String, String)>,
}

/// The process's `SEAMARK__…` variables.
#[expect(clippy::disallowed_methods, reason = "the one reading of the environment for settings")]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars().filter(|(name, _)| name.starts_with(PREFIX)).collect()
}

/// A variable that a file names, as the place of a secret; `None` where it is not set or no text.
#[expect(clippy::disallowed_methods, reason = "a secret that a document only names")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Loads the settings from `sources`.
pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
    let mut problems = Vec::new();
    let defaults: Table = parse("the compiled-in defaults", DEFAULT_TOML, &mut problems);
    let mut merged = defaults.clone();
    if let Some(path) = &sources.file {
        let table = read(path, &mut problems);
        merge("", &mut merged, &table, &defaults, &path.display().to_string(), &mut problems);
    }
    for (name, text) in &sources.environment {
        let path = name[PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
        set(&mut merged, &defaults, &path, text, name, &mut problems);
    }
    for (path, text) in &sources.flags {
        set(&mut merged, &defaults, path, text, "flag", &mut problems);
    }
    let config = match Config::deserialize_from(merged) {
        Ok(config) => {
            problems.extend(config.problems());
            config
        }
        Err(problem) => {
            problems.push(problem);
            Config::default()
        }
    };
    if problems.is_empty() { Ok(config) } else { Err(ConfigError { problems }) }
}

impl Config {
    fn deserialize_from(table: Table) -> Result<Self, Problem> {
        // Section by section, so that the problem names the section even where serde does not.
        for (section, value) in &table {
            let mut alone = Table::new();
            alone.insert(section.clone(), value.clone());
            if let Err(error) = alone.try_into::<Self>() {
                return Err(Problem {
                    path: section.clone(),
                    detail: error.to_string().trim().replace('\n', " "),
                });
            }
        }
        table
            .try_into()
            .map_err(|error| Problem { path: "settings".to_owned(), detail: error.to_string() })
    }
}

fn read(path: &Path, problems: &mut Vec<Problem>) -> Table {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&path.display().to_string(), &text, problems),
        Err(error) => {
            let detail = format!("cannot be read: {error}");
            problems.push(Problem { path: path.display().to_string(), detail });
            Table::new()
        }
    }
}

fn parse(name: &str, text: &str, problems: &mut Vec<Problem>) -> Table {
    text.parse::<Table>().unwrap_or_else(|error| {
        let detail = format!("is not valid TOML: {}", error.to_string().trim());
        problems.push(Problem { path: name.to_owned(), detail });
        Table::new()
    })
}

/// Lays `over` onto `under`; keys that `known` does not have, and values of another type, are
/// problems.
fn merge(
    prefix: &str,
    under: &mut Table,
    over: &Table,
    known: &Table,
    origin: &str,
    problems: &mut Vec<Problem>,
) {
    for (key, value) in over {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match (known.get(key), under.get_mut(key), value) {
            (Some(Value::Table(known)), Some(Value::Table(under)), Value::Table(over)) => {
                merge(&path, under, over, known, origin, problems);
            }
            (Some(default), Some(slot), value) => match fitting(default, value) {
                Some(value) => *slot = value,
                None => problems.push(wrong_type(&path, origin, default, &value.to_string())),
            },
            _ => problems.push(unknown(&path, origin, known)),
        }
    }
}

fn set(
    table: &mut Table,
    known: &Table,
    path: &str,
    text: &str,
    origin: &str,
    problems: &mut Vec<Problem>,
) {
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = Some((table, known));
    for name in section.split('.').filter(|name| !name.is_empty()) {
        place = place.and_then(|(table, known)| {
            Some((table.get_mut(name)?.as_table_mut()?, known.get(name)?.as_table()?))
        });
    }
    let Some((table, known)) = place else {
        problems.push(unknown(path, origin, known));
        return;
    };
    match (known.get(key), table.get_mut(key)) {
        (Some(default), Some(slot)) => match parse_as(default, text) {
            Some(value) => *slot = value,
            None => problems.push(wrong_type(path, origin, default, text)),
        },
        _ => problems.push(unknown(path, origin, known)),
    }
}

/// `value` when it has the type of `default`; a whole number serves where a real one is wanted.
fn fitting(default: &Value, value: &Value) -> Option<Value> {
    match (default, value) {
        (Value::Float(_), Value::Integer(i)) => Some(Value::Float(*i as f64)),
        _ if default.same_type(value) => Some(value.clone()),
        _ => None,
    }
}

/// `text` read as the type of `default`.
fn parse_as(default: &Value, text: &str) -> Option<Value> {
    match default {
        Value::String(_) => Some(Value::String(text.to_owned())),
        Value::Integer(_) => text.trim().parse().ok().map(Value::Integer),
        Value::Float(_) => text.trim().parse().ok().map(Value::Float),
        Value::Boolean(_) => text.trim().parse().ok().map(Value::Boolean),
        Value::Array(_) => Some(Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(|part| Value::String(part.to_owned()))
                .collect(),
        )),
        Value::Datetime(_) | Value::Table(_) => None,
    }
}

fn wrong_type(path: &str, origin: &str, default: &Value, text: &str) -> Problem {
    let kind = match default {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Array(_) => "a list of texts",
        Value::Datetime(_) | Value::Table(_) => "a section",
    };
    Problem { path: format!("{path} ({origin})"), detail: format!("{text:?} is not {kind}") }
}

fn unknown(path: &str, origin: &str, known: &Table) -> Problem {
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    Problem {
        path: format!("{path} ({origin})"),
        detail: format!("is not a setting; there are {}", names.join(", ")),
    }
}

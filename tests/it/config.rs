//! Settings: complete defaults, precedence, and every problem at once.

use std::io::Write;

use seamark::config::{Config, DEFAULT_TOML, Sources, load, to_display};
use toml::{Table, Value};

fn sources(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> (Sources, tempfile::NamedTempFile) {
    let mut handle = tempfile::NamedTempFile::new().unwrap();
    handle.write_all(file.as_bytes()).unwrap();
    let own = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    let sources = Sources {
        file: Some(handle.path().to_owned()),
        environment: own(environment),
        flags: own(flags),
    };
    (sources, handle)
}

#[test]
fn the_default_file_is_the_default_and_names_every_key() {
    let parsed: Config = toml::from_str(DEFAULT_TOML).unwrap();
    assert_eq!(parsed, Config::default());
    let written: Table = toml::from_str(&toml::to_string(&Config::default()).unwrap()).unwrap();
    let file: Table = DEFAULT_TOML.parse().unwrap();
    assert_eq!(keys("", &Value::Table(file)), keys("", &Value::Table(written)));
}

fn keys(prefix: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Table(table) => {
            let mut all: Vec<String> = table
                .iter()
                .flat_map(|(key, value)| keys(&format!("{prefix}.{key}"), value))
                .collect();
            all.sort();
            all
        }
        _ => vec![prefix.to_owned()],
    }
}

#[test]
fn every_key_of_the_default_file_has_a_comment() {
    let mut previous = "";
    for line in DEFAULT_TOML.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(previous.starts_with('#'), "no comment above {line:?}");
        }
        previous = line;
    }
}

#[test]
fn flags_beat_environment_beats_file_beats_defaults() {
    let file = "[worker]\npoll_milliseconds = 1\nlease_seconds = 11\nembedding_batch = 7\n";
    let environment =
        [("SEAMARK__WORKER__LEASE_SECONDS", "22"), ("SEAMARK__WORKER__EMBEDDING_BATCH", "8")];
    let (sources, _file) = sources(file, &environment, &[("worker.embedding_batch", "9")]);
    let config = load(&sources).unwrap();
    assert_eq!(config.worker.poll_milliseconds, 1);
    assert_eq!(config.worker.lease_seconds, 22);
    assert_eq!(config.worker.embedding_batch, 9);
    assert_eq!(config.worker.quarantine_after, Config::default().worker.quarantine_after);
}

#[test]
fn all_problems_come_at_once_with_their_paths() {
    let file = "[worker]\nlease_seconds = \"long\"\nlaese = 1\n[nonsense]\nx = 1\n";
    let environment =
        [("SEAMARK__SERVER__BINDD", "x"), ("SEAMARK__WORKER__EMBEDDING_BATCH", "many")];
    let (sources, _file) = sources(file, &environment, &[("worker.poll_milliseconds", "0")]);
    let error = load(&sources).unwrap_err();
    let text = error.to_string();
    for path in [
        "worker.lease_seconds",
        "worker.laese",
        "nonsense",
        "server.bindd (SEAMARK__SERVER__BINDD)",
        "worker.embedding_batch (SEAMARK__WORKER__EMBEDDING_BATCH)",
        "worker.poll_milliseconds",
    ] {
        assert!(text.contains(path), "{path} is missing in:\n{text}");
    }
    assert_eq!(error.problems.len(), 6, "{text}");
}

#[test]
fn an_address_that_others_reach_needs_keys() {
    let flags = [("server.bind", "0.0.0.0:8080"), ("server.auth.mode", "none")];
    let (sources, _file) = sources("", &[], &flags);
    assert!(load(&sources).unwrap_err().to_string().contains("server.auth.mode"));
}

#[test]
fn the_labels_of_names_come_from_the_environment_too() {
    let environment = [
        ("SEAMARK__SCREENING__NAMES__LABELS", "PER=PERSON,LOC=ADDRESS"),
        ("SEAMARK__SCREENING__NAMES__THRESHOLD", "0.9"),
    ];
    let (set, _file) = sources("", &environment, &[]);
    let names = load(&set).unwrap().screening.names;
    assert_eq!((names.labels.len(), names.threshold), (2, 0.9));
    let (wrong, _file) =
        sources("[screening.names]\nthreshold = 2\nlabels = [\"PER\"]\n", &[], &[]);
    let error = load(&wrong).unwrap_err().to_string();
    assert!(error.contains("screening.names.threshold: must be above 0"), "{error}");
    assert!(error.contains("screening.names.labels: \"PER\" is not of the form"), "{error}");
}

#[test]
fn a_missing_file_and_bad_toml_are_one_clear_line() {
    let missing = Sources { file: Some("/nonexistent/seamark.toml".into()), ..Sources::default() };
    assert!(load(&missing).unwrap_err().to_string().contains("cannot be read"));
    let (bad, _file) = sources("[worker", &[], &[]);
    assert!(load(&bad).unwrap_err().to_string().contains("not valid TOML"));
}

#[test]
fn shown_settings_hold_no_password() {
    let flags = [("store.url", "postgres://u:hunter2@localhost/db")];
    let (sources, _file) = sources("", &[], &flags);
    let shown = to_display(&load(&sources).unwrap());
    assert!(shown.contains("[redacted]") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_key_of_secrets_can_be_set_and_is_not_shown() {
    let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let environment = [("SEAMARK__STORE__SECRET_KEY", key)];
    let (set, _file) = sources("", &environment, &[]);
    let config = load(&set).unwrap();
    assert!(config.store.secret_key.is_some() && !to_display(&config).contains("AQEB"));
    let (empty, _file) = sources("[store]\nsecret_key = \"\"\n", &[], &[]);
    assert!(load(&empty).unwrap().store.secret_key.is_none());
    let (wrong, _file) = sources("", &[("SEAMARK__STORE__SECRET_KEY", "hunter2")], &[]);
    let error = load(&wrong).unwrap_err().to_string();
    assert!(error.contains("store.secret_key") && !error.contains("hunter2"), "{error}");
}

#[test]
fn an_endpoint_needs_a_url_and_a_model_only_when_it_is_chosen() {
    let chosen = ("embedding.backend", "endpoint");
    let problems = |flags: &[(&str, &str)]| -> Vec<String> {
        let (sources, _file) = sources("", &[], flags);
        load(&sources)
            .err()
            .map_or_else(Vec::new, |error| error.problems.iter().map(ToString::to_string).collect())
    };
    assert!(problems(&[("embedding.endpoint.url", "nonsense")]).is_empty());
    let bare = problems(&[chosen]);
    assert!(bare[0].starts_with("embedding.endpoint.url: not a URL"), "{bare:?}");
    assert!(bare[1].starts_with("embedding.endpoint.model: must be"), "{bare:?}");
    let good = [
        chosen,
        ("embedding.endpoint.url", "http://127.0.0.1:11434/v1/embeddings"),
        ("embedding.endpoint.model", "nomic-embed-text"),
    ];
    assert!(problems(&good).is_empty());
    for (key, value, part) in [
        ("embedding.endpoint.url", "https://me:secret@example.com/", "user name or password"),
        ("embedding.endpoint.batch_texts", "0", "at least 1"),
        ("embedding.endpoint.concurrency", "0", "at least 1"),
        ("embedding.endpoint.timeout_ms", "0", "at least 1"),
        ("embedding.endpoint.api_key", "sk-1", "is not a setting"),
    ] {
        let found = problems(&[good[0], good[1], good[2], (key, value)]);
        assert!(found.len() == 1 && found[0].starts_with(key), "{key}: {found:?}");
        assert!(found[0].contains(part) && !found[0].contains("secret"), "{found:?}");
        assert!(!found[0].contains("sk-1"), "{found:?}");
    }
    let two = [("embedding.endpoint.api_key_env", "K"), ("embedding.endpoint.api_key_file", "k")];
    assert!(problems(&[&good[..], &two[..]].concat())[0].contains("keep one of them"));
}

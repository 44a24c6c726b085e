//! Tests of reading one interaction.

use super::*;
use crate::api::config::Limits;

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

fn read_with(json: &str, limits: &Limits) -> Result<Received, Vec<(String, String)>> {
    read(json.as_bytes(), Rules { limits, now: NOW, subjects: true })
        .map_err(|faults| faults.into_iter().map(|f| (f.pointer, f.detail)).collect())
}

fn pointers(json: &str) -> Vec<String> {
    let faults = read_with(json, &Limits::default()).unwrap_err();
    faults.into_iter().map(|(pointer, _)| pointer).collect()
}

fn good(json: &str) -> Received {
    read_with(json, &Limits::default()).unwrap()
}

#[test]
fn every_field_arrives() {
    let item = good(
        r#"{"id": "a", "timestamp": "2026-11-23T08:30:00+02:00", "query": "q\u00e9", "response": "r",
            "session_id": "s", "attributes": {"channel": "web"}, "model": "m", "metadata": {"k": [1]}}"#,
    );
    assert_eq!(item.id.as_deref(), Some("a"));
    assert_eq!(item.occurred_at.unwrap().to_string(), "2026-11-23T06:30:00Z");
    assert_eq!((item.query.as_str(), item.response.as_deref()), ("qé", Some("r")));
    assert_eq!(item.attributes["channel"], "web");
    assert_eq!(item.metadata.as_deref(), Some(r#"{"k": [1]}"#));
}

#[test]
fn only_the_query_is_needed_and_it_may_be_blank() {
    assert_eq!(good(r#"{"query": ""}"#).query, "");
    assert_eq!(good(r#"{"query": "x", "id": null, "response": null, "metadata": null}"#).id, None);
    assert_eq!(pointers(r#"{"response": "r"}"#), ["/query"]);
    assert_eq!(pointers(r#"{"query": null}"#), ["/query"]);
    assert_eq!(pointers("7"), [""]);
}

#[test]
fn every_problem_is_named_at_once() {
    let json =
        r#"{"id": "", "query": 7, "sesion_id": "s", "attributes": {"a": 1, "b": true, "c/d": {}}}"#;
    let expected =
        ["/id", "/query", "/sesion_id", "/attributes/a", "/attributes/b", "/attributes/c~1d"];
    assert_eq!(pointers(json), expected);
}

#[test]
fn the_remedy_for_a_number_as_label_is_exact() {
    let faults = read_with(r#"{"query": "q", "attributes": {"tier": 2}}"#, &Limits::default());
    assert_eq!(faults.unwrap_err()[0].1, "must be a string; write \"2\" instead of 2");
}

#[test]
fn times_must_be_plausible() {
    let at = |text: &str| {
        read_with(&format!(r#"{{"query": "q", "occurred_at": {text}}}"#), &Limits::default())
    };
    assert!(at("\"1999-12-31T23:59:59Z\"").is_err());
    assert!(at("\"2026-11-23 08:30\"").is_err());
    assert!(at("1800000000").is_err());
    let soon = NOW.plus(std::time::Duration::from_mins(10));
    assert!(at(&format!("\"{soon}\"")).is_ok());
    assert!(at(&format!("\"{}\"", soon.plus(std::time::Duration::from_secs(1)))).is_err());
    let both = r#"{"query": "q", "occurred_at": "2026-01-01T00:00:00Z", "timestamp": "2026-01-01T00:00:00Z"}"#;
    assert_eq!(pointers(both), ["/timestamp"]);
}

#[test]
fn keys_twice_nul_and_control_characters_are_refused() {
    assert_eq!(pointers(r#"{"query": "a", "query": "b"}"#), [""]);
    assert_eq!(pointers(r#"{"query": "q", "attributes": {"a": "1", "a": "2"}}"#), ["/attributes"]);
    assert_eq!(pointers(r#"{"query": "q", "metadata": {"a": {"b": 1, "b": 2}}}"#), ["/metadata"]);
    assert_eq!(pointers(r#"{"query": "a\u0000b"}"#), ["/query"]);
    assert_eq!(pointers(r#"{"query": "\ud800"}"#), ["/query"]);
    assert_eq!(pointers(r#"{"query": "q", "id": "a\nb"}"#), ["/id"]);
    assert_eq!(pointers(r#"{"query": "q", "metadata": [1]}"#), ["/metadata"]);
}

#[test]
fn limits_hold() {
    let limits = Limits { text_bytes: 4, item_bytes: 60, nesting: 3, ..Limits::default() };
    assert!(read_with(r#"{"query": "1234"}"#, &limits).is_ok());
    assert!(read_with(r#"{"query": "12345"}"#, &limits).is_err());
    assert!(read_with(r#"{"query": "q", "metadata": {"a": [1]}}"#, &limits).is_ok());
    assert!(read_with(r#"{"query": "q", "metadata": {"a": [[1]]}}"#, &limits).is_err());
    assert!(read_with(&format!("{{\"query\": \"q\"{}}}", " ".repeat(60)), &limits).is_err());
    assert_eq!(pointers(&format!(r#"{{"query": "q", "id": "{}"}}"#, "x".repeat(201))), ["/id"]);
    let long = "k".repeat(65);
    let labels: Vec<_> = (0..33).map(|i| format!("\"k{i}\": \"v\"")).collect();
    let many = format!(r#"{{"query": "q", "attributes": {{{}}}}}"#, labels.join(","));
    assert_eq!(pointers(&many), ["/attributes"]);
    let key = format!(r#"{{"query": "q", "attributes": {{"{long}": "v"}}}}"#);
    assert_eq!(pointers(&key).len(), 1);
    let value = format!(r#"{{"query": "q", "attributes": {{"k": "{}"}}}}"#, "v".repeat(257));
    assert_eq!(pointers(&value), ["/attributes/k"]);
}

#[test]
fn deep_nesting_is_refused_without_recursion() {
    let deep = format!(
        "{{\"query\": \"q\", \"metadata\": {}}}",
        "[".repeat(100_000) + &"]".repeat(100_000)
    );
    assert_eq!(pointers(&deep), [""]);
}

#[test]
fn faults_carry_the_id_for_the_caller_to_find() {
    let rules = Rules { limits: &Limits::default(), now: NOW, subjects: true };
    let faults = read(br#"{"id": "mine", "query": 1}"#, rules);
    assert_eq!(faults.unwrap_err()[0].id.as_deref(), Some("mine"));
}

#[test]
fn the_hash_sees_every_field_and_no_border_shifts() {
    let hash = |json: &str| good(json).content_hash(None);
    let base = hash(r#"{"query": "ab"}"#);
    assert_eq!(base, hash(r#"{"id": "any", "query": "\u0061b", "response": null}"#));
    let others = [
        r#"{"query": "a", "response": "b"}"#,
        r#"{"query": "ab", "response": ""}"#,
        r#"{"query": "ab", "session_id": "s"}"#,
        r#"{"query": "ab", "model": "s"}"#,
        r#"{"query": "ab", "metadata": {}}"#,
        r#"{"query": "ab", "attributes": {"a": "b"}}"#,
        r#"{"query": "ab", "occurred_at": "2026-01-01T00:00:00Z"}"#,
        r#"{"query": "ab", "latency_ms": 5}"#,
        r#"{"query": "ab", "cost": 5}"#,
        r#"{"query": "ab", "error": "timeout"}"#,
    ];
    let mut hashes: Vec<_> = others.iter().map(|json| hash(json)).chain([base]).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), others.len() + 1);
}

#[test]
fn figures_are_read_and_tokens_are_summed() {
    let item = good(
        r#"{"query": "q", "latency_ms": 812.5, "input_tokens": 100, "output_tokens": 20,
            "cost": 0.002, "error": "timeout"}"#,
    );
    let expected = Figures {
        latency_ms: Some(812.5),
        tokens: Some(120.0),
        cost: Some(0.002),
        error: Some(true),
    };
    assert_eq!(item.figures, expected);
    assert_eq!(good(r#"{"query": "q", "error": false, "cost": null}"#).figures.error, Some(false));
    let wrong =
        r#"{"query": "q", "latency_ms": -1, "cost": "2", "input_tokens": 1e999, "error": 1}"#;
    assert_eq!(pointers(wrong), ["/latency_ms", "/cost", "/input_tokens", "/error"]);
}

#[test]
fn a_subject_needs_a_key_and_only_its_pseudonym_is_hashed() {
    let json = r#"{"query": "q", "subject": "+27821234567"}"#;
    let item = good(json);
    assert!(!format!("{item:?}").contains("2782"));
    let pseudonym = Pseudonym("00".repeat(16));
    assert_eq!(item.content_hash(None), good(r#"{"query": "q"}"#).content_hash(None));
    assert_ne!(item.content_hash(None), item.content_hash(Some(&pseudonym)));
    let rules = Rules { limits: &Limits::default(), now: NOW, subjects: false };
    let fault = read(json.as_bytes(), rules).unwrap_err().remove(0);
    assert!(fault.detail.contains("store.secret_key") && !fault.detail.contains("2782"));
}

//! `POST /v1/outcomes`, definitions and the summary, over HTTP.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use axum::body::Body;
use hyper::{Method, Request, StatusCode};
use seamark::model::key::Role;
use serde_json::{Value, json};

use crate::api::app::{Answer, TestApp, gzip};

async fn send(app: &TestApp, body: impl Into<Body>, encoding: Option<&str>) -> Answer {
    let key = format!("Bearer {}", app.key(Role::Ingest));
    let mut request = Request::post("/v1/outcomes").header("authorization", key);
    if let Some(encoding) = encoding {
        request = request.header("content-encoding", encoding);
    }
    app.send(request.body(body.into()).unwrap()).await
}

fn counts(answer: &Answer) -> [u64; 5] {
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{:?}", answer.body);
    let json = answer.json();
    ["accepted", "joined", "parked", "duplicate", "rejected"]
        .map(|name| json[name].as_u64().unwrap())
}

#[tokio::test]
async fn one_object_an_array_lines_and_gzip_are_taken() {
    let app = TestApp::new().await;
    app.ingest(r#"{"id": "a", "query": "q", "session_id": "s", "subject": "+27821234567"}"#).await;
    let one = r#"{"interaction_id": "a", "name": "resolved", "value": true}"#;
    assert_eq!(counts(&send(&app, one, None).await), [1, 1, 0, 0, 0]);
    app.clock.advance(Duration::from_mins(1));
    assert_eq!(counts(&send(&app, one, None).await), [0, 0, 0, 1, 0]);
    let array = r#"[{"session_id": "s", "name": "csat", "value": 4},
        {"subject": "+27821234567", "name": "churned", "value": false}]"#;
    assert_eq!(counts(&send(&app, array, None).await), [2, 2, 0, 0, 0]);
    let lines = "{\"id\": \"x\", \"session_id\": \"t\", \"name\": \"csat\", \"value\": 4}\n{\"session_id\":\n";
    let answer = send(&app, gzip(lines.as_bytes()), Some("gzip")).await;
    assert_eq!(counts(&answer), [1, 0, 1, 0, 1]);
    assert_eq!(answer.json()["errors"][0]["index"], 1);
    let status = app.get("/v1/status").await.json()["outcomes"].clone();
    let expected = json!({"accepted": 4, "joined": 3, "parked": 1, "unmatched": 0, "expired": 0,
        "duplicates": 1, "conflicts": 0, "rejected": 1, "conserved": true});
    assert_eq!(status, expected);
}

#[tokio::test]
async fn bad_outcomes_are_refused_with_a_remedy_and_cost_no_good_one() {
    let app = TestApp::new().await;
    let body = json!([
        {"id": "good", "session_id": "s", "name": "csat", "value": 4},
        {"id": "good", "session_id": "s", "name": "csat", "value": 5},
        {"session_id": "s", "name": "csat", "value": "four"},
        {"session_id": "s", "interaction_id": "i", "name": "csat", "value": 4},
        {"session_id": "s", "name": "two words", "value": 4},
        {"session_id": "s", "name": "csat", "value": 4, "at": "now"},
        {"session_id": "s", "name": "csat", "value": 4, "occurred_at": "2027-01-01T00:00:00Z"},
        {"session_id": "s", "name": "csat", "value": "x".repeat(65)},
        {"session_id": "s\u{0}", "name": "csat", "value": 4},
        7,
    ]);
    let answer = send(&app, body.to_string(), None).await;
    assert_eq!(counts(&answer), [1, 0, 1, 0, 9]);
    let errors = answer.json()["errors"].clone();
    let seen: Vec<_> =
        errors.as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    let expected =
        ["/id", "/value", "", "/name", "/at", "/occurred_at", "/value", "/session_id", ""];
    assert_eq!(seen, expected);
    assert_eq!((&errors[0]["code"], &errors[0]["id"]), (&json!("conflict"), &json!("good")));
    for (bad, code) in [
        (r#"{"session_id": "s", "name": "csat"}"#, "all_rejected"),
        ("", "malformed_body"),
        ("[{]", "malformed_body"),
        ("\u{0}", "malformed_body"),
    ] {
        assert_eq!(send(&app, bad, None).await.problem(), code, "{bad}");
    }
    let many = "{}\n".repeat(10_001);
    assert_eq!(send(&app, many, None).await.problem(), "batch_too_long");
    assert_eq!(send(&app, "x", Some("gzip")).await.problem(), "malformed_body");
}

#[tokio::test]
async fn definitions_are_made_changed_and_forgotten() {
    let app = TestApp::new().await;
    send(&app, r#"{"session_id": "s", "name": "refund", "value": 12.5}"#, None).await;
    let listed = app.get("/v1/outcomes/definitions").await.json()["items"][0].clone();
    assert_eq!(
        (&listed["name"], &listed["kind"], &listed["good"], &listed["automatic"]),
        (&json!("refund"), &json!("number"), &json!("down"), &json!(true))
    );
    assert_eq!(listed["attribution_window_days"], 7);
    let put = async |name: &str, body: Value| {
        app.call(Method::PUT, &format!("/v1/outcomes/definitions/{name}"), Some(body)).await
    };
    let reason = json!({"kind": "category", "good": ["praise"], "attribution_window_days": 14});
    let made = put("reason", reason).await.json();
    assert_eq!((&made["good"], &made["automatic"]), (&json!(["praise"]), &json!(false)));
    let changed = put("refund", json!({"kind": "duration", "good": "down"})).await;
    assert_eq!(changed.json()["created_at"], listed["created_at"]);
    let negative = r#"{"session_id": "s", "name": "refund", "value": -1}"#;
    let refused = send(&app, negative, None).await.json();
    assert_eq!(refused["errors"][0]["pointer"], "/value");
    for (name, body, pointer) in [
        ("x", json!({"kind": "category", "good": "up"}), "/good"),
        ("x", json!({"kind": "number", "good": ["a"]}), "/good"),
        ("x", json!({"kind": "number", "attribution_window_days": 91}), "/attribution_window_days"),
        ("latency_ms", json!({"kind": "binary"}), "/kind"),
        ("two%20words", json!({"kind": "binary"}), "/name"),
        ("nul%00", json!({"kind": "binary"}), "/name"),
    ] {
        let answer = put(name, body).await;
        assert_eq!(answer.problem(), "invalid", "{name}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{name}");
    }
    let path = "/v1/outcomes/definitions/reason";
    assert_eq!(app.call(Method::DELETE, path, None).await.status, 204);
    assert_eq!(app.call(Method::DELETE, path, None).await.problem(), "not_found");
    let nul = "/v1/outcomes/definitions/nul%00";
    assert_eq!(app.call(Method::DELETE, nul, None).await.problem(), "not_found");
}

#[tokio::test]
async fn the_summary_tells_coverage_delay_rates_and_maturity() {
    let app = TestApp::new().await;
    // Forty interactions a day for three days; three of four resolved after one to 30 minutes.
    let (mut interactions, mut outcomes) = (Vec::new(), Vec::new());
    for n in 0..120 {
        let at = app.now().minus(Duration::from_hours(24) * (3 - n / 40));
        let channel = if n % 2 == 0 { "web" } else { "ussd" };
        interactions.push(json!({"id": format!("i{n}"), "query": "q", "occurred_at": at,
            "attributes": {"channel": channel}, "latency_ms": n}));
        if n % 4 != 3 {
            let then = at.plus(Duration::from_mins(u64::from(n) % 30 + 1));
            outcomes.push(json!({"interaction_id": format!("i{n}"), "name": "resolved",
                "value": n % 4 == 0, "occurred_at": then}));
        }
    }
    outcomes.push(json!({"session_id": "nobody", "name": "resolved", "value": true}));
    app.ingest(json!(interactions).to_string()).await;
    assert_eq!(counts(&send(&app, json!(outcomes).to_string(), None).await), [91, 90, 1, 0, 0]);
    let summary = app.get("/v1/outcomes/summary?name=resolved&by=channel").await.json();
    assert_eq!((&summary["interactions"], &summary["n"]), (&json!(120), &json!(90)));
    assert_eq!(summary["coverage"]["estimate"], 0.75);
    assert!(summary["coverage"]["low"].as_f64().unwrap() < 0.7);
    assert_eq!(
        (&summary["parked"], &summary["unmatched"], &summary["late"]),
        (&json!(1), &json!(0), &json!(0))
    );
    let p90 = summary["delay"]["p90_seconds"].as_f64().unwrap();
    assert!((1500.0..=1800.0).contains(&p90), "{summary}");
    assert_eq!(summary["matures_after_seconds"], p90);
    let days = summary["days"].as_array().unwrap();
    assert_eq!((days.len(), &days[0]["n"], &days[0]["mature"]), (3, &json!(30), &json!(true)));
    assert_eq!(days[0]["complete"], 1.0);
    let rate = days[0]["value"]["estimate"].as_f64().unwrap();
    assert!((rate - 1.0 / 3.0).abs() < 1e-9, "{summary}");
    let groups = summary["groups"].as_array().unwrap();
    assert_eq!((&groups[0]["label"], &groups[0]["n"]), (&json!("ussd"), &json!(30)));
    let latency = app.get("/v1/outcomes/summary?name=latency_ms").await.json();
    assert_eq!((&latency["n"], &latency["kind"]), (&json!(120), &json!("duration")));
    assert_eq!(
        (&latency["value"]["estimate"], &latency["matures_after_seconds"]),
        (&json!(59.5), &json!(0.0))
    );
    for (query, code) in [
        ("name=nothing", "not_found"),
        ("name=a%00b", "not_found"),
        ("by=channel", "invalid_parameter"),
        ("name=resolved&by=", "invalid_parameter"),
        ("name=resolved&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "invalid_parameter"),
        ("name=resolved&from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "invalid_parameter"),
    ] {
        assert_eq!(
            app.get(&format!("/v1/outcomes/summary?{query}")).await.problem(),
            code,
            "{query}"
        );
    }
    let empty = "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z";
    let empty = app.get(&format!("/v1/outcomes/summary?name=resolved&{empty}")).await.json();
    assert_eq!((&empty["interactions"], &empty["coverage"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn a_subject_is_told_nowhere() {
    let app = TestApp::new().await;
    app.ingest(r#"{"id": "a", "query": "q", "subject": "+27821234567", "error": "x"}"#).await;
    let body = r#"{"subject": "+27821234567", "name": "churned", "value": true}"#;
    assert_eq!(counts(&send(&app, body, None).await), [1, 1, 0, 0, 0]);
    let shown =
        [app.get("/v1/interactions/a").await, app.get("/v1/outcomes/summary?name=churned").await];
    for answer in shown {
        assert!(!String::from_utf8_lossy(&answer.body).contains("2782123"), "{answer:?}");
    }
    // With the same content it is a duplicate, of another person it is a conflict.
    let again =
        app.ingest(r#"{"id": "a", "query": "q", "subject": "+27821234567", "error": "x"}"#).await;
    assert_eq!(again.json()["duplicate"], 1);
    let other =
        app.ingest(r#"{"id": "a", "query": "q", "subject": "+27820000000", "error": "x"}"#).await;
    assert_eq!(other.json()["errors"][0]["code"], "conflict");
}

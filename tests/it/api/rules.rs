//! Rules: made, tried out, refused with the reason.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::app::TestApp;

fn silence_rule() -> Value {
    json!({"name": "Nothing comes in", "when": {"figure": "events", "minutes": 30, "below": 1}})
}

#[tokio::test]
async fn a_rule_is_made_changed_and_deleted() {
    let app = TestApp::new().await;
    let made = app.post("/v1/rules", silence_rule()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!((&made["no_data"], &made["error"]), (&json!("keep"), &json!("alert")));
    let path = format!("/v1/rules/{}", made["id"].as_str().unwrap());
    let patch = json!({"when": {"figure": "alerts"}, "severity": "critical"});
    let changed = app.call(Method::PATCH, &path, Some(patch)).await.json();
    assert_eq!(changed["when"], json!({"figure": "alerts"}), "a condition is replaced as a whole");
    let twice = app.post("/v1/rules", silence_rule()).await;
    assert_eq!(twice.status, 409, "the name is taken");
    assert_eq!(app.get("/v1/rules").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(app.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(app.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_preview_says_what_the_rule_would_say() {
    let app = TestApp::new().await;
    let preview = app.post("/v1/rules/preview", silence_rule()).await.json();
    assert_eq!((&preview["holds"], &preview["figures"][0]["value"]), (&json!(true), &json!(0.0)));
    let one = json!({"id": "a", "query": "hello", "occurred_at": app.now()});
    app.post("/v1/interactions", one).await;
    let preview = app.post("/v1/rules/preview", silence_rule()).await.json();
    assert_eq!((&preview["holds"], &preview["figures"][0]["value"]), (&json!(false), &json!(1.0)));
    app.clock.advance(Duration::from_mins(31));
    let preview = app.post("/v1/rules/preview", silence_rule()).await.json();
    assert_eq!(preview["holds"], json!(true), "what happened before does not count");
    let unknown = json!({"name": "x", "when": {"figure": "ratio", "monitor": "nobody"}});
    let preview = app.post("/v1/rules/preview", unknown).await.json();
    assert_eq!((&preview["holds"], &preview["health"]), (&Value::Null, &json!("error")));
    app.post("/v1/monitors", json!({"name": "new"})).await;
    let waiting = json!({"name": "x", "when": {"figure": "ratio", "monitor": "new"}});
    let preview = app.post("/v1/rules/preview", waiting).await.json();
    assert_eq!(preview["health"], json!("paused"), "it has no reference yet");
}

#[tokio::test]
async fn rates_are_previewed_and_their_mistakes_are_named() {
    let app = TestApp::new().await;
    let rule = |when: Value| json!({"name": "x", "when": when});
    let refusals = json!({"figure": "rate", "signal": "refusal", "side": "response", "days": 1,
        "above": 0.05, "segment": {"channel": "ussd"}});
    let preview = app.post("/v1/rules/preview", rule(refusals.clone())).await.json();
    assert_eq!((&preview["holds"], &preview["health"]), (&Value::Null, &json!("no_data")));
    assert_eq!(preview["detail"], json!("fewer than 50 texts in its time"));
    let figure = &preview["figures"][0]["figure"];
    assert_eq!(figure, &json!("rate of refusal in responses, today, channel ussd"));
    let made = app.post("/v1/rules", rule(refusals.clone())).await;
    assert_eq!(made.json()["when"], refusals, "it comes back as it was sent");
    let unknown = json!({"figure": "rate", "signal": "policy/x", "side": "query", "minutes": 5, "above": 0.1});
    let preview = app.post("/v1/rules/preview", rule(unknown)).await.json();
    assert_eq!(preview["health"], json!("error"), "nobody has that policy");
    let wrong = json!({"all": [
        {"figure": "rate", "signal": "odd_writing", "side": "response", "minutes": 5, "above": 5},
        {"figure": "outcome", "outcome": "a b", "minutes": 5, "below": 1},
        {"figure": "events", "minutes": 5, "below": 1, "segment": {"channel": "ussd"}}]});
    let refused = app.post("/v1/rules/preview", rule(wrong)).await;
    assert_eq!(refused.status, 422);
    let refused = refused.json();
    let errors = refused["errors"].as_array().unwrap();
    let pointers: Vec<&str> = errors.iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    let wanted =
        ["/when/all/0/signal", "/when/all/0/above", "/when/all/1/outcome", "/when/all/2/segment"];
    assert_eq!(pointers, wanted);
    assert!(errors[0]["detail"].as_str().unwrap().contains("error_text, "), "{errors:?}");
}

#[tokio::test]
async fn what_does_not_hold_together_is_named() {
    let app = TestApp::new().await;
    let nobody = "01890000-0000-7000-8000-000000000000";
    let input = json!({
        "name": " ",
        "when": {"any": [{"figure": "statistic", "above": 1}, {"figure": "events", "below": 3}]},
        "for_seconds": 99_999_999,
        "labels": {"a b": "c"},
        "annotations": {"summary": "{{ unclosed"},
        "runbook_url": "wiki/drift",
        "receivers": [nobody],
    });
    let refused = app.post("/v1/rules", input).await;
    assert_eq!(refused.status, 422);
    let refused = refused.json();
    let errors = refused["errors"].as_array().unwrap();
    let pointers: Vec<&str> = errors.iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    let wanted = [
        "/when/any/0/monitor",
        "/when/any/0/detector",
        "/when/any/1/minutes",
        "/name",
        "/for_seconds",
        "/labels",
        "/runbook_url",
        "/annotations/summary",
        "/receivers/0",
    ];
    assert_eq!(pointers, wanted);
}

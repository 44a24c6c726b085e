//! The false-alarm budget: shown, changed, divided.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use hyper::Method;
use seamark::model::key::Role;
use serde_json::{Value, json};

use super::app::TestApp;

fn of<'a>(division: &'a Value, monitor: &str) -> &'a Value {
    let monitors = division["monitors"].as_array().unwrap();
    monitors.iter().find(|share| share["monitor"] == monitor).unwrap()
}

#[tokio::test]
async fn the_budget_is_divided_over_monitors_by_weight() {
    let app = TestApp::new().await;
    let before = app.get("/v1/budget").await.json();
    assert_eq!(
        (&before["false_alarms_per_30d"], &before["confidence"]),
        (&json!(1.0), &json!(0.9999))
    );
    for (name, weight) in [("a", 1.0), ("b", 3.0)] {
        let made = app.post("/v1/monitors", json!({"name": name, "weights": {"monitor": weight}}));
        assert_eq!(made.await.status, 201);
    }
    let apart = json!({"name": "c", "thresholds": {"false_alarms_per_30d": 2.0}});
    assert_eq!(app.post("/v1/monitors", apart).await.status, 201);
    let patch = json!({"false_alarms_per_30d": 4.0});
    app.call(Method::PATCH, "/v1/budget", Some(patch)).await;
    let division =
        app.call(Method::PATCH, "/v1/budget", Some(json!({"confidence": 0.9}))).await.json();
    assert_eq!(division["false_alarms_per_30d"], 4.0, "what is not named stays");
    // P(X ≤ 4) = 0.9 at a mean of 2.4326.
    let expected = |share: &Value| share["expected_per_30d"].as_f64().unwrap();
    assert!((expected(&division) - 2.4326).abs() < 1e-3);
    assert_eq!(of(&division, "b")["share"], 0.75);
    assert!((expected(of(&division, "a")) - 2.4326 / 4.0).abs() < 1e-3);
    assert_eq!(of(&division, "c")["share"], Value::Null);
    // P(X ≤ 2) = 0.9 at a mean of 1.1021.
    assert!((expected(of(&division, "c")) - 1.1021).abs() < 1e-3);
    assert_eq!(app.get("/v1/budget").await.json(), division);
}

#[tokio::test]
async fn a_budget_that_cannot_be_kept_is_refused_with_pointers() {
    let app = TestApp::new().await;
    let bad = json!({"false_alarms_per_30d": 0.0, "confidence": 1.0});
    let answer = app.call(Method::PATCH, "/v1/budget", Some(bad)).await;
    assert_eq!(answer.problem(), "invalid");
    let pointers: Vec<Value> = answer.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].clone())
        .collect();
    assert_eq!(pointers, ["/false_alarms_per_30d", "/confidence"]);
    let reader = app.call_as(app.key(Role::Read), Method::PATCH, "/v1/budget", None).await;
    assert_eq!(reader.problem(), "forbidden");
    let weights = json!({"name": "x", "weights": {"streams": {"query": -1.0}}});
    let refused = app.post("/v1/monitors", weights).await.json();
    assert_eq!(refused["errors"][0]["pointer"], "/weights");
}

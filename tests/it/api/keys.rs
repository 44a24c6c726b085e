//! Keys that end: by themselves, and by a rotation.

use std::time::Duration;

use hyper::Method;
use seamark::model::key::Role;
use serde_json::{Value, json};

use super::app::{Answer, TestApp};

async fn make(app: &TestApp, input: Value) -> (String, String) {
    let made = app.post("/v1/keys", input).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    text_and_id(&made)
}

fn text_and_id(made: &Answer) -> (String, String) {
    let text = |name: &str| made.json()[name].as_str().unwrap().to_owned();
    (text("key"), text("id"))
}

async fn status(app: &TestApp, key: &str) -> Answer {
    app.call_as(key, Method::GET, "/v1/status", None).await
}

fn detail(answer: &Answer) -> String {
    assert_eq!(answer.problem(), "unauthenticated");
    answer.json()["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_expired_key_is_told_so_only_to_who_has_its_secret() {
    let app = TestApp::new().await;
    let input = json!({"name": "ci", "role": "read", "expires_at": "2026-11-23T09:00:00Z"});
    let (key, _) = make(&app, input).await;
    app.clock.advance(Duration::from_millis(3_599_999));
    assert_eq!(status(&app, &key).await.status, 200);
    app.clock.advance(Duration::from_millis(1));
    assert!(detail(&status(&app, &key).await).contains("expired"), "at once, cached or not");
    let guessed = format!("{}{}", &key[..key.len() - 64], "0".repeat(64));
    let unknown = format!("seamark_{}_{}", "0".repeat(32), "0".repeat(64));
    let stranger = detail(&status(&app, &guessed).await);
    assert!(!stranger.contains("expired"), "{stranger}");
    assert_eq!(stranger, detail(&status(&app, &unknown).await));
}

#[tokio::test]
async fn a_revoked_key_is_told_nothing_even_when_it_has_expired() {
    let app = TestApp::new().await;
    let input = json!({"name": "ci", "role": "read", "expires_at": "2026-11-23T09:00:00Z"});
    let (key, id) = make(&app, input).await;
    app.call(Method::DELETE, &format!("/v1/keys/{id}"), None).await;
    app.clock.advance(Duration::from_hours(2));
    assert!(!detail(&status(&app, &key).await).contains("expired"));
}

#[tokio::test]
async fn what_a_key_cannot_be_is_said_at_once() {
    let app = TestApp::new().await;
    let input = json!({"name": " ", "role": "read", "expires_at": "2026-11-23T08:00:00Z",
        "requests_per_minute": 0, "bytes_per_minute": 0});
    let refused = app.post("/v1/keys", input).await;
    assert_eq!(refused.problem(), "invalid");
    let json = refused.json();
    let errors = json["errors"].as_array().unwrap();
    let pointers: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/name", "/expires_at", "/requests_per_minute", "/bytes_per_minute"]);
}

#[tokio::test]
async fn a_rotated_key_goes_on_for_its_grace_and_its_successor_from_now() {
    let app = TestApp::new().await;
    let input = json!({"name": "collector", "role": "read", "requests_per_minute": 100,
        "bytes_per_minute": 1_000_000, "expires_at": "2026-11-25T08:00:00Z"});
    let (old, id) = make(&app, input).await;
    app.clock.advance(Duration::from_hours(1));
    let made = app.post(&format!("/v1/keys/{id}/rotate"), json!({"grace_s": 600})).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let (new, successor) = text_and_id(&made);
    let shown = made.json();
    assert_eq!(
        (&shown["name"], &shown["role"], &shown["requests_per_minute"], &shown["bytes_per_minute"]),
        (&json!("collector"), &json!("read"), &json!(100), &json!(1_000_000))
    );
    assert_eq!(shown["expires_at"], "2026-11-25T09:00:00Z", "it lives as long");
    app.clock.advance(Duration::from_secs(599));
    assert_eq!(status(&app, &old).await.status, 200);
    assert_eq!(status(&app, &new).await.status, 200);
    app.clock.advance(Duration::from_secs(1));
    assert!(detail(&status(&app, &old).await).contains("successor"));
    assert_eq!(status(&app, &new).await.status, 200);
    let listed = app.get("/v1/keys").await.json();
    let listed = listed["items"].as_array().unwrap();
    let row = listed.iter().find(|key| key["id"] == *id).unwrap();
    assert_eq!(row["successor_id"], *successor);
    let trail = app.get("/v1/audit?action=key.rotate").await.json();
    let payload = &trail["items"][0]["payload"];
    assert_eq!((&payload["grace_s"], &payload["after"]["id"]), (&json!(600), &json!(successor)));
}

#[tokio::test]
async fn a_rotation_without_grace_ends_the_old_key_at_once() {
    let app = TestApp::new().await;
    let (old, id) = make(&app, json!({"name": "ci", "role": "admin"})).await;
    assert_eq!(status(&app, &old).await.status, 200);
    let path = format!("/v1/keys/{id}/rotate");
    // By itself: an admin key may rotate itself.
    let made = app.call_as(&old, Method::POST, &path, Some(json!({"grace_s": 0}))).await;
    let (new, successor) = text_and_id(&made);
    assert_eq!(made.json()["expires_at"], Value::Null);
    assert!(detail(&status(&app, &old).await).contains("expired"));
    for (id, wanted) in [(&id, 409), (&successor, 201)] {
        let path = format!("/v1/keys/{id}/rotate");
        let answer = app.call_as(&new, Method::POST, &path, Some(json!({}))).await;
        assert_eq!(answer.status.as_u16(), wanted, "each key once: {:?}", answer.body);
    }
}

#[tokio::test]
async fn a_rotation_is_refused_where_it_cannot_be() {
    let app = TestApp::new().await;
    let (_, id) = make(&app, json!({"name": "ci", "role": "ingest"})).await;
    let path = format!("/v1/keys/{id}/rotate");
    for (input, pointer) in [
        (json!({"grace_s": 2_592_001}), "/grace_s"),
        (json!({"expires_at": "2026-11-23T07:59:59Z"}), "/expires_at"),
    ] {
        let refused = app.post(&path, input).await;
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
    let (_, theirs) = app.stranger().await;
    let foreign = app.call_as(&theirs, Method::POST, &path, Some(json!({}))).await;
    assert_eq!(foreign.problem(), "not_found");
    let low = app.key(Role::Read).to_owned();
    let low = app.call_as(&low, Method::POST, &path, Some(json!({}))).await;
    assert_eq!(low.problem(), "forbidden");
    app.call(Method::DELETE, &format!("/v1/keys/{id}"), None).await;
    assert_eq!(app.post(&path, json!({})).await.problem(), "conflict");
}

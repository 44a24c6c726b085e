//! Settings, keys and `POST /v1/screen` over HTTP, and that ingest does the same.

use hyper::Method;
use seamark::api::Config;
use seamark::model::key::Role;
use seamark::sample::SamplingConfig;
use serde_json::{Value, json};

use super::personal_data;
use crate::api::app::TestApp;

async fn set(app: &TestApp, settings: Value) -> Value {
    let answer = app.call(Method::PUT, "/v1/screening", Some(settings)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()
}

async fn screen(app: &TestApp, request: Value) -> Value {
    let key = app.key(Role::Ingest).to_owned();
    let answer = app.call_as(&key, Method::POST, "/v1/screen", Some(request)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()
}

async fn stored(app: &TestApp, id: &str) -> Value {
    app.get(&format!("/v1/interactions/{id}")).await.json()
}

#[tokio::test]
async fn settings_are_versioned_and_checked() {
    let app = TestApp::new().await;
    let first = app.get("/v1/screening").await.json();
    assert_eq!((&first["version"], &first["enabled"]), (&json!(0), &json!(true)));
    assert_eq!(first["policy"]["default"], "mask");
    let set_once = set(&app, json!({"screen": {"regions": ["ZA"]}})).await;
    assert_eq!((&set_once["version"], &set_once["policy"]["version"]), (&json!(1), &json!(1)));
    let wrong = json!({"screen": {"regions": ["ZZ"]}, "deadline_ms": 0});
    let answer = app.call(Method::PUT, "/v1/screening", Some(wrong)).await;
    assert_eq!(answer.problem(), "invalid");
    let pointers: Vec<Value> =
        answer.json()["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(pointers, ["/screen/regions/0", "/deadline_ms"]);
    let unkeyed = json!({"policy": {"default": "pseudonym"}});
    let answer = app.call(Method::PUT, "/v1/screening", Some(unkeyed)).await;
    assert_eq!(answer.json()["errors"][0]["pointer"], "/policy/default");
    assert_eq!(app.get("/v1/screening").await.json(), set_once);
    let (_, theirs) = app.stranger().await;
    let other = app.call_as(&theirs, Method::GET, "/v1/screening", None).await.json();
    assert_eq!(other["version"], 0);
}

/// The promise of `POST /v1/screen`: what it says is what happens to the same text.
#[tokio::test]
async fn what_screen_says_is_what_ingest_does() {
    let app = TestApp::new().await;
    set(
        &app,
        json!({"screen": {"regions": ["ZA"]}, "policy": {"rules": [
        {"entity": "CREDIT_CARD", "action": "partial"},
        {"entity": "IP_ADDRESS", "action": "flag"},
        {"entity": "IBAN", "side": "response", "action": "drop"}]}}),
    )
    .await;
    for (n, (label, value)) in personal_data().into_iter().enumerate() {
        let query = format!("Grüße, it is {value} – thanks");
        let response = format!("Noted: {value}.");
        let said = screen(&app, json!({"query": query, "response": response})).await;
        assert_eq!(said["degraded"], false);
        let sides: Vec<&Value> = said["findings"].as_array().unwrap().iter().collect();
        assert_eq!(sides.len(), 2, "{label}: {said}");
        for (side, finding) in [("query", sides[0]), ("response", sides[1])] {
            let text = if side == "query" { &query } else { &response };
            assert_eq!((&finding["side"], &finding["entity"]), (&json!(side), &json!(label)));
            let place = |name: &str| usize::try_from(finding[name].as_u64().unwrap()).unwrap();
            let bytes = &text[place("start")..place("end")];
            let chars: String = text
                .chars()
                .skip(place("start_char"))
                .take(place("end_char") - place("start_char"))
                .collect();
            assert_eq!((bytes, &chars), (value.as_str(), &value), "{label}");
        }
        let item = json!({"id": format!("i{n}"), "query": query, "response": response});
        assert_eq!(app.ingest(item.to_string()).await.json()["accepted"], 1);
        let kept = stored(&app, &format!("i{n}")).await;
        assert_eq!((&kept["query"], &kept["response"]), (&said["query"], &said["response"]));
        let flagged = label == "IP_ADDRESS";
        assert_eq!(said["action"], if flagged { "flag" } else { "redact" }, "{label}");
        assert_eq!(said["query"].as_str().unwrap().contains(&value), flagged, "{label}");
    }
    let dropped = stored(&app, "i6").await;
    assert_eq!(dropped["response"], "", "the IBAN's response is dropped");
}

#[tokio::test]
async fn past_its_deadline_it_answers_as_the_project_chose() {
    let app = TestApp::new().await;
    let request = json!({"query": "I am a@example.com", "deadline_ms": 0});
    let closed = screen(&app, request.clone()).await;
    assert_eq!((&closed["action"], &closed["degraded"]), (&json!("block"), &json!(true)));
    assert_eq!(closed.get("query"), None);
    set(&app, json!({"fail": "open"})).await;
    let open = screen(&app, request).await;
    assert_eq!((&open["action"], &open["query"]), (&json!("allow"), &json!("I am a@example.com")));
    let nothing = app.post("/v1/screen", json!({"deadline_ms": 20_000})).await;
    assert_eq!(nothing.problem(), "invalid");
    assert_eq!(nothing.json()["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn blocked_items_are_listed_and_cost_no_other() {
    let app = TestApp::new().await;
    set(&app, json!({"policy": {"rules": [{"entity": "EMAIL", "action": "block"}]}})).await;
    let body = r#"[{"id": "good", "query": "hello"},
        {"id": "bad", "query": "q", "response": "write to x@example.com"},
        {"query": "q", "metadata": {"contact": "y@example.com"}}]"#;
    let answer = app.ingest(body).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["accepted"]), (202, &json!(1)));
    let json = answer.json();
    assert_eq!(json["rejected"], 2);
    let fault = |n: usize| {
        let e = &json["errors"][n];
        (e["index"].clone(), e["code"].clone(), e["pointer"].clone())
    };
    assert_eq!(fault(0), (json!(1), json!("blocked"), json!("/response")));
    assert_eq!(fault(1), (json!(2), json!("blocked"), json!("/metadata")));
    assert_eq!(json["errors"][0]["id"], "bad");
    assert!(!json.to_string().contains("example.com"), "{json}");
    assert_eq!(app.get("/v1/interactions/bad").await.status, 404);
    let said = screen(&app, json!({"query": "q", "response": "x@example.com"})).await;
    assert_eq!((&said["action"], said.get("response")), (&json!("block"), None));
    assert_eq!(said["reasons"], json!(["EMAIL in the response: block"]));
    let alone = app.ingest(r#"{"query": "I am x@example.com"}"#).await;
    assert_eq!(alone.problem(), "all_rejected");
    assert_eq!(app.get("/v1/status").await.json()["rejected"], 3);
}

#[tokio::test]
async fn tokens_join_until_their_key_is_destroyed() {
    let app = TestApp::new().await;
    let rotate = || async { app.call(Method::POST, "/v1/screening/keys", None).await };
    assert_eq!(rotate().await.json()["id"], "k1");
    set(&app, json!({"screen": {"regions": ["ZA"]}, "policy": {"default": "pseudonym"}})).await;
    let token = |text: &str| {
        let request = json!({"query": text});
        async { screen(&app, request).await["query"].as_str().unwrap().to_owned() }
    };
    let first = token("082 123 4567").await;
    assert!(first.starts_with("<PHONE:k1:"), "{first}");
    assert_eq!(token("+27821234567").await, first, "spellings join");
    assert_ne!(token("083 123 4567").await, first);
    assert_eq!(rotate().await.json()["id"], "k2");
    let second = token("082 123 4567").await;
    assert!(second.starts_with("<PHONE:k2:") && second[10..] != first[10..], "{second}");
    let destroy = |id: &str| {
        let path = format!("/v1/screening/keys/{id}");
        let app = &app;
        async move { app.call(Method::DELETE, &path, None).await.status.as_u16() }
    };
    assert_eq!((destroy("k2").await, destroy("k2").await, destroy("k3").await), (204, 404, 404));
    assert_eq!(token("082 123 4567").await, first, "the latest that is left is current");
    assert_eq!(destroy("k1").await, 204);
    assert_eq!(token("082 123 4567").await, "<PHONE>", "without a key it is masked");
    assert_eq!(rotate().await.json()["id"], "k3", "no id comes twice");
    let view = app.get("/v1/screening").await.json();
    let keys: Vec<(&Value, bool)> = view["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (&key["id"], key["destroyed_at"].is_null()))
        .collect();
    assert_eq!(keys, [(&json!("k1"), false), (&json!("k2"), false), (&json!("k3"), true)]);
}

/// Another process' change counts a second later.
#[tokio::test]
async fn a_change_made_elsewhere_is_seen_within_a_second() {
    let app = TestApp::new().await;
    assert_eq!(screen(&app, json!({"query": "a@example.com"})).await["query"], "<EMAIL>");
    let mut rng = crate::store::sample::rng(1);
    let project = app.store.ensure_project("default", app.now(), &mut rng);
    let off = serde_json::from_value(json!({"enabled": false})).unwrap();
    app.store.set_screening(project.await.unwrap(), &off, app.now()).await.unwrap();
    assert_eq!(screen(&app, json!({"query": "a@example.com"})).await["query"], "<EMAIL>");
    app.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(screen(&app, json!({"query": "a@example.com"})).await["query"], "a@example.com");
}

#[tokio::test]
async fn with_a_key_contents_are_told_apart_though_both_are_masked() {
    let app = TestApp::with(Config::default(), SamplingConfig::default()).await;
    let post = |mail: &str| {
        let item = json!({"id": "a", "query": mail}).to_string();
        async { app.ingest(item).await.json() }
    };
    assert_eq!(post("a@example.com").await["accepted"], 1);
    assert_eq!(post("a@example.com").await["duplicate"], 1);
    assert_eq!(post("b@example.com").await["errors"][0]["code"], "conflict");
}

#[tokio::test]
async fn uploaded_references_are_screened() {
    let app = TestApp::new().await;
    let monitor = app.post("/v1/monitors", json!({"name": "m"})).await.json()["id"].clone();
    let path = format!("/v1/references/upload?monitor_id={}", monitor.as_str().unwrap());
    let line = json!({"query": "Who?", "response": "a@example.com"});
    assert_eq!(app.post(&path, line.clone()).await.status, 202);
    let uploads = app.uploads.0.lock().unwrap().pop().unwrap().1;
    assert_eq!(uploads[0].response.as_deref(), Some("<EMAIL>"));
    assert_ne!(uploads[0].personal.disclosed, 0);
    set(&app, json!({"policy": {"default": "block"}})).await;
    let refused = app.post(&path, line).await;
    assert_eq!(
        (refused.problem(), &refused.json()["errors"][0]["code"]),
        ("invalid".to_owned(), &json!("blocked"))
    );
    assert!(app.uploads.0.lock().unwrap().is_empty());
}

//! Names found by the model at ingest, in `POST /v1/screen` and at the start of the daemon.

use std::sync::Arc;

use hyper::Method;
use seamark::api::Config;
use seamark::app::{Daemon, Launch};
use seamark::model::key::Role;
use seamark::sample::SamplingConfig;
use seamark::screen::NameFinder;
use seamark::store::{self, SealingKey, Store};
use serde_json::{Value, json};

use super::Checkpoint;
use crate::api::app::{Models, TestApp};

const TEXT: &str = "grüße, ask Zoë Mokoena for Durban";

/// An API with the model over the database at `url`.
async fn app(url: String) -> TestApp {
    let secret_key = Some(SealingKey::new("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="));
    let config = store::Config { url, secret_key, ..store::Config::default() };
    let store = Store::open(&config).await.unwrap();
    store.migrate().await.unwrap();
    let model = Checkpoint::new().open(&["PER=PERSON", "LOC=CITY"]).unwrap();
    let names: Arc<dyn NameFinder> = Arc::new(model);
    let models = Models { names: Some(names), ..Models::default() };
    TestApp::with_models(store, Config::default(), SamplingConfig::default(), models).await
}

async fn set(app: &TestApp, mut settings: Value) -> Value {
    settings["deadline_ms"] = json!(10_000);
    let answer = app.call(Method::PUT, "/v1/screening", Some(settings)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()
}

async fn screen(app: &TestApp, text: &str) -> Value {
    let key = app.key(Role::Ingest).to_owned();
    let request = Some(json!({"query": text}));
    let answer = app.call_as(&key, Method::POST, "/v1/screen", request).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()
}

/// What is stored of an interaction that says `text` everywhere.
async fn stored(app: &TestApp, id: &str, text: &str) -> Value {
    let item = json!({"id": id, "session_id": id, "query": text, "response": text, "attributes": {"about": text},
        "metadata": {"note": {"by": text}}});
    let answer = app.ingest(item.to_string()).await.json();
    assert_eq!(answer["accepted"], 1, "{answer}");
    app.get(&format!("/v1/interactions/{id}")).await.json()
}

async fn names_are_masked(app: TestApp) {
    // It is the project's choice.
    set(&app, json!({})).await;
    assert_eq!(screen(&app, TEXT).await["action"], "allow");
    assert_eq!(stored(&app, "plain", TEXT).await["query"], TEXT);
    let policy = json!({"rules": [{"entity": "CITY", "action": "flag"}]});
    let set_to = set(&app, json!({"screen": {"names": true}, "policy": policy})).await;
    assert_eq!(set_to["names_model"].as_str().map(str::len), Some(64), "{set_to}");

    let said = screen(&app, TEXT).await;
    let masked = "grüße, ask <PERSON> for Durban";
    assert_eq!((&said["action"], &said["query"]), (&json!("redact"), &json!(masked)));
    let findings = said["findings"].as_array().unwrap();
    let place = |finding: &Value| {
        ["start", "end", "start_char", "end_char"].map(|name| finding[name].as_u64().unwrap())
    };
    assert_eq!(findings.len(), 2, "{said}");
    assert_eq!(place(&findings[0]), [13, 25, 11, 22]);
    let names = |finding: &Value| {
        ["entity", "recogniser", "action"].map(|name| finding[name].as_str().unwrap().to_owned())
    };
    assert_eq!(names(&findings[0]), ["PERSON", "names_model", "mask"]);
    assert_eq!(names(&findings[1]), ["CITY", "names_model", "flag"]);
    let rules = screen(&app, "write to ask@example.com").await;
    assert_eq!(names(&rules["findings"][0]), ["EMAIL", "rules", "mask"]);

    let kept = stored(&app, "masked", TEXT).await;
    assert_eq!((&kept["query"], &kept["response"]), (&json!(masked), &json!(masked)));
    assert_eq!(kept["attributes"]["about"], masked);
    let export = app.get("/v1/subjects/export?session_id=masked").await;
    let first = export.body.split(|byte| *byte == b'\n').next().unwrap();
    let held: Value = serde_json::from_slice(first).unwrap();
    assert_eq!(held["held"]["metadata"]["note"]["by"], masked, "{held}");
    // Off the runtime's threads as well as on them: a long text.
    let long = format!("{}{TEXT}", "ask ".repeat(20_000));
    let item = json!({"id": "long", "query": long}).to_string();
    assert_eq!(app.ingest(item).await.json()["accepted"], 1);
    let kept = app.get("/v1/interactions/long").await.json();
    assert!(kept["query"].as_str().unwrap().ends_with(&format!("ask {masked}")));

    let answer = app.call(Method::POST, "/v1/screening/keys", None).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    set(&app, json!({"screen": {"names": true}, "policy": {"default": "pseudonym"}})).await;
    let token = |said: &Value| {
        let query = said["query"].as_str().unwrap();
        query[query.find("<PERSON:k1:").unwrap()..query.find('>').unwrap()].to_owned()
    };
    let once = token(&screen(&app, "ask Zoë Mokoena").await);
    assert_eq!(once, token(&screen(&app, "for Zoë Mokoena .").await));
    assert_ne!(once, token(&screen(&app, "ask Thandi").await));

    let policy = json!({"rules": [{"entity": "PERSON", "action": "block"}]});
    set(&app, json!({"screen": {"names": true}, "policy": policy})).await;
    assert_eq!(screen(&app, TEXT).await["action"], "block");
    let item = json!({"id": "blocked", "query": TEXT}).to_string();
    let answer = app.ingest(item).await;
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(body.contains("holds PERSON") && !body.contains("Mokoena"), "{body}");

    set(&app, json!({"screen": {"names": true, "off": ["PERSON"]}})).await;
    let said = screen(&app, TEXT).await;
    assert_eq!(said["query"], "grüße, ask Zoë Mokoena for <CITY>");
}

#[tokio::test]
async fn names_are_masked_on_sqlite() {
    names_are_masked(app("sqlite::memory:".to_owned()).await).await;
}

#[tokio::test]
async fn names_are_masked_on_postgres() {
    names_are_masked(app(crate::pg::database().await).await).await;
}

#[tokio::test]
async fn a_daemon_does_not_start_without_its_model() {
    let checkpoint = Checkpoint::new();
    std::fs::remove_file(checkpoint.path("tokenizer.json")).unwrap();
    let mut config = seamark::config::Config::default();
    config.screening.names = checkpoint.settings(&["PER=PERSON"]);
    let error = Daemon::start(config, Launch::default()).await.err().unwrap().to_string();
    assert!(error.contains("tokenizer.json") && error.contains("screening.names.model"), "{error}");
}

//! Policies over HTTP, from the first example to a blocked text.

use std::sync::Arc;

use hyper::Method;
use seamark::api::Config;
use seamark::embed::{EmbedError, Embedder, HashingEmbedder, Text};
use seamark::model::key::Role;
use seamark::sample::SamplingConfig;
use seamark::store::{self, Store};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{competitor, ordinary};
use crate::api::app::{Models, TestApp};

async fn made(app: &TestApp, body: Value) -> String {
    let answer = app.post("/v1/policies", body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    answer.header("location").to_owned()
}

async fn done(app: &TestApp, method: Method, path: &str, body: Value) -> Value {
    let answer = app.call(method, path, Some(body)).await;
    assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
    answer.json()
}

fn examples() -> Value {
    let of = |texts: Vec<String>, label: bool| {
        texts.into_iter().map(move |text| json!({"text": text, "label": label}))
    };
    let all: Vec<Value> = of(competitor(60), true).chain(of(ordinary(120), false)).collect();
    json!({ "examples": all })
}

async fn screen(app: &TestApp, request: Value) -> Value {
    let key = app.key(Role::Ingest).to_owned();
    let answer = app.call_as(&key, Method::POST, "/v1/screen", Some(request)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()
}

#[tokio::test]
async fn a_policy_is_taught_measured_and_then_in_force() {
    let app = TestApp::new().await;
    let spec = json!({"name": "competitors", "kind": "examples", "side": "query",
        "action": "block", "false_alarms": 0.05});
    let policy = made(&app, spec).await;
    assert_eq!(app.get(&policy).await.json()["status"], "draft");
    let early = app.post(&format!("{policy}/activate"), json!({})).await;
    assert_eq!(early.problem(), "conflict", "nothing that was not measured is put in force");
    let few = app.post(&format!("{policy}/fit"), json!({})).await;
    assert!(few.json()["detail"].as_str().unwrap().contains("at least 30"), "{:?}", few.body);
    let given = done(&app, Method::POST, &format!("{policy}/examples"), examples()).await;
    assert_eq!((&given["positives"], &given["negatives"]), (&json!(60), &json!(120)));
    let again = done(&app, Method::POST, &format!("{policy}/examples"), examples()).await;
    assert_eq!(again["items"], given["items"], "the same examples are no new ones");

    let fitted = done(&app, Method::POST, &format!("{policy}/fit"), json!({})).await;
    let report = &fitted["policy"]["fitted"]["report"];
    let number = |value: &Value| value.as_f64().unwrap();
    assert!(number(&report["auc"]) > 0.95, "{report}");
    assert_eq!(report["caught"]["of"], 60);
    assert!(number(&report["caught"]["low"]) < number(&report["caught"]["rate"]));
    assert!(number(&report["false_alarms"]["of"]) >= 59.0, "the half that set no threshold");
    assert_eq!(fitted["policy"]["status"], "fitted");

    let asked = competitor(84).pop().unwrap();
    let harmless = ordinary(121).pop().unwrap();
    let tried = json!({"texts": [asked, harmless]});
    let tried = done(&app, Method::POST, &format!("{policy}/try"), tried).await;
    assert_eq!(
        (&tried["items"][0]["flagged"], &tried["items"][1]["flagged"]),
        (&json!(true), &json!(false))
    );
    let before = screen(&app, json!({"query": asked, "mode": "full"})).await;
    assert_eq!(before["action"], "allow", "it is not in force yet");

    done(&app, Method::POST, &format!("{policy}/activate"), json!({})).await;
    let blocked = screen(&app, json!({"query": asked, "mode": "full"})).await;
    assert_eq!(
        (&blocked["action"], &blocked["policies"][0]["policy"]),
        (&json!("block"), &json!("competitors"))
    );
    assert_eq!(blocked.get("query"), None);
    assert!(blocked["reasons"][0].as_str().unwrap().contains("competitors"), "{blocked}");
    let fast = screen(&app, json!({"query": asked})).await;
    assert_eq!(fast["action"], "allow", "without an embedding it says nothing");
    for (query, response) in [(harmless.as_str(), "yes"), (harmless.as_str(), asked.as_str())] {
        let passed = json!({"query": query, "response": response, "mode": "full"});
        assert_eq!(screen(&app, passed).await["action"], "allow", "{query} / {response}");
    }
    done(&app, Method::PATCH, &policy, json!({"action": "flag"})).await;
    let flagged = screen(&app, json!({"query": asked, "mode": "full"})).await;
    assert_eq!((&flagged["action"], &flagged["query"]), (&json!("flag"), &json!(asked)));
    done(&app, Method::POST, &format!("{policy}/deactivate"), json!({})).await;
    assert_eq!(screen(&app, json!({"query": asked, "mode": "full"})).await["action"], "allow");
}

/// An embedder that waits while somebody holds its gate.
struct Gated {
    embedder: HashingEmbedder,
    gate: Arc<Mutex<()>>,
}

impl Embedder for Gated {
    fn dimension(&self) -> usize {
        self.embedder.dimension()
    }

    fn model_digest(&self) -> &str {
        self.embedder.model_digest()
    }

    fn embed(&self, texts: &[Text<'_>]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let _open = self.gate.blocking_lock();
        self.embedder.embed(texts)
    }
}

#[tokio::test]
async fn a_model_that_is_slow_does_not_hold_an_answer_beyond_its_deadline() {
    let gate = Arc::new(Mutex::new(()));
    let embedder = Gated { embedder: HashingEmbedder::new(), gate: gate.clone() };
    let config = store::Config { url: "sqlite::memory:".to_owned(), ..store::Config::default() };
    let store = Store::open(&config).await.unwrap();
    store.migrate().await.unwrap();
    let models = Models { embedder: Arc::new(embedder), ..Models::default() };
    let app =
        TestApp::with_models(store, Config::default(), SamplingConfig::default(), models).await;
    let spec = json!({"name": "competitors", "kind": "examples", "side": "query"});
    let policy = made(&app, spec).await;
    done(&app, Method::POST, &format!("{policy}/examples"), examples()).await;
    done(&app, Method::POST, &format!("{policy}/fit"), json!({})).await;
    done(&app, Method::POST, &format!("{policy}/activate"), json!({})).await;
    let asked = json!({"query": competitor(84).pop(), "mode": "full", "deadline_ms": 40});
    let held = gate.lock().await;
    let late = screen(&app, asked.clone()).await;
    assert_eq!((&late["degraded"], &late["action"]), (&json!(true), &json!("block")), "{late}");
    let fast = screen(&app, json!({"query": "hello", "deadline_ms": 10_000})).await;
    assert_eq!(fast["degraded"], false, "what needs no model is answered meanwhile");
    drop(held);
    let mut asked = asked;
    asked["deadline_ms"] = json!(10_000);
    let in_time = screen(&app, asked).await;
    assert_eq!((&in_time["degraded"], &in_time["action"]), (&json!(false), &json!("flag")));
}

#[tokio::test]
async fn words_need_no_teaching_and_count_in_the_fast_mode() {
    let app = TestApp::new().await;
    let spec = json!({"name": "slurs", "kind": "lexicon", "side": "response", "action": "block",
        "words": ["blockhead", "dim wit"]});
    let policy = made(&app, spec).await;
    assert_eq!(app.post(&format!("{policy}/fit"), json!({})).await.problem(), "conflict");
    assert_eq!(app.post(&format!("{policy}/examples"), examples()).await.problem(), "conflict");
    done(&app, Method::POST, &format!("{policy}/activate"), json!({})).await;
    for (response, action) in [
        ("You BL0CKHEAD!", "block"),
        ("a dim  wit, they said", "block"),
        ("blockheads of the engine", "allow"),
        ("The light is dim.", "allow"),
    ] {
        assert_eq!(
            screen(&app, json!({"response": response})).await["action"],
            action,
            "{response}"
        );
    }
    // Changed words count once somebody says so.
    done(&app, Method::PATCH, &policy, json!({"words": ["engine"]})).await;
    assert_eq!(screen(&app, json!({"response": "an engine"})).await["action"], "allow");
    done(&app, Method::POST, &format!("{policy}/activate"), json!({})).await;
    assert_eq!(screen(&app, json!({"response": "an engine"})).await["action"], "block");
}

#[tokio::test]
async fn the_ready_made_ones_come_with_examples_of_ours() {
    let app = TestApp::new().await;
    for (kind, side) in [("refusal", "response"), ("injection", "query")] {
        let policy = made(&app, json!({"name": kind, "kind": kind, "false_alarms": 0.05})).await;
        let fitted = done(&app, Method::POST, &format!("{policy}/fit"), json!({})).await;
        let report = &fitted["policy"]["fitted"]["report"];
        assert!(report["positives"].as_u64().unwrap() >= 150, "{report}");
        // Hashed words are no sentence model, and see that much all the same.
        assert!(report["auc"].as_f64().unwrap() > 0.7, "{kind}: {report}");
        let kept = done(&app, Method::POST, &format!("{policy}/activate"), json!({})).await;
        assert_eq!((&kept["status"], &kept["slot"].is_number()), (&json!("active"), &true));
        let examples = app.get(&format!("{policy}/examples")).await.json();
        let first = examples["items"].as_array().unwrap().iter().find(|e| e["label"] == true);
        let text = first.unwrap()["text"].clone();
        let screened = screen(&app, json!({side: text, "mode": "full"})).await;
        assert!(screened["policies"].is_array(), "{screened}");
    }
    let none = made(&app, json!({"name": "o", "kind": "off_topic"})).await;
    let answer = app.post(&format!("{none}/fit"), json!({})).await;
    assert!(answer.json()["detail"].as_str().unwrap().contains("freeze a reference"), "{answer:?}");
}

#[tokio::test]
async fn what_is_wrong_is_named_and_other_projects_see_nothing() {
    let app = TestApp::new().await;
    let wrong = json!({"name": " ", "kind": "lexicon", "false_alarms": 0.5, "words": ["!!"]});
    let answer = app.post("/v1/policies", wrong).await;
    assert_eq!(answer.problem(), "invalid");
    let errors = answer.json()["errors"].clone();
    let pointers: Vec<&str> =
        errors.as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/name", "/side", "/false_alarms", "/words/0"]);
    let policy = made(&app, json!({"name": "r", "kind": "examples", "side": "query"})).await;
    let twice = app.post("/v1/policies", json!({"name": "r", "kind": "refusal"})).await;
    assert_eq!(twice.problem(), "conflict");
    let blank =
        json!({"examples": [{"text": "fine", "label": true}, {"text": " ", "label": true}]});
    let answer = app.post(&format!("{policy}/examples"), blank).await;
    assert_eq!(answer.json()["errors"][0]["pointer"], "/examples/1", "{answer:?}");
    // Personal data in examples is masked as that of interactions is.
    let personal = json!({"examples": [{"text": "write to a@example.com", "label": true}]});
    let kept = done(&app, Method::POST, &format!("{policy}/examples"), personal).await;
    assert_eq!(kept["items"][0]["text"], "write to <EMAIL>");
    let (_, theirs) = app.stranger().await;
    for (method, path) in [
        (Method::GET, policy.clone()),
        (Method::GET, format!("{policy}/examples")),
        (Method::GET, format!("{policy}/flagged")),
        (Method::DELETE, policy.clone()),
    ] {
        let answer = app.call_as(&theirs, method, &path, None).await;
        assert_eq!(answer.problem(), "not_found", "{path}");
    }
    let list = app.call_as(&theirs, Method::GET, "/v1/policies", None).await.json();
    assert!(list["items"].as_array().unwrap().is_empty());
    assert_eq!(app.call(Method::DELETE, &policy, None).await.status, 204);
    assert_eq!(app.get(&policy).await.problem(), "not_found");
    // The name and the slot are free again, as often as one likes.
    for _ in 0..40 {
        let policy = made(&app, json!({"name": "r", "kind": "refusal"})).await;
        assert_eq!(app.get(&policy).await.json()["slot"], 0);
        assert_eq!(app.call(Method::DELETE, &policy, None).await.status, 204);
    }
}

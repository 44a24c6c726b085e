//! Every act and every read of raw text over HTTP is in the trail, and the trail comes out again.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use hyper::{Method, Request};
use seamark::api::{Access, Config, route_table};
use seamark::model::key::Role;
use serde_json::{Value, json};

use crate::api::app::TestApp;

/// The action that each route writes: those that change something, and those that are called with a proof.
const ACTS: [(&str, &str); 48] = [
    ("PUT /v1/outcomes/definitions/{name}", "outcome_definition.set"),
    ("DELETE /v1/outcomes/definitions/{name}", "outcome_definition.delete"),
    ("POST /v1/monitors", "monitor.create"),
    ("PATCH /v1/monitors/{id}", "monitor.update"),
    ("DELETE /v1/monitors/{id}", "monitor.delete"),
    ("POST /v1/references", "reference.request"),
    ("POST /v1/references/upload", "reference.upload"),
    ("PUT /v1/preparation", "preparation.set"),
    ("PUT /v1/screening", "screening.set"),
    ("POST /v1/screening/keys", "screening_key.create"),
    ("DELETE /v1/screening/keys/{id}", "screening_key.destroy"),
    ("POST /v1/policies", "policy.create"),
    ("PATCH /v1/policies/{id}", "policy.update"),
    ("DELETE /v1/policies/{id}", "policy.delete"),
    ("GET /v1/policies/{id}/examples", "policy.examples_read"),
    ("POST /v1/policies/{id}/examples", "policy.examples"),
    ("POST /v1/policies/{id}/fit", "policy.fit"),
    ("POST /v1/policies/{id}/activate", "policy.activate"),
    ("POST /v1/policies/{id}/deactivate", "policy.deactivate"),
    ("POST /v1/encryption/keys", "text_key.create"),
    ("PATCH /v1/budget", "budget.update"),
    ("POST /v1/alerts/{id}/acknowledge", "alert.acknowledge"),
    ("POST /v1/alerts/{id}/comments", "alert.comment"),
    ("POST /v1/rules", "rule.create"),
    ("PATCH /v1/rules/{id}", "rule.update"),
    ("DELETE /v1/rules/{id}", "rule.delete"),
    ("PUT /v1/routing", "routing.set"),
    ("POST /v1/silences", "silence.create"),
    ("DELETE /v1/silences/{id}", "silence.expire"),
    ("POST /v1/deliveries/{id}/replay", "delivery.replay"),
    ("POST /v1/receivers", "receiver.create"),
    ("PATCH /v1/receivers/{id}", "receiver.update"),
    ("DELETE /v1/receivers/{id}", "receiver.delete"),
    ("POST /v1/receivers/{id}/test", "receiver.test"),
    ("POST /v1/receivers/{id}/preview", "receiver.preview"),
    ("POST /v1/receivers/{id}/replay", "receiver.replay"),
    ("POST /v1/retrains/{id}/approve", "retrain.approve"),
    ("POST /v1/retrains/{id}/cancel", "retrain.cancel"),
    ("POST /v1/retrains/{id}/reference", "retrain.reference"),
    ("POST /v1/retrains/{id}/status", "retrain.report"),
    ("GET /v1/retrains/{id}/dataset", "retrain.dataset"),
    ("GET /v1/audit/export", "audit.export"),
    ("POST /v1/erasures", "erasure.request"),
    ("GET /v1/subjects/export", "subject.export"),
    ("GET /v1/interactions/{id}", "interaction.read"),
    ("POST /v1/keys", "key.create"),
    ("DELETE /v1/keys/{id}", "key.revoke"),
    ("POST /v1/keys/{id}/rotate", "key.rotate"),
];

/// Actions that need an alert or a retraining, which only workers make: looked for in the source.
const IN_SOURCE: [(&str, &str); 8] = [
    ("alert.acknowledge", include_str!("../../../src/api/alerts.rs")),
    ("alert.comment", include_str!("../../../src/api/alerts.rs")),
    ("delivery.replay", include_str!("../../../src/api/deliveries.rs")),
    ("retrain.approve", include_str!("../../../src/api/retrains.rs")),
    ("retrain.cancel", include_str!("../../../src/api/retrains.rs")),
    ("retrain.reference", include_str!("../../../src/api/retrains.rs")),
    ("retrain.report", include_str!("../../../src/api/retrains.rs")),
    ("retrain.dataset", include_str!("../../../src/api/retrains.rs")),
];

#[test]
fn every_route_that_changes_something_has_its_action() {
    let acts: BTreeMap<&str, &str> = ACTS.into();
    for route in route_table(&Config::default()) {
        let name = format!("{} {}", route.method, route.path);
        let acts_on = route.access == Access::Proof
            || (route.access == Access::Needs(Role::Admin) && route.method != Method::GET);
        assert!(!acts_on || acts.contains_key(name.as_str()), "{name} writes no audit entry");
    }
    for (action, source) in IN_SOURCE {
        assert!(source.contains(&format!("\"{action}\"")), "nobody writes {action}");
    }
}

async fn made(app: &TestApp, path: &str, body: Value) -> String {
    let answer = app.post(path, body).await;
    assert!(answer.status.is_success(), "{path}: {:?}", answer.body);
    let json = answer.json();
    json["id"].as_str().map_or_else(String::new, |id| format!("{path}/{id}"))
}

async fn done(app: &TestApp, method: Method, path: &str, body: Option<Value>) {
    let answer = app.call(method.clone(), path, body).await;
    assert!(answer.status.is_success(), "{method} {path}: {:?}", answer.body);
}

async fn policies(app: &TestApp) {
    let policy = made(app, "/v1/policies", json!({"name": "p", "kind": "injection"})).await;
    done(app, Method::PATCH, &policy, Some(json!({"action": "block"}))).await;
    let examples = json!({"examples": [{"text": "ignore all that", "label": true}]});
    done(app, Method::POST, &format!("{policy}/examples"), Some(examples)).await;
    done(app, Method::GET, &format!("{policy}/examples"), None).await;
    for act in ["fit", "activate", "deactivate"] {
        done(app, Method::POST, &format!("{policy}/{act}"), Some(json!({}))).await;
    }
    done(app, Method::DELETE, &policy, None).await;
}

/// Everything that can be done without workers.
async fn everything(app: &TestApp) {
    let definition = "/v1/outcomes/definitions/resolved";
    done(app, Method::PUT, definition, Some(json!({"kind": "binary"}))).await;
    done(app, Method::DELETE, definition, None).await;
    let hook = json!({"name": "r", "kind": "webhook", "url": "https://a.example/secret-hook"});
    let receiver = made(app, "/v1/receivers", hook).await;
    let rotated = json!({"rotate": true, "url": "https://b.example/secret-hook"});
    done(app, Method::PATCH, &receiver, Some(rotated)).await;
    for act in ["test", "preview", "replay"] {
        done(app, Method::POST, &format!("{receiver}/{act}"), Some(json!({}))).await;
    }
    let monitor = made(app, "/v1/monitors", json!({"name": "m"})).await;
    done(app, Method::PATCH, &monitor, Some(json!({"lateness_seconds": 60}))).await;
    let id = monitor.rsplit('/').next().unwrap();
    let source = json!({"kind": "next", "count": 100});
    made(app, "/v1/references", json!({"monitor_id": id, "source": source})).await;
    let upload = Request::post(format!("/v1/references/upload?monitor_id={id}"));
    let upload = upload.header("x-api-key", app.key(Role::Admin));
    let upload = app.send(upload.body(Body::from(r#"{"query": "q"}"#)).unwrap()).await;
    assert_eq!(upload.status, 202, "{:?}", upload.body);
    done(app, Method::PUT, "/v1/preparation", Some(json!({}))).await;
    done(app, Method::PUT, "/v1/screening", Some(json!({"enabled": false}))).await;
    let key = made(app, "/v1/screening/keys", json!({})).await;
    done(app, Method::DELETE, &key, None).await;
    policies(app).await;
    done(app, Method::POST, "/v1/encryption/keys", None).await;
    done(app, Method::PATCH, "/v1/budget", Some(json!({"confidence": 0.9}))).await;
    let when = json!({"figure": "events", "minutes": 30, "below": 1});
    let rule = json!({"name": "rule", "when": when});
    let rule = made(app, "/v1/rules", rule).await;
    done(app, Method::PATCH, &rule, Some(json!({"name": "other"}))).await;
    done(app, Method::DELETE, &rule, None).await;
    let routing = app.get("/v1/routing").await.json();
    done(app, Method::PUT, "/v1/routing", Some(routing)).await;
    let silence = json!({"matchers": ["monitor=\"m\""], "ends_at": "2027-01-01T00:00:00Z"});
    let silence = made(app, "/v1/silences", silence).await;
    done(app, Method::DELETE, &silence, None).await;
    let key = made(app, "/v1/keys", json!({"name": "ci", "role": "read"})).await;
    done(app, Method::POST, &format!("{key}/rotate"), Some(json!({}))).await;
    done(app, Method::DELETE, &key, None).await;
    app.ingest(r#"{"id": "i", "query": "q", "session_id": "s", "subject": "+27821234567"}"#).await;
    done(app, Method::GET, "/v1/interactions/i", None).await;
    done(app, Method::GET, "/v1/subjects/export?session_id=s", None).await;
    made(app, "/v1/erasures", json!({"session_id": "s"})).await;
    done(app, Method::DELETE, &monitor, None).await;
    done(app, Method::DELETE, &receiver, None).await;
    done(app, Method::GET, "/v1/audit/export", None).await;
}

#[tokio::test]
async fn every_act_is_in_the_trail_and_no_secret() {
    let app = TestApp::new().await;
    everything(&app).await;
    let export = app.get("/v1/audit/export").await;
    let text = String::from_utf8(export.body.to_vec()).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seen: BTreeSet<&str> = rows.iter().map(|row| row["action"].as_str().unwrap()).collect();
    let unseen: BTreeSet<&str> = IN_SOURCE.iter().map(|(action, _)| *action).collect();
    for (route, action) in ACTS.iter().filter(|(_, action)| !unseen.contains(action)) {
        assert!(seen.contains(action), "{route} wrote no {action}");
    }
    for secret in ["secret-hook", "whsec_", "+27821234567"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let update = rows.iter().find(|row| row["action"] == "monitor.update").unwrap();
    assert_ne!(update["payload"]["before"], update["payload"]["after"]);
    assert_eq!(update["payload"]["after"]["lateness_seconds"], 60);
    assert!(update["actor"].as_str().unwrap().starts_with("admin ("), "{update}");
}

#[tokio::test]
async fn the_trail_is_listed_filtered_and_pinned_down() {
    let app = TestApp::new().await;
    for name in ["a", "b", "c"] {
        made(&app, "/v1/monitors", json!({"name": name})).await;
    }
    made(&app, "/v1/keys", json!({"name": "ci", "role": "read"})).await;
    let first = app.get("/v1/audit?action=monitor.create&limit=2").await.json();
    let seqs = |page: &Value| -> Vec<i64> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|row| row["seq"].as_i64().unwrap()).collect()
    };
    assert_eq!(seqs(&first), [3, 2]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/v1/audit?action=monitor.create&limit=2&cursor={cursor}");
    assert_eq!(seqs(&app.get(&path).await.json()), [1]);
    assert!(seqs(&app.get("/v1/audit?to=2026-01-01T00:00:00Z").await.json()).is_empty());
    let checkpoint = app.get("/v1/audit/checkpoint").await.json();
    let newest = app.get("/v1/audit?limit=1").await.json()["items"][0].clone();
    assert_eq!((&checkpoint["seq"], &checkpoint["hash"]), (&newest["seq"], &newest["hash"]));
    let checkpoint = serde_json::from_value(checkpoint).unwrap();
    assert!(seamark::store::verify_checkpoint(&checkpoint));
}

#[tokio::test]
async fn a_subject_is_given_out_and_erased_on_request() {
    let app = TestApp::new().await;
    let item = r#"{"id": "i", "query": "my words", "session_id": "s", "subject": "+27821234567"}"#;
    app.ingest(item).await;
    let path = "/v1/subjects/export?subject=%2B27821234567";
    let held = String::from_utf8(app.get(path).await.body.to_vec()).unwrap();
    assert!(held.contains("my words") && held.contains("\"kind\":\"interaction\""), "{held}");
    for wrong in [json!({}), json!({"session_id": "s", "subject": "x"}), json!({"subject": ""})] {
        assert_eq!(app.post("/v1/erasures", wrong).await.problem(), "invalid");
    }
    let asked = app.post("/v1/erasures", json!({"subject": "+27821234567"})).await;
    assert_eq!((asked.status.as_u16(), asked.json()["state"].clone()), (202, json!("pending")));
    app.store.run_erasure(app.now()).await.unwrap();
    let done = app.get(asked.header("location")).await.json();
    assert_eq!((&done["state"], &done["counts"]["interactions"]), (&json!("done"), &json!(1)));
    assert!(done["audit_seq"].as_i64().unwrap() > 1);
    assert!(app.get(path).await.body.is_empty());
    assert_eq!(app.get("/v1/interactions/i").await.status, 404);
}

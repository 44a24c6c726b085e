//! Monitors, references, receivers, keys, probes: made, read, changed, refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::atomic::Ordering;

use axum::body::Body;
use hyper::{Method, Request};
use seamark::model::key::Role;
use serde_json::{Value, json};

use super::app::{TestApp, gzip};

async fn monitor(app: &TestApp) -> String {
    let made = app.post("/v1/monitors", json!({"name": "support"})).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("/v1/monitors/{id}"));
    id
}

#[tokio::test]
async fn a_monitor_lives_from_post_to_delete() {
    let app = TestApp::new().await;
    let path = format!("/v1/monitors/{}", monitor(&app).await);
    let made = app.get(&path).await.json();
    assert_eq!(made["name"], "support");
    assert_eq!(made["windows"].as_array().unwrap().len(), 3);
    let patch = json!({"paused": true, "alert": {"for_evaluations": 3}, "lateness_seconds": 60});
    let changed = app.call(Method::PATCH, &path, Some(patch)).await.json();
    assert_eq!((&changed["paused"], &changed["lateness_seconds"]), (&json!(true), &json!(60)));
    assert_eq!(changed["alert"]["for_evaluations"], 3);
    assert_eq!(changed["alert"]["severity"], "warning");
    assert_eq!(app.get(&path).await.json(), changed);
    assert_eq!(app.get("/v1/monitors").await.json()["items"], json!([changed]));
    assert_eq!(app.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(app.get(&path).await.problem(), "not_found");
    assert_eq!(app.call(Method::DELETE, &path, None).await.problem(), "not_found");
}

#[tokio::test]
async fn wrong_monitors_are_refused_with_pointers() {
    let app = TestApp::new().await;
    monitor(&app).await;
    assert_eq!(app.post("/v1/monitors", json!({"name": "support"})).await.problem(), "conflict");
    let pointer = async |body: Value| -> String {
        let answer = app.post("/v1/monitors", body).await;
        assert_eq!(answer.problem(), "invalid");
        answer.json()["errors"][0]["pointer"].as_str().unwrap().to_owned()
    };
    assert_eq!(pointer(json!({"name": " "})).await, "/name");
    assert_eq!(pointer(json!({"name": "x", "stream": []})).await, "/stream");
    assert_eq!(pointer(json!({})).await, "/name");
    assert_eq!(pointer(json!({"name": "x", "detectors": []})).await, "/detectors");
    assert_eq!(pointer(json!({"name": "x", "streams": ["duplicates"]})).await, "/streams");
    let window = json!({"name": "w", "kind": "count", "events": 7, "stride": 2});
    let body = app.post("/v1/monitors", json!({"name": "x", "windows": [window]})).await;
    assert_eq!(body.problem(), "invalid");
    let request = Request::post("/v1/monitors").header("x-api-key", app.key(Role::Admin));
    let answer = app.send(request.body(Body::from("{")).unwrap()).await;
    assert_eq!(answer.problem(), "malformed_body");
}

#[tokio::test]
async fn a_reference_is_asked_for_and_watched() {
    let app = TestApp::new().await;
    let monitor = monitor(&app).await;
    let body =
        json!({"monitor_id": monitor, "name": "may", "source": {"kind": "next", "count": 500}});
    let made = app.post("/v1/references", body.clone()).await;
    assert_eq!(made.status, 202, "{:?}", made.body);
    let reference = made.json();
    assert_eq!((&reference["status"], &reference["version"]), (&json!("collecting"), &json!(1)));
    assert_eq!(reference["source"]["after"], 0);
    assert_eq!(app.get(made.header("location")).await.json(), reference);
    assert_eq!(app.post("/v1/references", body).await.json()["version"], 2);
    let listed = app.get(&format!("/v1/references?monitor_id={monitor}")).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn wrong_references_are_refused() {
    let app = TestApp::new().await;
    let monitor = monitor(&app).await;
    let day = |n: u32| format!("2026-11-{n:02}T00:00:00Z");
    for (source, pointer) in [
        (json!({"kind": "next", "count": 0}), "/source/count"),
        (json!({"kind": "time_range", "from": day(2), "to": day(2)}), "/source/to"),
        (json!({"kind": "file", "name": "x"}), "/source/kind"),
    ] {
        let body = json!({"monitor_id": monitor, "source": source});
        let answer = app.post("/v1/references", body).await;
        assert_eq!(answer.problem(), "invalid");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
    }
    let nobody = "018f0000-0000-7000-8000-000000000000";
    let body = json!({"monitor_id": nobody, "source": {"kind": "next", "count": 5}});
    assert_eq!(app.post("/v1/references", body).await.problem(), "invalid");
}

#[tokio::test]
async fn an_uploaded_file_is_no_traffic() {
    let app = TestApp::new().await;
    let monitor = monitor(&app).await;
    let upload = async |body: Vec<u8>| {
        let path =
            format!("/v1/references/upload?monitor_id={monitor}&name=base&file=may.jsonl.gz");
        let request = Request::post(path)
            .header("x-api-key", app.key(Role::Admin))
            .header("content-encoding", "gzip");
        app.send(request.body(Body::from(gzip(&body))).unwrap()).await
    };
    let answer =
        upload(b"{\"query\": \"a\"}\n{\"query\": \"b\", \"response\": \"c\"}\n".to_vec()).await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    assert_eq!(answer.json()["source"], json!({"kind": "file", "name": "may.jsonl.gz"}));
    {
        let uploads = app.uploads.0.lock().unwrap();
        assert_eq!((uploads[0].0.name.as_str(), uploads[0].1.len()), ("base", 2));
    }
    assert_eq!(app.get("/v1/status").await.json()["received"], 0);
    let answer = upload(b"{\"query\": \"a\"}\n{\"query\": 7}\n".to_vec()).await;
    assert_eq!(answer.problem(), "invalid");
    assert_eq!(answer.json()["errors"][0]["index"], 1);
    assert_eq!(app.uploads.0.lock().unwrap().len(), 1);
}

fn receiver(url: &str) -> Value {
    json!({"name": "ops", "kind": "webhook", "url": url})
}

#[tokio::test]
async fn a_receiver_shows_its_secret_once_and_its_url_never() {
    let app = TestApp::new().await;
    let made = app.post("/v1/receivers", receiver("https://hooks.example/T0/secret")).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert!(made.json()["secret"].as_str().unwrap().starts_with("whsec_"));
    let read = app.get(made.header("location")).await;
    assert_eq!(read.json()["target"], "https://hooks.example");
    let text = String::from_utf8(read.body.to_vec()).unwrap();
    assert!(!text.contains("T0/secret") && !text.contains("whsec_"), "{text}");
    let clash = app.post("/v1/receivers", receiver("https://hooks.example/b")).await;
    assert_eq!(clash.problem(), "conflict");
    let plain = app.post("/v1/receivers", receiver("http://hooks.example/b")).await;
    assert_eq!(plain.json()["errors"][0]["pointer"], "/url");
}

#[tokio::test]
async fn a_test_message_goes_through_the_outbox() {
    let app = TestApp::new().await;
    let made = app.post("/v1/receivers", receiver("https://hooks.example/x")).await.json();
    let path = format!("/v1/receivers/{}", made["id"].as_str().unwrap());
    let sent = app.call(Method::POST, &format!("{path}/test"), None).await;
    assert_eq!(sent.status, 202, "{:?}", sent.body);
    let delivery = app.get(sent.header("location")).await.json();
    assert_eq!(delivery["event_type"], "seamark.test");
    assert_eq!((&delivery["status"], &delivery["attempts"]), (&json!("pending"), &json!(0)));
    assert_eq!(delivery["attempt_log"], json!([]));
    let listed = app.get("/v1/deliveries?status=pending").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let patch = json!({"disabled": true, "url": "https://other.example/y"});
    let changed = app.call(Method::PATCH, &path, Some(patch)).await.json();
    assert_eq!(
        (&changed["disabled"], &changed["target"]),
        (&json!(true), &json!("https://other.example"))
    );
    let refused = app.call(Method::POST, &format!("{path}/test"), None).await;
    assert_eq!(refused.problem(), "conflict");
    assert_eq!(app.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(app.get(&path).await.problem(), "not_found");
}

#[tokio::test]
async fn deliveries_are_paged_without_gap_or_repetition() {
    let app = TestApp::new().await;
    let made = app.post("/v1/receivers", receiver("https://hooks.example/x")).await.json();
    let path = format!("/v1/receivers/{}/test", made["id"].as_str().unwrap());
    let mut sent = Vec::new();
    for i in 0..7 {
        // Some at the same moment: the id decides among them.
        app.clock.advance(std::time::Duration::from_secs(i % 2));
        let answer = app.call(Method::POST, &path, None).await;
        sent.push(answer.json()["id"].as_str().unwrap().to_owned());
    }
    let mut seen = Vec::new();
    let mut next = Some("/v1/deliveries?limit=3".to_owned());
    while let Some(path) = next {
        let page = app.get(&path).await;
        let json = page.json();
        let items = json["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let link = page.header("link").to_owned();
        next = json["next_cursor"].as_str().map(|cursor| {
            let path = format!("/v1/deliveries?limit=3&cursor={cursor}");
            assert_eq!(link, format!("<{path}>; rel=\"next\""));
            path
        });
    }
    assert_eq!(seen.len(), 7);
    sent.sort();
    seen.sort();
    assert_eq!(seen, sent);
    for path in ["/v1/deliveries?limit=0", "/v1/deliveries?cursor=x", "/v1/deliveries?stat=x"] {
        assert_eq!(app.get(path).await.problem(), "invalid_parameter", "{path}");
    }
}

#[tokio::test]
async fn lists_are_empty_before_anything_happened() {
    let app = TestApp::new().await;
    let monitor = monitor(&app).await;
    for path in [format!("/v1/monitors/{monitor}/reports"), "/v1/alerts?state=firing".to_owned()] {
        assert_eq!(app.get(&path).await.json(), json!({"items": []}), "{path}");
    }
    let timeline = app.get(&format!("/v1/monitors/{monitor}/timeline?stream=query")).await;
    assert_eq!(timeline.json(), json!({"series": [], "truncated": false}));
    let path = format!("/v1/monitors/{monitor}/timeline?from=2026-11-23T08:30:00%2B02:00&to=x");
    assert_eq!(app.get(&path).await.problem(), "invalid_parameter");
    for path in ["/v1/reports/x", "/v1/alerts/018f0000-0000-7000-8000-000000000000"] {
        assert_eq!(app.get(path).await.problem(), "not_found", "{path}");
    }
}

#[tokio::test]
async fn readiness_follows_store_and_model_and_liveness_does_not() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/readyz").await.json(), json!({"status": "ok"}));
    let parts = app.get("/healthz?verbose").await.json();
    assert_eq!(parts["parts"], json!({"engine": "sqlite", "store": "ok", "embedder": "ok"}));
    app.embedder_ready.store(false, Ordering::Release);
    let answer = app.get("/readyz").await;
    assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("unavailable", 503));
    assert_eq!(app.get("/livez").await.status, 200);
    app.embedder_ready.store(true, Ordering::Release);
    app.store.close().await;
    let answer = app.get("/readyz").await;
    assert_eq!(answer.problem(), "unavailable");
    assert_eq!(app.get("/livez").await.status, 200);
    let answer = app.ingest(r#"{"query": "a"}"#).await;
    assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("unavailable", 503));
    let text = String::from_utf8(answer.body.to_vec()).unwrap().to_lowercase();
    assert!(!text.contains("sql") && !text.contains("pool"), "{text}");
}

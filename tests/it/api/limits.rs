//! What a key may ask for in a minute, and how often an address may send a wrong one.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use hyper::{Method, Request};
use seamark::api::{Config, Peer};
use seamark::model::key::Role;
use seamark::sample::SamplingConfig;
use serde_json::{Value, json};

use super::app::{Answer, TestApp};

async fn make(app: &TestApp, input: Value) -> String {
    app.post("/v1/keys", input).await.json()["key"].as_str().unwrap().to_owned()
}

async fn status(app: &TestApp, key: &str) -> Answer {
    app.call_as(key, Method::GET, "/v1/status", None).await
}

fn wait(answer: &Answer) -> u64 {
    answer.header("retry-after").parse().unwrap()
}

#[tokio::test]
async fn a_key_makes_its_requests_and_no_more() {
    let app = TestApp::new().await;
    let input = json!({"name": "ci", "role": "read", "requests_per_minute": 6});
    let (key, other) = (make(&app, input.clone()).await, make(&app, input).await);
    for _ in 0..5 {
        assert_eq!(status(&app, &key).await.status, 200);
    }
    // What is refused for its role is a request too.
    let refused = app.call_as(&key, Method::GET, "/v1/keys", None).await;
    assert_eq!(refused.problem(), "forbidden");
    let limited = status(&app, &key).await;
    assert_eq!((limited.problem().as_str(), wait(&limited)), ("rate_limited", 10));
    assert!(limited.json()["detail"].as_str().unwrap().contains("requests_per_minute"));
    assert_eq!(status(&app, &other).await.status, 200, "each key has its own");
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(status(&app, &key).await.status, 200);
    assert_eq!(status(&app, &key).await.status, 429);
}

#[tokio::test]
async fn keys_without_a_limit_have_that_of_the_settings() {
    let mut config = Config::default();
    config.auth.requests_per_minute = 2;
    let app = TestApp::with(config, SamplingConfig::default()).await;
    let key = make(&app, json!({"name": "ci", "role": "read", "requests_per_minute": 3})).await;
    let read = app.key(Role::Read).to_owned();
    for n in 1..=4 {
        assert_eq!(status(&app, &read).await.status == 200, n <= 2);
        assert_eq!(status(&app, &key).await.status == 200, n <= 3);
    }
}

fn item(id: &str) -> String {
    format!("{{\"id\": \"{id}\", \"query\": \"{}\"}}", "x".repeat(1000))
}

async fn post(app: &TestApp, key: &str, body: Body) -> Answer {
    let request = Request::post("/v1/interactions").header("x-api-key", key);
    app.send(request.body(body).unwrap()).await
}

/// A body without an announced length, in pieces.
fn pieces(text: &str) -> Body {
    let pieces: Vec<_> = text.as_bytes().chunks(100).map(Bytes::copy_from_slice).collect();
    Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)))
}

#[tokio::test]
async fn bytes_are_counted_whether_announced_or_not() {
    let app = TestApp::new().await;
    let key = make(&app, json!({"name": "c", "role": "ingest", "bytes_per_minute": 1500})).await;
    assert_eq!(post(&app, &key, Body::from(item("a"))).await.status, 202);
    // Some 470 bytes are left, and the debt of this one is paid before the next.
    assert_eq!(post(&app, &key, Body::from(item("b"))).await.status, 202);
    let limited = post(&app, &key, Body::from(item("c"))).await;
    assert_eq!(limited.problem(), "rate_limited");
    assert!(limited.json()["detail"].as_str().unwrap().contains("bytes_per_minute"));
    assert!((20..30).contains(&wait(&limited)), "{}", wait(&limited));
    let limited = post(&app, &key, pieces(&item("d"))).await;
    assert_eq!(limited.problem(), "rate_limited", "nor without a length");
    app.clock.advance(Duration::from_secs(wait(&limited)));
    let cut = post(&app, &key, pieces(&item("e"))).await;
    assert_eq!(cut.problem(), "rate_limited", "a piece or so, and no more");
    for (id, status) in [("a", 200), ("b", 200), ("c", 404), ("d", 404), ("e", 404)] {
        assert_eq!(
            app.get(&format!("/v1/interactions/{id}")).await.status.as_u16(),
            status,
            "{id}"
        );
    }
    app.clock.advance(Duration::from_mins(1));
    assert_eq!(post(&app, &key, pieces(&item("f"))).await.status, 202);
}

#[tokio::test]
async fn a_request_without_a_body_costs_no_bytes() {
    let app = TestApp::new().await;
    let key = make(&app, json!({"name": "c", "role": "admin", "bytes_per_minute": 1})).await;
    let body = json!({"name": "m"});
    assert_eq!(app.call_as(&key, Method::POST, "/v1/monitors", Some(body)).await.status, 201);
    let body = json!({"name": "n"});
    assert_eq!(app.call_as(&key, Method::POST, "/v1/monitors", Some(body)).await.status, 429);
    assert_eq!(status(&app, &key).await.status, 200);
}

async fn from(app: &TestApp, peer: &str, path: &str, key: Option<&str>) -> Answer {
    let mut request = Request::get(path);
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(Peer(peer.parse().unwrap()));
    app.send(request).await
}

const WRONG: &str = "seamark_00000000000000000000000000000000_\
    0000000000000000000000000000000000000000000000000000000000000000";

#[tokio::test]
async fn an_address_that_fails_too_often_waits() {
    let app = TestApp::new().await;
    let (known, unknown) = (app.key(Role::Read).to_owned(), app.key(Role::Admin).to_owned());
    let (bad, other) = ("2001:db8::1", "2001:db8:0:1::1");
    assert_eq!(from(&app, other, "/v1/status", Some(&known)).await.status, 200);
    for _ in 0..20 {
        assert_eq!(from(&app, bad, "/v1/status", None).await.status, 401, "no key is no guess");
    }
    for n in 0..10 {
        let key = if n % 2 == 0 { WRONG } else { "nonsense" };
        assert_eq!(from(&app, bad, "/v1/status", Some(key)).await.status, 401);
    }
    let same_network = "2001:db8::dead:beef";
    for (peer, key) in [(bad, WRONG), (same_network, WRONG), (bad, unknown.as_str())] {
        let limited = from(&app, peer, "/v1/status", Some(key)).await;
        assert_eq!((limited.problem().as_str(), wait(&limited)), ("too_many_failures", 1));
    }
    assert_eq!(from(&app, bad, "/v1/status", Some(&known)).await.status, 200, "seen to be right");
    let guessed = format!("{}{}", &known[..known.len() - 64], "0".repeat(64));
    assert_eq!(from(&app, bad, "/v1/status", Some(&guessed)).await.status, 429);
    assert_eq!(from(&app, other, "/v1/status", Some(&unknown)).await.status, 200);
    assert_eq!(from(&app, bad, "/livez", None).await.status, 200);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(from(&app, bad, "/v1/status", Some(WRONG)).await.status, 401);
    assert_eq!(from(&app, bad, "/v1/status", Some(WRONG)).await.status, 429);
}

#[tokio::test]
async fn a_revoked_key_does_not_pass_for_having_been_seen() {
    let app = TestApp::new().await;
    let made = app.post("/v1/keys", json!({"name": "ci", "role": "read"})).await.json();
    let (key, id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert_eq!(from(&app, "192.0.2.1", "/v1/status", Some(key)).await.status, 200);
    for _ in 0..10 {
        from(&app, "192.0.2.1", "/v1/status", Some(WRONG)).await;
    }
    assert_eq!(from(&app, "192.0.2.1", "/v1/status", Some(key)).await.status, 200);
    app.call(Method::DELETE, &format!("/v1/keys/{id}"), None).await;
    assert_eq!(from(&app, "192.0.2.1", "/v1/status", Some(key)).await.status, 429);
}

#[tokio::test]
async fn wrong_proofs_count_as_failures() {
    let app = TestApp::new().await;
    let path = "/v1/retrains/018f0000-0000-7000-8000-000000000000/dataset?expires=1&signature=x";
    for _ in 0..10 {
        assert_eq!(from(&app, "192.0.2.1", path, None).await.status, 401);
    }
    assert_eq!(from(&app, "192.0.2.1", path, None).await.problem(), "too_many_failures");
}

#[tokio::test]
async fn failures_are_not_counted_where_that_is_off() {
    let mut config = Config::default();
    config.auth.failures = 0;
    let app = TestApp::with(config, SamplingConfig::default()).await;
    for _ in 0..100 {
        assert_eq!(from(&app, "192.0.2.1", "/v1/status", Some(WRONG)).await.status, 401);
    }
}

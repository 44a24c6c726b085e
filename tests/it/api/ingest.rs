//! `POST /v1/interactions`: what is kept, what is refused, and what the answer says of it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use axum::body::{Body, Bytes};
use hyper::StatusCode;
use seamark::api::Config;
use seamark::sample::SamplingConfig;
use serde_json::json;

use super::app::{Answer, TestApp, gzip};

fn counts(answer: &Answer) -> [u64; 4] {
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{:?}", answer.body);
    let json = answer.json();
    ["accepted", "duplicate", "sampled_out", "rejected"].map(|name| json[name].as_u64().unwrap())
}

fn lines(range: std::ops::Range<u32>) -> String {
    let line = |i| format!("{{\"id\": \"i{i}\", \"query\": \"question {i}\"}}");
    range.map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn one_object_is_stored_and_can_be_read() {
    let app = TestApp::new().await;
    let body = r#"{"id": "a/1", "query": "how much data?", "response": "2 GB",
        "session_id": "s", "attributes": {"channel": "web"}, "model": "m", "metadata": {"k": 1}}"#;
    assert_eq!(counts(&app.ingest(body).await), [1, 0, 0, 0]);
    let stored = app.get("/v1/interactions/a%2F1").await.json();
    assert_eq!(stored["query"], "how much data?");
    assert_eq!(stored["occurred_at"], "2026-11-23T08:00:00Z");
    assert_eq!(stored["state"], "pending");
    assert_eq!(stored["attributes"], json!({"channel": "web"}));
    assert_eq!(app.get("/v1/interactions/none").await.problem(), "not_found");
}

#[tokio::test]
async fn ids_are_made_and_told_where_there_are_none() {
    let app = TestApp::new().await;
    let answer = app.ingest(r#"[{"query": "a"}, {"id": "mine", "query": "b"}]"#).await;
    assert_eq!(counts(&answer), [2, 0, 0, 0]);
    let items = &answer.json()["items"];
    assert_eq!((items[0]["index"].as_u64(), items.as_array().unwrap().len()), (Some(0), 1));
    let path = format!("/v1/interactions/{}", items[0]["id"].as_str().unwrap());
    assert_eq!(app.get(&path).await.json()["query"], "a");
}

#[tokio::test]
async fn json_lines_with_crlf_blanks_and_no_last_newline() {
    let app = TestApp::new().await;
    let body =
        "{\"query\": \"a\"}\r\n\r\n  \n{\"query\": \"b\"}\n{\"query\": \"c\"}{\"query\": \"d\"}";
    assert_eq!(counts(&app.ingest(body).await), [4, 0, 0, 0]);
    assert_eq!(counts(&app.ingest("[]").await), [0, 0, 0, 0]);
}

#[tokio::test]
async fn a_bad_item_never_costs_a_good_one() {
    let app = TestApp::new().await;
    let body = "{\"id\": \"a\", \"query\": \"a\"}\n{\"query\": \n{\"id\": \"b\", \"query\": 7}\n\
                {\"query\": \"c\", \"surprise\": 1}\n{\"id\": \"d\", \"query\": \"d\"}\n";
    let answer = app.ingest(body).await;
    assert_eq!(counts(&answer), [2, 0, 0, 3]);
    let errors = answer.json()["errors"].clone();
    let seen: Vec<_> = errors
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["index"].as_u64().unwrap(), e["pointer"].as_str().unwrap()))
        .collect();
    assert_eq!(seen, [(1, ""), (2, "/query"), (3, "/surprise")]);
    assert_eq!(errors[1]["id"], "b");
    let array = app.ingest(r#"[{"query": "x"}, 7, {"query": "y"}]"#).await;
    assert_eq!(counts(&array), [2, 0, 0, 1]);
}

#[tokio::test]
async fn what_is_all_bad_is_refused_as_a_whole() {
    let app = TestApp::new().await;
    for body in ["", "hello", "{\"query\": ", "[{\"query\": \"a\"}, {]", "\u{0}"] {
        let answer = app.ingest(body).await;
        assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("malformed_body", 400));
    }
    let answer = app.ingest(r#"[{"query": 1}, {"query": 2}]"#).await;
    assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("all_rejected", 422));
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 2);
    assert_eq!(app.get("/v1/status").await.json()["rejected"], 2);
}

#[tokio::test]
async fn a_repeated_post_is_a_duplicate_and_another_content_a_conflict() {
    let app = TestApp::new().await;
    let first = r#"{"id": "a", "query": "one"}"#;
    assert_eq!(counts(&app.ingest(first).await), [1, 0, 0, 0]);
    app.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(counts(&app.ingest(first).await), [0, 1, 0, 0]);
    let conflict = app.ingest(r#"{"id": "a", "query": "two"}"#).await;
    assert_eq!(conflict.problem(), "all_rejected");
    assert_eq!(conflict.json()["errors"][0]["code"], "conflict");
    let mixed = r#"[{"id": "a", "query": "two"}, {"id": "b", "query": "x"}, {"id": "b", "query": "x"},
        {"id": "b", "query": "y"}]"#;
    let answer = app.ingest(mixed).await;
    assert_eq!(counts(&answer), [1, 1, 0, 2]);
    let status = app.get("/v1/status").await.json();
    assert_eq!(status["accepted"], 2);
    assert_eq!(status["duplicates"], 2);
    assert_eq!(status["conflicts"], 3);
    assert_eq!(status["received"], 7);
    assert_eq!(status["conserved"], true);
    assert_eq!(app.get("/v1/interactions/a").await.json()["query"], "one");
}

#[tokio::test]
async fn gzip_and_zstd_are_read_to_their_last_byte() {
    let app = TestApp::new().await;
    let members = [gzip(lines(0..3).as_bytes()), gzip(lines(3..5).as_bytes())].concat();
    assert_eq!(counts(&app.ingest_encoded(members, Some("gzip")).await), [5, 0, 0, 0]);
    let zstd = zstd::encode_all(lines(5..8).as_bytes(), 1).unwrap();
    assert_eq!(counts(&app.ingest_encoded(zstd, Some("zstd")).await), [3, 0, 0, 0]);
    let long = gzip(lines(10..5000).as_bytes());
    assert!(long.len() > 16 << 10);
    assert_eq!(counts(&app.ingest_encoded(long, Some("gzip")).await), [4990, 0, 0, 0]);
}

#[tokio::test]
async fn bad_encodings_are_refused_and_nothing_is_kept() {
    let app = TestApp::new().await;
    let whole = gzip(lines(0..3).as_bytes());
    let garbage = [whole.clone(), b"garbage".to_vec()].concat();
    let cut = whole[..whole.len() - 4].to_vec();
    for body in [garbage, cut, b"plain".to_vec()] {
        let answer = app.ingest_encoded(body, Some("gzip")).await;
        assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("malformed_body", 400));
    }
    let answer = app.ingest_encoded("x", Some("br")).await;
    assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("unsupported_encoding", 415));
    assert_eq!(app.get("/v1/status").await.json()["received"], 0);
}

fn small() -> Config {
    let mut config = Config::default();
    config.limits.body_bytes = 10_000;
    config.limits.decompressed_bytes = 50_000;
    config.limits.batch_items = 100;
    config
}

#[tokio::test]
async fn limits_answer_413() {
    let app = TestApp::with(small(), SamplingConfig::default()).await;
    let bomb = gzip(&vec![b' '; 2_000_000]);
    assert!(bomb.len() < 10_000);
    let too_large = |answer: Answer| {
        assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("body_too_large", 413));
    };
    too_large(app.ingest_encoded(bomb, Some("gzip")).await);
    too_large(app.ingest("x".repeat(10_001)).await);
    let zstd = zstd::encode_all(&vec![b' '; 2_000_000][..], 1).unwrap();
    too_large(app.ingest_encoded(zstd, Some("zstd")).await);
    let answer = app.ingest(lines(0..101)).await;
    assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("batch_too_long", 413));
    assert_eq!(counts(&app.ingest(lines(0..100)).await), [100, 0, 0, 0]);
}

#[tokio::test]
async fn deep_nesting_costs_only_its_item() {
    let app = TestApp::new().await;
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let body =
        format!("{{\"query\": \"a\"}}\n{{\"query\": \"b\", \"metadata\": {{\"a\": {deep}}}}}\n");
    assert_eq!(counts(&app.ingest(body).await), [1, 0, 0, 1]);
}

#[tokio::test]
async fn a_silent_body_is_given_up() {
    let mut config = Config::default();
    config.timeouts.body_idle_seconds = 1;
    let app = TestApp::with(config, SamplingConfig::default()).await;
    let (writer, body) = silent_body();
    let answer = app.ingest(body).await;
    drop(writer);
    assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("body_timeout", 408));
}

/// A body whose bytes never come while the sender lives.
fn silent_body() -> (tokio::sync::mpsc::Sender<Bytes>, Body) {
    struct Silent(tokio::sync::mpsc::Receiver<Bytes>);
    impl hyper::body::Body for Silent {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(hyper::body::Frame::data(bytes))))
        }
    }
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    (sender, Body::new(Silent(receiver)))
}

#[tokio::test]
async fn the_budget_of_bytes_answers_503() {
    let mut config = Config::default();
    config.capacity.body_bytes_in_flight = 4096;
    let app = TestApp::with(config, SamplingConfig::default()).await;
    let answer = app.ingest(lines(0..200)).await;
    assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("overloaded", 503));
    assert_eq!(counts(&app.ingest(lines(0..20)).await), [20, 0, 0, 0]);
}

#[tokio::test]
async fn a_full_backlog_answers_429() {
    let mut config = Config::default();
    config.capacity.max_pending = 5;
    let app = TestApp::with(config, SamplingConfig::default()).await;
    assert_eq!(counts(&app.ingest(lines(0..5)).await), [5, 0, 0, 0]);
    let answer = app.ingest(lines(5..6)).await;
    assert_eq!((answer.problem().as_str(), answer.status.as_u16()), ("backlog_full", 429));
}

#[tokio::test]
async fn single_posts_at_once_are_all_stored() {
    let app = TestApp::new().await;
    let posts = (0..200).map(|i| {
        let router = app.router.clone();
        let key = app.keys[0].clone();
        tokio::spawn(async move {
            let request = hyper::Request::post("/v1/interactions")
                .header("x-api-key", key)
                .body(Body::from(lines(i..i + 1)))
                .unwrap();
            let answer = tower::ServiceExt::oneshot(router, request).await.unwrap();
            let status = answer.status();
            let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            (status, String::from_utf8_lossy(&body).into_owned())
        })
    });
    for post in posts.collect::<Vec<_>>() {
        let (status, body) = post.await.unwrap();
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    }
    assert_eq!(app.get("/v1/status").await.json()["accepted"], 200);
}

#[tokio::test]
async fn a_full_commit_queue_answers_503() {
    let mut config = Config::default();
    config.capacity.commit_queue = 1;
    config.capacity.commit_rows = 1;
    let app = TestApp::with(config, SamplingConfig::default()).await;
    let posts = (0..100).map(|i| {
        let router = app.router.clone();
        let key = app.keys[0].clone();
        tokio::spawn(async move {
            let request = hyper::Request::post("/v1/interactions")
                .header("x-api-key", key)
                .body(Body::from(lines(i..i + 1)))
                .unwrap();
            tower::ServiceExt::oneshot(router, request).await.unwrap().status().as_u16()
        })
    });
    let mut stored = 0;
    for post in posts.collect::<Vec<_>>() {
        match post.await.unwrap() {
            202 => stored += 1,
            status => assert_eq!(status, 503),
        }
    }
    assert!((1..100).contains(&stored), "{stored}");
    assert_eq!(app.get("/v1/status").await.json()["accepted"], stored);
}

#[tokio::test]
async fn sampled_out_items_are_counted_and_not_stored() {
    let sampling = SamplingConfig { rate: 0.3, max_per_minute: 0 };
    let app = TestApp::with(Config::default(), sampling).await;
    let [accepted, _, sampled_out, rejected] = counts(&app.ingest(lines(0..1000)).await);
    assert_eq!((accepted + sampled_out, rejected), (1000, 0));
    assert!((230..370).contains(&accepted), "{accepted}");
    let status = app.get("/v1/status").await.json();
    assert_eq!(status["sampled_out"], sampled_out);
    assert_eq!(
        (status["received"].as_u64(), status["pending"].as_u64()),
        (Some(1000), Some(accepted))
    );
    let metrics = String::from_utf8(app.get("/metrics").await.body.to_vec()).unwrap();
    let line = format!("seamark_ingest_interactions_total{{result=\"sampled_out\"}} {sampled_out}");
    assert!(metrics.contains(&line), "{metrics}");
}

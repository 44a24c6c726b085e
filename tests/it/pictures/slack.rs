//! A double of Slack's Web API that takes only what its manual says, in the order that it says.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use hyper::{HeaderMap, Method, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(super) const TOKEN: &str = "xoxb-1-secret";
/// In place of a status: there is no answer.
pub(super) const HANGS: &str = "hangs";

/// A file that came.
#[derive(Debug, Clone, Default)]
pub(super) struct Uploaded {
    length: usize,
    pub(super) alt: String,
    pub(super) bytes: Vec<u8>,
    pub(super) title: String,
}

#[derive(Default)]
struct Log {
    calls: Vec<String>,
    faults: Vec<String>,
    uploaded: Uploaded,
    /// A call that is answered so, and not as Slack would.
    answer: Option<(&'static str, &'static str, &'static str)>,
}

/// A running one.
#[derive(Clone)]
pub(super) struct Slack {
    pub(super) url: String,
    log: Arc<Mutex<Log>>,
}

impl Slack {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let slack = Self { url, log: Arc::default() };
        let router = Router::new().fallback(answer).with_state(slack.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        slack
    }

    /// One that answers `call` with a status and a body of its own.
    pub(super) async fn answering(
        call: &'static str,
        status: &'static str,
        body: &'static str,
    ) -> Self {
        let slack = Self::start().await;
        slack.log.lock().unwrap().answer = Some((call, status, body));
        slack
    }

    /// From now on it answers as Slack does.
    pub(super) fn recover(&self) {
        self.log.lock().unwrap().answer = None;
    }

    /// What was called, in order.
    pub(super) fn calls(&self) -> Vec<String> {
        self.log.lock().unwrap().calls.clone()
    }

    /// What Slack would not have taken.
    pub(super) fn faults(&self) -> Vec<String> {
        self.log.lock().unwrap().faults.clone()
    }

    pub(super) fn uploaded(&self) -> Uploaded {
        self.log.lock().unwrap().uploaded.clone()
    }

    /// What Slack answers to a call, or what is wrong with it.
    fn call(&self, call: &str, headers: &HeaderMap, body: &[u8]) -> Result<String, String> {
        let mut log = self.log.lock().unwrap();
        let before = log.calls.iter().rev().nth(1).cloned().unwrap_or_default();
        let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
        if call == "upload" {
            wanted(header("authorization").is_empty(), "the token is for the API only")?;
            wanted(header("content-type") == "image/png", header("content-type"))?;
            wanted(before == "files.getUploadURLExternal", "a URL before the bytes")?;
            wanted(body.len() == log.uploaded.length, "another length than was said")?;
            log.uploaded.bytes = body.to_vec();
            return Ok(format!("OK - {}", body.len()));
        }
        wanted(header("authorization") == format!("Bearer {TOKEN}"), "the token")?;
        let form = header("content-type") == "application/x-www-form-urlencoded";
        if call == "files.getUploadURLExternal" {
            wanted(form, "this one takes a form")?;
            wanted(before.starts_with("chat.postMessage"), "the message comes first")?;
            let pairs: Vec<(String, String)> =
                url::form_urlencoded::parse(body).into_owned().collect();
            let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
            wanted(names == ["filename", "length", "alt_txt"], &format!("{names:?}"))?;
            wanted(pairs[0].1 == "timeline.png", &pairs[0].1)?;
            log.uploaded.length = pairs[1].1.parse().map_err(|_| "a length".to_owned())?;
            log.uploaded.alt.clone_from(&pairs[2].1);
            wanted((1..=1000).contains(&log.uploaded.alt.chars().count()), "alt_txt_too_large")?;
            let url = format!("{}/upload/v1/ABC", self.url);
            return Ok(json!({"ok": true, "upload_url": url, "file_id": "F1"}).to_string());
        }
        wanted(!form && header("content-type").starts_with("application/json"), "JSON")?;
        let document: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        match call {
            "chat.postMessage" => wanted(document["channel"] == "C0123", "the channel")?,
            "chat.update" => wanted(document["ts"] == "17.5", "the message that it sent")?,
            "files.completeUploadExternal" => {
                wanted(before == "upload", "the bytes come before")?;
                let title = document["files"][0]["title"].as_str().unwrap_or_default();
                title.clone_into(&mut log.uploaded.title);
                let said = json!({"files": [{"id": "F1", "title": title}], "channel_id": "C1",
                    "thread_ts": "17.5"});
                wanted(document == said, &document.to_string())?;
            }
            other => return Err(format!("what is {other}?")),
        }
        Ok(json!({"ok": true, "channel": "C1", "ts": "17.5"}).to_string())
    }
}

fn wanted(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

async fn answer(
    State(slack): State<Slack>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    assert_eq!(method, Method::POST);
    let call = match uri.path() {
        "/upload/v1/ABC" => "upload",
        path => path.strip_prefix("/api/").unwrap(),
    };
    slack.log.lock().unwrap().calls.push(call.to_owned());
    let own = slack.log.lock().unwrap().answer.filter(|(which, ..)| *which == call);
    let (status, body) = match own {
        Some((_, HANGS, _)) => std::future::pending().await,
        Some((_, status, body)) => (status[..3].parse::<u16>().unwrap(), body.to_owned()),
        None => match slack.call(call, &headers, &body) {
            Ok(body) => (200, body),
            Err(fault) => {
                slack.log.lock().unwrap().faults.push(format!("{call}: {fault}"));
                (400, json!({"ok": false, "error": "invalid_arguments"}).to_string())
            }
        },
    };
    let answer = Response::builder().status(status).header("retry-after", "0");
    answer.body(Body::from(body)).unwrap()
}

//! A webhook receiver that keeps everything it was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use seamark::clock::{Clock, SystemClock};
use seamark::notify::{Headers, Secret, VerifyError};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// `webhook-id`.
    pub(crate) id: String,
    timestamp: String,
    signature: String,
    /// The exact body.
    pub(crate) body: String,
}

impl Message {
    /// Whether `secret` signed it, just now.
    pub(crate) fn verify(&self, secret: &Secret) -> Result<(), VerifyError> {
        let headers =
            Headers { id: &self.id, timestamp: &self.timestamp, signature: &self.signature };
        secret.verify(&headers, &self.body, SystemClock.now(), Duration::from_mins(5))
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A running receiver.
pub(crate) struct Receiver {
    address: SocketAddr,
    arrived: watch::Receiver<usize>,
    inbox: Inbox,
}

#[derive(Clone)]
struct Inbox {
    messages: Arc<Mutex<Vec<Message>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Receiver {
    /// Starts on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, arrived) = watch::channel(0);
        let inbox = Inbox { messages: Arc::default(), count: Arc::new(count) };
        let router = Router::new().route("/hook", post(take)).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, arrived, inbox }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Everything that has arrived, once it is `count` messages at least.
    pub(crate) async fn messages(&self, count: usize) -> Vec<Message> {
        let mut arrived = self.arrived.clone();
        let enough = arrived.wait_for(|n| *n >= count);
        let waited = tokio::time::timeout(Duration::from_secs(30), enough).await;
        let so_far = self.inbox.messages.lock().unwrap().clone();
        assert!(waited.is_ok(), "{count} messages are due, and these have come: {so_far:#?}");
        so_far
    }
}

async fn take(State(inbox): State<Inbox>, headers: HeaderMap, body: String) {
    // A workflow's start is not signed.
    let header = |name: &str| {
        headers.get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    };
    let message = Message {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body,
    };
    inbox.messages.lock().unwrap().push(message);
    inbox.count.send_modify(|count| *count += 1);
}

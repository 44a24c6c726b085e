//! A receiver on this machine that shows what a real one would get.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::clock::{Clock, SystemClock};
use crate::notify::{Headers, Secret};

/// A message that arrived.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// At the Slack-shaped path: the Block Kit body.
    Slack(Value),
    /// At the webhook path.
    Webhook {
        /// `webhook-id`, the same on every attempt.
        id: String,
        /// Whether the signature was right.
        verified: bool,
        /// The body.
        body: Value,
    },
}

#[derive(Clone)]
struct Receiver {
    arrivals: mpsc::UnboundedSender<Arrival>,
    secret: Arc<Mutex<Option<Secret>>>,
}

/// A running receiver.
pub struct DemoReceiver {
    /// Where it listens.
    pub address: SocketAddr,
    /// What arrives.
    pub arrivals: mpsc::UnboundedReceiver<Arrival>,
    secret: Arc<Mutex<Option<Secret>>>,
}

impl DemoReceiver {
    /// Starts listening on a free port of loopback.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (sender, arrivals) = mpsc::unbounded_channel();
        let secret = Arc::new(Mutex::new(None));
        let state = Receiver { arrivals: sender, secret: secret.clone() };
        let router = Router::new()
            .route("/slack", post(slack))
            .route("/webhook", post(webhook))
            .with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, arrivals, secret })
    }

    /// Verifies signatures with `secret` from here on.
    pub fn trust(&self, secret: Secret) {
        *self.secret.lock().unwrap_or_else(PoisonError::into_inner) = Some(secret);
    }
}

async fn slack(State(receiver): State<Receiver>, body: String) -> &'static str {
    let body = serde_json::from_str(&body).unwrap_or_default();
    let _ = receiver.arrivals.send(Arrival::Slack(body));
    // Slack's own answer to a message it took.
    "ok"
}

async fn webhook(State(receiver): State<Receiver>, headers: HeaderMap, body: String) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let id = header("webhook-id").to_owned();
    let signed = Headers {
        id: &id,
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    let secret = receiver.secret.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let verified = secret.is_some_and(|secret| {
        secret.verify(&signed, &body, SystemClock.now(), Duration::from_mins(5)).is_ok()
    });
    let body = serde_json::from_str(&body).unwrap_or_default();
    let _ = receiver.arrivals.send(Arrival::Webhook { id, verified, body });
}

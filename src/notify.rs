//! Tells receivers: builds messages, signs them and brings them there.
//!
//! One call of [`Notifier::deliver`] is one attempt; the worker stores its outcome and calls again
//! when the next attempt is due.

mod backoff;
mod message;
mod signature;
mod slack;
mod text;
mod webhook;

use std::time::{Duration, Instant};

use rand::RngCore;
use serde::{Deserialize, Serialize};

pub use backoff::{Next, delay_before};
pub use message::{AlertMessage, ExampleText, Links, body, test_body};
pub use signature::{Headers, Secret, SecretError, VerifyError};

use crate::clock::Timestamp;
use crate::egress::{
    AllowError, BuildError, Guard, GuardedClient, Limits, Request, Response, SendError, UrlError,
};
use crate::model::delivery::{Attempt, Delivery, Receiver, ReceiverKind};

/// More of a receiver's answer is not read.
const BODY_LIMIT: usize = 64 * 1024;

/// Settings of outgoing messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Private addresses, CIDR ranges and host names that receivers may have; http is allowed there.
    pub allow_private: Vec<String>,
    /// For the connection, in milliseconds.
    pub connect_timeout_ms: u64,
    /// For the whole exchange with a receiver, in milliseconds.
    pub timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { allow_private: Vec::new(), connect_timeout_ms: 5_000, timeout_ms: 15_000 }
    }
}

impl Config {
    /// Every problem of the settings, as (key, what is wrong and the remedy).
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if let Err(error) = Guard::new(&self.allow_private) {
            problems.push(("allow_private".to_owned(), error.to_string()));
        }
        for (key, value) in
            [("connect_timeout_ms", self.connect_timeout_ms), ("timeout_ms", self.timeout_ms)]
        {
            if value == 0 {
                problems.push((key.to_owned(), "must be at least 1".to_owned()));
            }
        }
        problems
    }
}

/// Messages cannot be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// An entry of `allow_private`.
    #[error(transparent)]
    Allow(#[from] AllowError),
    /// The HTTP client.
    #[error(transparent)]
    Client(#[from] BuildError),
}

/// Why a receiver did not answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("the receiver's signing secret is unusable: {0}")]
    Secret(String),
}

/// One attempt and what follows from it.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptOutcome {
    /// The exchange, for the delivery's log.
    pub attempt: Attempt,
    /// What comes next.
    pub next: Next,
}

/// Delivers messages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Notifier {
    client: GuardedClient,
    guard: Guard,
}

impl Notifier {
    /// A notifier that follows `config`.
    pub fn new(config: &Config) -> Result<Self, SetupError> {
        let guard = Guard::new(&config.allow_private)?;
        let limits = Limits {
            connect: Duration::from_millis(config.connect_timeout_ms),
            exchange: Duration::from_millis(config.timeout_ms),
            body_bytes: BODY_LIMIT,
            // A receiver's name may mean another address by the next attempt.
            idle_connections: 0,
        };
        let client = GuardedClient::new(guard.clone(), limits)?;
        Ok(Self { client, guard })
    }

    /// Judges a URL that a user enters for a receiver; names are resolved only when it is called.
    pub fn check_url(&self, url: &str) -> Result<(), UrlError> {
        self.guard.check(url).map(drop)
    }

    /// Makes one attempt to bring `delivery` to `receiver`. `rng` spreads the retries.
    pub async fn deliver(
        &self,
        delivery: &Delivery,
        receiver: &Receiver,
        now: Timestamp,
        rng: &mut (impl RngCore + Send),
    ) -> AttemptOutcome {
        let start = Instant::now();
        let result = self.exchange(delivery, receiver, now).await;
        let took = start.elapsed();
        let number = delivery.attempts.saturating_add(1);
        let attempt = Attempt {
            delivery_id: delivery.id,
            number,
            at: now,
            status_code: result.as_ref().ok().map(|response| i64::from(response.status)),
            duration_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
            error: problem(receiver.kind, &result),
        };
        AttemptOutcome {
            attempt,
            next: backoff::after(receiver.kind, number, &result, now.plus(took), rng),
        }
    }

    async fn exchange(
        &self,
        delivery: &Delivery,
        receiver: &Receiver,
        now: Timestamp,
    ) -> Result<Response, Failure> {
        let headers = match receiver.kind {
            ReceiverKind::Webhook => signed_headers(delivery, receiver, now)?,
            ReceiverKind::Slack => Vec::new(),
        };
        let request = Request { url: &receiver.url, headers: &headers, body: &delivery.body };
        Ok(self.client.send(request).await?)
    }
}

fn signed_headers(
    delivery: &Delivery,
    receiver: &Receiver,
    now: Timestamp,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let secret = Secret::parse(receiver.secret.as_deref().unwrap_or_default())
        .map_err(|error| Failure::Secret(error.to_string()))?;
    let id = delivery.id.to_string();
    let signature = secret.sign(&id, now, &delivery.body);
    Ok(vec![
        ("webhook-id", id),
        ("webhook-timestamp", now.as_seconds().to_string()),
        ("webhook-signature", signature),
    ])
}

/// What went wrong, for the delivery's log.
fn problem(kind: ReceiverKind, result: &Result<Response, Failure>) -> Option<String> {
    match result {
        Err(error) => Some(error.to_string()),
        Ok(response) if backoff::is_delivered(kind, response) => None,
        Ok(response) => {
            let excerpt = text::cut(response.body.trim(), 200);
            Some(format!("the receiver answered {} {excerpt:?}", response.status))
        }
    }
}

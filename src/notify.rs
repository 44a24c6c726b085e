//! Tells receivers: builds messages, signs them and brings them there.
//!
//! One call of [`Notifier::deliver`] is one attempt; the worker stores its outcome and calls again
//! when the next attempt is due.

mod alertmanager;
mod backoff;
mod channel;
mod discord;
mod message;
mod opsgenie;
mod pagerduty;
mod rate;
mod signature;
mod slack;
mod slack_bot;
mod teams;
mod text;
mod webhook;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngCore;
use serde::{Deserialize, Serialize};

pub use backoff::{Next, delay_before};
pub use channel::{Problem, SecretUse};
pub use message::{AlertMessage, ExampleText, Links};
pub use rate::{Bucket, Rate, Rates};
pub use signature::{Headers, Secret, SecretError, VerifyError};

use crate::alert::EventKind;
use crate::clock::Timestamp;
use crate::egress::{
    AllowError, BuildError, Guard, GuardedClient, Limits, Request, Response, SendError, UrlError,
};
use crate::model::delivery::{Attempt, Delivery};
use crate::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use channel::{Answer, Note, Posting};

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
    /// How many messages a receiver is sent, by its kind.
    pub rates: Rates,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allow_private: Vec::new(),
            connect_timeout_ms: 5_000,
            timeout_ms: 15_000,
            rates: Rates::default(),
        }
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
        problems.extend(self.rates.problems());
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
    #[error("the stored message cannot be read: {0}")]
    Body(String),
}

/// The exact body for `receiver`: to be stored with the delivery.
pub fn body(receiver: &Receiver, message: &AlertMessage<'_>) -> String {
    channel::of(receiver.kind).body(&receiver.settings, message)
}

/// The body of a message with which `receiver` is tried out.
pub fn test_body(receiver: &Receiver, now: Timestamp) -> String {
    let name = text::cut(&receiver.name, 200);
    let text = format!("Test message from Seamark for receiver {name}.");
    let note = Note { event: EventKind::Test, receiver: &name, text: &text, now };
    channel::of(receiver.kind).note_body(&receiver.settings, &note)
}

/// The body of a message to `receiver` that another one, called `lost`, was switched off after `error`.
pub fn disabled_body(receiver: &Receiver, lost: &str, error: &str, now: Timestamp) -> String {
    let lost = text::cut(lost, 200);
    let text = format!(
        "Seamark has switched off the receiver {lost}: {}. Enable it again once it works, and replay what it \
         missed.",
        text::cut(error, 300)
    );
    let note = Note { event: EventKind::ReceiverDisabled, receiver: &lost, text: &text, now };
    channel::of(receiver.kind).note_body(&receiver.settings, &note)
}

/// Whether one message to receivers of `kind` may tell of several alerts.
pub fn groups(kind: ReceiverKind) -> bool {
    channel::of(kind).groups()
}

/// Where receivers of `kind` listen unless told otherwise; `None` where a URL has to be given.
pub fn default_url(kind: ReceiverKind) -> Option<&'static str> {
    channel::of(kind).default_url()
}

/// Whether receivers of `kind` have a secret.
pub fn secret_use(kind: ReceiverKind) -> SecretUse {
    channel::of(kind).secret()
}

/// What is wrong with a receiver's settings and secret.
pub fn problems(
    kind: ReceiverKind,
    settings: &ReceiverSettings,
    secret: Option<&str>,
) -> Vec<Problem> {
    channel::of(kind).problems(settings, secret)
}

/// One attempt and what follows from it.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptOutcome {
    /// The exchange, for the delivery's log.
    pub attempt: Attempt,
    /// What later messages about the same alert need of the answer.
    pub remember: Option<String>,
    /// What comes next.
    pub next: Next,
}

/// Delivers messages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Notifier {
    client: GuardedClient,
    guard: Guard,
    rates: Arc<Rates>,
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
        Ok(Self { client, guard, rates: Arc::new(config.rates.clone()) })
    }

    /// How many messages a receiver of `kind` is sent.
    pub fn rate(&self, kind: ReceiverKind) -> Rate {
        self.rates.of(kind)
    }

    /// Judges a URL that a user enters for a receiver; names are resolved only when it is called.
    pub fn check_url(&self, url: &str) -> Result<(), UrlError> {
        self.guard.check(url).map(drop)
    }

    /// Makes one attempt to bring `delivery` to `receiver`. `remembered` is what an earlier outcome
    /// about the same alert said is needed of it; `rng` spreads the retries.
    pub async fn deliver(
        &self,
        delivery: &Delivery,
        receiver: &Receiver,
        remembered: Option<&str>,
        now: Timestamp,
        rng: &mut (impl RngCore + Send),
    ) -> AttemptOutcome {
        let channel = channel::of(receiver.kind);
        let start = Instant::now();
        let result = self.exchange(&Posting { receiver, delivery, remembered, now }).await;
        let took = start.elapsed();
        let number = delivery.attempts.saturating_add(1);
        let answer = result.as_ref().ok().map(|response| channel.answer(response));
        let delivered = answer == Some(Answer::Delivered);
        let attempt = Attempt {
            delivery_id: delivery.id,
            number,
            at: now,
            status_code: result.as_ref().ok().map(|response| i64::from(response.status)),
            duration_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
            error: problem(delivered, &result),
        };
        let response = result.as_ref().ok();
        AttemptOutcome {
            attempt,
            remember: response.filter(|_| delivered).and_then(|r| channel.remember(r)),
            next: backoff::after(answer, response, number, now.plus(took), rng),
        }
    }

    async fn exchange(&self, posting: &Posting<'_>) -> Result<Response, Failure> {
        let outgoing = channel::of(posting.receiver.kind).request(posting)?;
        let request =
            Request { url: &outgoing.url, headers: &outgoing.headers, body: &outgoing.body };
        Ok(self.client.send(request).await?)
    }
}

/// What went wrong, for the delivery's log.
fn problem(delivered: bool, result: &Result<Response, Failure>) -> Option<String> {
    match result {
        Err(error) => Some(error.to_string()),
        Ok(_) if delivered => None,
        Ok(response) => {
            let excerpt = text::cut(response.body.trim(), 200);
            Some(format!("the receiver answered {} {excerpt:?}", response.status))
        }
    }
}

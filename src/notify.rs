//! Tells receivers: builds messages, signs them and brings them there.
//!
//! One call of [`Notifier::deliver`] is one attempt; the worker stores its outcome and calls again
//! when the next attempt is due.

mod alertmanager;
mod backoff;
mod channel;
mod discord;
mod email;
mod message;
mod opsgenie;
mod pagerduty;
mod rate;
mod retrain;
mod sample;
mod signature;
mod slack;
mod slack_bot;
mod teams;
mod text;
mod timeline;
mod webhook;
mod wording;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngCore;
use serde::{Deserialize, Serialize};

pub use backoff::{Next, delay_before};
pub use channel::{Problem, SecretUse, Showing};
pub use message::{AlertMessage, ExampleText, Links};
pub use rate::{Bucket, Rate, Rates};
pub use retrain::{RETRAIN_EVENT, RetrainLinks, retrain_body, without_capabilities};
pub use sample::Sample;
pub use signature::{Headers, Secret, SecretError, VerifyError};
pub use timeline::{Picture, timeline};

use crate::alert::EventKind;
use crate::clock::Timestamp;
use crate::egress::{
    AllowError, BuildError, Guard, GuardedClient, Limits, Mail, MailClient, Request, Response,
    SendError, UrlError,
};
use crate::model::delivery::{Attempt, Delivery};
use crate::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use channel::{Answer, Note, Outgoing, Posting};

/// More of a receiver's answer is not read.
const BODY_LIMIT: usize = 64 * 1024;

/// Settings of outgoing messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Private addresses, CIDR ranges and host names that receivers may have; http, and mail without
    /// TLS, are allowed there.
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
    /// The client for HTTP or for mail.
    #[error(transparent)]
    Client(#[from] BuildError),
}

/// Why a receiver did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The exchange.
    #[error(transparent)]
    Send(#[from] SendError),
    /// What it is to be signed with.
    #[error("the receiver's signing secret is unusable: {0}")]
    Secret(String),
    /// What the receiver was set to.
    #[error("the receiver's settings are unusable: {0}")]
    Settings(String),
    /// What is stored.
    #[error("the stored message cannot be read: {0}")]
    Body(String),
}

/// Why a picture is not below a message that arrived.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// It took longer than `notify.timeout_ms` in all.
    #[error("no end in time")]
    Late,
    /// The app may not do it.
    #[error(
        "the app lacks the scope files:write: add it and install the app again, or set the receiver's settings.picture to false"
    )]
    Scope,
    /// A step said no.
    #[error("{0} answered {1}")]
    Refused(&'static str, String),
    /// A step had no answer.
    #[error("{0}: {1}")]
    Failed(&'static str, #[source] Failure),
}

/// The exact body for `receiver`: to be stored with the delivery.
pub fn body(receiver: &Receiver, message: &AlertMessage<'_>) -> String {
    let channel = channel::of(receiver.kind);
    let Some(template) = &receiver.settings.template else {
        return channel.body(&receiver.settings, message);
    };
    let wording = wording::wording(template, message);
    let message = AlertMessage { wording: Some(&wording), ..*message };
    let own = wording::body(template, &message);
    own.unwrap_or_else(|| channel.body(&receiver.settings, &message))
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

/// What is wrong with a receiver's settings and secret, and with the secret beside its `url`.
pub fn problems(
    kind: ReceiverKind,
    url: &str,
    settings: &ReceiverSettings,
    secret: Option<&str>,
) -> Vec<Problem> {
    let channel = channel::of(kind);
    let mut problems = channel.problems(settings, secret);
    if channel.secret() == SecretUse::Password {
        problems.extend(email::login_problem(url, secret));
    }
    if settings.picture == Some(true) && channel.showing() == Showing::Never {
        let wanted = "must be left out: messages of this kind carry no picture".to_owned();
        problems.push(("/settings/picture", wanted));
    }
    problems.extend(wording::problems(kind, settings));
    problems
}

/// How a picture goes with `delivery` to `receiver`. Below a message it goes once: with the alert's
/// begin, unless something is remembered of an earlier message about the same alert.
pub fn showing(receiver: &Receiver, delivery: &Delivery, remembered: Option<&str>) -> Showing {
    let is_begin = delivery.event_type == EventKind::Firing.as_str() && remembered.is_none();
    match channel::of(receiver.kind).showing() {
        _ if receiver.settings.picture == Some(false) || delivery.alert_id.is_none() => {
            Showing::Never
        }
        Showing::Below if !is_begin => Showing::Never,
        showing => showing,
    }
}

/// What is wrong with a receiver's templates.
pub fn template_problems(kind: ReceiverKind, settings: &ReceiverSettings) -> Vec<Problem> {
    wording::problems(kind, settings)
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
    mail: MailClient,
    guard: Guard,
    rates: Arc<Rates>,
    patience: Duration,
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
        let mail = MailClient::new(guard.clone(), limits)?;
        let (rates, patience) = (Arc::new(config.rates.clone()), limits.exchange);
        Ok(Self { client, mail, guard, rates, patience })
    }

    /// How many messages a receiver of `kind` is sent.
    pub fn rate(&self, kind: ReceiverKind) -> Rate {
        self.rates.of(kind)
    }

    /// Judges a URL that a user enters for a receiver of `kind`; names are resolved only when it is
    /// called. Gives back its scheme and host, for people.
    pub fn check_url(&self, kind: ReceiverKind, url: &str) -> Result<String, UrlError> {
        channel::of(kind).check_url(&self.guard, url)
    }

    /// Puts `picture` below a message that arrived, of which `remembered` is kept. There is one try, and
    /// all of it takes no longer than one exchange may.
    pub async fn attach(
        &self,
        receiver: &Receiver,
        remembered: &str,
        picture: &Picture,
    ) -> Result<(), AttachError> {
        let upload = slack_bot::upload(&self.client, receiver, remembered, picture);
        tokio::time::timeout(self.patience, upload).await.unwrap_or(Err(AttachError::Late))
    }

    /// Makes one attempt to bring `delivery` to `receiver`. `remembered` is what an earlier outcome
    /// about the same alert said is needed of it, `picture` what the message shows where [`showing`]
    /// says that it may; `rng` spreads the retries.
    pub async fn deliver(
        &self,
        delivery: &Delivery,
        receiver: &Receiver,
        remembered: Option<&str>,
        picture: Option<&Picture>,
        now: Timestamp,
        rng: &mut (impl RngCore + Send),
    ) -> AttemptOutcome {
        let channel = channel::of(receiver.kind);
        let start = Instant::now();
        let result = self.exchange(&Posting { receiver, delivery, remembered, picture, now }).await;
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
            error: match &result {
                Ok(response) if delivered => channel.remark(response),
                other => Some(problem(other)),
            },
        };
        let response = result.as_ref().ok();
        AttemptOutcome {
            attempt,
            remember: response.filter(|_| delivered).and_then(|r| channel.remember(r)),
            next: backoff::after(answer, response, number, now.plus(took), rng),
        }
    }

    async fn exchange(&self, posting: &Posting<'_>) -> Result<Response, Failure> {
        let receiver = posting.receiver;
        Ok(match channel::of(receiver.kind).request(posting)? {
            Outgoing::Post(post) => {
                let body = post.body.as_bytes();
                let request = Request { url: &post.url, headers: &post.headers, body };
                self.client.send(request).await?
            }
            Outgoing::Mail(letter) => {
                let mail = Mail {
                    url: &receiver.url,
                    password: receiver.secret.as_deref(),
                    from: &letter.from,
                    to: &letter.to,
                    message: &letter.message,
                };
                self.mail.send(mail).await?
            }
        })
    }
}

/// What went wrong, for the delivery's log.
fn problem(result: &Result<Response, Failure>) -> String {
    match result {
        Err(error) => error.to_string(),
        Ok(response) => {
            let excerpt = text::cut(response.body.trim(), 200);
            format!("the receiver answered {} {excerpt:?}", response.status)
        }
    }
}

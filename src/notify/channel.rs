//! What all kinds of receivers have in common: one trait, a file each.

use std::time::Duration;

use crate::alert::EventKind;
use crate::clock::Timestamp;
use crate::egress::{Guard, Response, UrlError};
use crate::model::delivery::Delivery;
use crate::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use crate::notify::message::AlertMessage;
use crate::notify::timeline::Picture;
use crate::notify::{
    Failure, alertmanager, discord, email, opsgenie, pagerduty, retrain, slack, slack_bot, teams,
    webhook,
};

/// One kind of receiver: what it is sent, and how its answers are read.
pub(super) trait Channel: Sync {
    /// The exact body about an alert, to be stored with the delivery.
    fn body(&self, settings: &ReceiverSettings, message: &AlertMessage<'_>) -> String;

    /// The body of a message that is about no alert.
    fn note_body(&self, settings: &ReceiverSettings, note: &Note<'_>) -> String;

    /// What one attempt sends.
    fn request(&self, posting: &Posting<'_>) -> Result<Outgoing, Failure> {
        Ok(Outgoing::Post(posting.plain()))
    }

    /// What an answer means.
    fn answer(&self, response: &Response) -> Answer {
        by_status(response)
    }

    /// What went wrong although the message arrived.
    fn remark(&self, _response: &Response) -> Option<String> {
        None
    }

    /// What later messages about the same alert need of the answer to the first.
    fn remember(&self, _response: &Response) -> Option<String> {
        None
    }

    /// Whether one message may tell of several alerts; else each alert has messages of its own.
    fn groups(&self) -> bool {
        false
    }

    /// How a picture of the timeline goes with a message about an alert.
    fn showing(&self) -> Showing {
        Showing::Never
    }

    /// Where such receivers listen unless told otherwise; `None` where a URL has to be given.
    fn default_url(&self) -> Option<&'static str> {
        None
    }

    /// Judges a URL that is entered for such a receiver; gives back what of it people may see.
    fn check_url(&self, guard: &Guard, url: &str) -> Result<String, UrlError> {
        Ok(guard.check(url)?.origin().ascii_serialization())
    }

    /// Whether a secret is made, has to be given, or is not used.
    fn secret(&self) -> SecretUse;

    /// What is wrong with settings and secret, as (JSON pointer, what is wrong and the remedy).
    fn problems(&self, settings: &ReceiverSettings, secret: Option<&str>) -> Vec<Problem>;
}

/// A JSON pointer, and what is wrong there and the remedy.
pub type Problem = (&'static str, String);

/// Whether a kind of receiver has a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretUse {
    /// It is made, and shown once, unless one is given.
    Signing,
    /// It has to be given: a token or key that the receiver's owner handed out.
    Given,
    /// Some of its forms have one, others do not.
    Optional,
    /// It is the password of the user whom the URL names, and there is none without one.
    Password,
    /// There is none: the URL is the secret, or nothing is.
    None,
}

/// How a picture goes with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Showing {
    /// It does not.
    Never,
    /// Within it.
    Inside,
    /// Once it has arrived, below it.
    Below,
}

/// A message that is about no alert.
#[derive(Debug, Clone, Copy)]
pub(super) struct Note<'a> {
    /// What happened.
    pub(super) event: EventKind,
    /// The name of the receiver that it is about, cut to a bearable length.
    pub(super) receiver: &'a str,
    /// What to say, in one sentence.
    pub(super) text: &'a str,
    pub(super) now: Timestamp,
}

/// One attempt to bring a delivery to a receiver.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posting<'a> {
    pub(super) receiver: &'a Receiver,
    pub(super) delivery: &'a Delivery,
    /// What [`Channel::remember`] kept of the first message about the same alert.
    pub(super) remembered: Option<&'a str>,
    /// What the message shows, for [`Showing::Inside`].
    pub(super) picture: Option<&'a Picture>,
    pub(super) now: Timestamp,
}

impl Posting<'_> {
    /// The stored body to the receiver's URL.
    pub(super) fn plain(&self) -> Post {
        Post {
            url: self.receiver.url.clone(),
            headers: Vec::new(),
            body: self.delivery.body.clone(),
        }
    }

    /// Whether the message tells of an alert's end.
    pub(super) fn is_resolved(&self) -> bool {
        self.delivery.event_type == EventKind::Resolved.as_str()
    }

    /// The secret, which every kind that asks for it has.
    pub(super) fn secret(&self) -> &str {
        self.receiver.secret.as_deref().unwrap_or_default()
    }
}

/// A message as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outgoing {
    Post(Post),
    Mail(Letter),
}

/// Mail for the server in the receiver's URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    /// The sender's address.
    pub(super) from: String,
    /// The recipients' addresses.
    pub(super) to: Vec<String>,
    /// Headers and parts, as they are sent.
    pub(super) message: Vec<u8>,
}

/// A POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Post {
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It arrived.
    Delivered,
    /// Try again, by the schedule, and no sooner than after this.
    Later(Duration),
    /// This message will never be taken: it is wrong, not the moment.
    Refused,
    /// The receiver is gone for good.
    Gone,
}

/// 2xx arrived, 410 is gone, everything else may come right.
pub(super) fn by_status(response: &Response) -> Answer {
    match response.status {
        200..300 => Answer::Delivered,
        410 => Answer::Gone,
        _ => Answer::Later(Duration::ZERO),
    }
}

/// The same where 400, 401, 403, 404, 413 and 422 say that the message or the key is wrong for good.
pub(super) fn by_strict_status(response: &Response) -> Answer {
    match response.status {
        400 | 401 | 403 | 404 | 413 | 422 => Answer::Refused,
        _ => by_status(response),
    }
}

/// The kind's channel.
pub(super) fn of(kind: ReceiverKind) -> &'static dyn Channel {
    match kind {
        ReceiverKind::Webhook => &webhook::Webhook,
        ReceiverKind::Slack => &slack::Slack,
        ReceiverKind::SlackBot => &slack_bot::SlackBot,
        ReceiverKind::Teams => &teams::Teams,
        ReceiverKind::Discord => &discord::Discord,
        ReceiverKind::Pagerduty => &pagerduty::Pagerduty,
        ReceiverKind::Opsgenie => &opsgenie::Opsgenie,
        ReceiverKind::Alertmanager => &alertmanager::Alertmanager,
        ReceiverKind::Retrain => &retrain::Retraining,
        ReceiverKind::Email => &email::Email,
    }
}

/// That a secret was given, for [`SecretUse::Given`].
pub(super) fn secret_given(secret: Option<&str>, what: &str) -> Vec<Problem> {
    let usable = |secret: &str| {
        !secret.is_empty() && secret.len() <= 500 && secret.bytes().all(|b| b.is_ascii_graphic())
    };
    if secret.is_some_and(usable) {
        return Vec::new();
    }
    vec![("/secret", format!("must hold {what}: 1 to 500 visible ASCII characters"))]
}

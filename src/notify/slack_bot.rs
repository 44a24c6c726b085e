//! Slack with a bot token: the same blocks as an incoming webhook, a picture of the timeline below them,
//! and the end of an alert edits the message about its begin.
//!
//! *Source:* `chat.postMessage` and `chat.update` of Slack's Web API; both answer 200 and say in the
//! body whether they did it.

mod upload;

use serde_json::{Value, json};

use crate::egress::Response;
use crate::model::receiver::ReceiverSettings;
use crate::notify::channel::{
    Answer, Channel, Note, Outgoing, Posting, Problem, SecretUse, Showing, by_status, secret_given,
};
use crate::notify::message::AlertMessage;
use crate::notify::{Failure, slack};
pub(super) use upload::upload;

/// Errors that no later attempt mends.
const FINAL: [&str; 9] = [
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "missing_scope",
    "invalid_blocks",
];

pub(super) struct SlackBot;

impl Channel for SlackBot {
    fn body(&self, _: &ReceiverSettings, message: &AlertMessage<'_>) -> String {
        slack::body(message)
    }

    fn note_body(&self, _: &ReceiverSettings, note: &Note<'_>) -> String {
        slack::note_body(note)
    }

    fn request(&self, posting: &Posting<'_>) -> Result<Outgoing, Failure> {
        let mut outgoing = posting.plain();
        let mut body: Value = serde_json::from_str(&outgoing.body)
            .map_err(|error| Failure::Body(error.to_string()))?;
        // An edit pings nobody: a reminder is a message of its own.
        let begin = posting.remembered.filter(|_| posting.is_resolved());
        let earlier = begin.and_then(|text| serde_json::from_str::<Value>(text).ok());
        let method = if let Some(message) = &earlier {
            body["channel"] = message["channel"].clone();
            body["ts"] = message["ts"].clone();
            "chat.update"
        } else {
            body["channel"] = json!(posting.receiver.settings.channel);
            "chat.postMessage"
        };
        outgoing.url = format!("{}/{method}", posting.receiver.url.trim_end_matches('/'));
        outgoing.headers.push(("authorization", format!("Bearer {}", posting.secret())));
        outgoing.body = body.to_string();
        Ok(Outgoing::Post(outgoing))
    }

    fn answer(&self, response: &Response) -> Answer {
        match (by_status(response), answer_of(response)) {
            (Answer::Delivered, Some(body)) if body["ok"] == json!(true) => Answer::Delivered,
            (Answer::Delivered, Some(body)) => match body["error"].as_str() {
                Some(error) if FINAL.contains(&error) => Answer::Refused,
                _ => Answer::Later(std::time::Duration::ZERO),
            },
            (Answer::Delivered, None) => Answer::Later(std::time::Duration::ZERO),
            (other, _) => other,
        }
    }

    fn remember(&self, response: &Response) -> Option<String> {
        let body = answer_of(response)?;
        let (channel, ts) = (body["channel"].as_str()?, body["ts"].as_str()?);
        Some(json!({ "channel": channel, "ts": ts }).to_string())
    }

    fn showing(&self) -> Showing {
        Showing::Below
    }

    fn default_url(&self) -> Option<&'static str> {
        Some("https://slack.com/api")
    }

    fn secret(&self) -> SecretUse {
        SecretUse::Given
    }

    fn problems(&self, settings: &ReceiverSettings, secret: Option<&str>) -> Vec<Problem> {
        let mut problems = secret_given(secret, "the app's bot token, xoxb-…");
        let is_id = |channel: &str| {
            (2..=30).contains(&channel.len()) && channel.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        if !settings.channel.as_deref().is_some_and(is_id) {
            problems.push((
                "/settings/channel",
                "must hold the channel's id, as C0123456789".to_owned(),
            ));
        }
        problems
    }
}

fn answer_of(response: &Response) -> Option<Value> {
    serde_json::from_str(&response.body).ok()
}

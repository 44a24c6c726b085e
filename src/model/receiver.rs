//! A receiver: where messages about alerts are sent, and in which form.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{ProjectId, ReceiverId};
use crate::model::retrain::RetrainSettings;

/// Where alerts are sent.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Receiver {
    /// Its id.
    pub id: ReceiverId,
    /// The project.
    pub project_id: ProjectId,
    /// Unique within the project.
    pub name: String,
    /// What it is.
    pub kind: ReceiverKind,
    /// Where it listens. For some kinds the URL itself is the secret; it is never shown again.
    #[serde(skip)]
    pub url: String,
    /// A signing secret, token, key or password; never shown again.
    #[serde(skip)]
    pub secret: Option<String>,
    /// What only some kinds have.
    pub settings: ReceiverSettings,
    /// The URL's scheme and host, for people.
    pub target: String,
    /// Set when the receiver said 410 Gone, failed for days, or was switched off.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The kinds of receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverKind {
    /// Standard Webhooks: signed JSON.
    Webhook,
    /// A Slack incoming webhook: Block Kit.
    Slack,
    /// A Slack app with a bot token: the end of an alert edits the message about its begin.
    SlackBot,
    /// A Microsoft Teams workflow: an Adaptive Card.
    Teams,
    /// A Discord webhook.
    Discord,
    /// `PagerDuty`, Events API v2.
    Pagerduty,
    /// Opsgenie, Alert API.
    Opsgenie,
    /// An Alertmanager, its API v2.
    Alertmanager,
    /// A workflow that trains a model anew.
    Retrain,
    /// People, by mail through an SMTP server.
    Email,
}

impl ReceiverKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Webhook,
        Self::Slack,
        Self::SlackBot,
        Self::Teams,
        Self::Discord,
        Self::Pagerduty,
        Self::Opsgenie,
        Self::Alertmanager,
        Self::Retrain,
        Self::Email,
    ];

    /// The kind's name on the wire and in the stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::SlackBot => "slack_bot",
            Self::Teams => "teams",
            Self::Discord => "discord",
            Self::Pagerduty => "pagerduty",
            Self::Opsgenie => "opsgenie",
            Self::Alertmanager => "alertmanager",
            Self::Retrain => "retrain",
            Self::Email => "email",
        }
    }

    /// Whether it is told of things. Others are started, and only by alerts.
    pub const fn is_told(self) -> bool {
        !matches!(self, Self::Retrain)
    }

    /// The kind called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What only some kinds of receivers have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiverSettings {
    /// `webhook`: the form of the body; `standard` where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Envelope>,
    /// `slack_bot`: the channel's id, as `C0123456789`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// `slack_bot`, `email`: whether a picture of the alert's timeline goes with the messages; it does
    /// where this is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<bool>,
    /// Words of its own in place of the usual ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<MessageTemplate>,
    /// `retrain`: what is started, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrain: Option<RetrainSettings>,
    /// `email`: the sender's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `email`: the recipients' addresses, 1 to 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
}

/// Templates of a receiver's messages, in Jinja's language, over what a webhook's `data` holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MessageTemplate {
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The first sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// `webhook`: the whole body, which has to be a JSON document; the event's `type` is there too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// The form of a webhook's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Envelope {
    /// `type`, `timestamp`, `data`, as the Standard Webhooks say.
    Standard,
    /// A structured `CloudEvent` 1.0 with the same `data`.
    Cloudevents,
}

//! A message to one receiver, and every attempt to bring it there.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{AlertId, DeliveryId, ProjectId, ReceiverId};
use crate::model::receiver::Receiver;

/// A message to one receiver: a row of the outbox.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Delivery {
    /// Its id: `webhook-id` on the wire, the same on every attempt.
    pub id: DeliveryId,
    /// The project.
    pub project_id: ProjectId,
    /// The receiver.
    pub receiver_id: ReceiverId,
    /// The alert it tells of; `None` for a test message.
    pub alert_id: Option<AlertId>,
    /// What happened: `drift.alert.firing`, `drift.alert.resolved` or `seamark.test`.
    pub event_type: String,
    /// The exact body that is sent on every attempt; of mail, its subject and both forms of its text.
    pub body: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts made so far.
    pub attempts: i64,
    /// When it was put into the outbox.
    pub created_at: Timestamp,
    /// When it is due.
    pub next_attempt_at: Timestamp,
    /// When it arrived.
    pub delivered_at: Option<Timestamp>,
}

impl Delivery {
    /// A message to `receiver` that is due at once.
    pub fn new(
        id: DeliveryId,
        receiver: &Receiver,
        alert: Option<AlertId>,
        event_type: &str,
        body: String,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            project_id: receiver.project_id,
            receiver_id: receiver.id,
            alert_id: alert,
            event_type: event_type.to_owned(),
            body,
            status: DeliveryStatus::Pending,
            attempts: 0,
            created_at: now,
            next_attempt_at: now,
            delivered_at: None,
        }
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Waits for its first or next attempt.
    Pending,
    /// The receiver answered 2xx.
    Delivered,
    /// Gave up after the last attempt; can be replayed.
    Exhausted,
}

impl DeliveryStatus {
    const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Exhausted];

    /// The status's name on the wire and in the stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Exhausted => "exhausted",
        }
    }

    /// The status called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// One exchange with a receiver.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Attempt {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// 1, 2, 3 …
    pub number: i64,
    /// When it was made.
    pub at: Timestamp,
    /// The answer's status code, of HTTP or SMTP; `None` when there was no answer.
    pub status_code: Option<i64>,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// What went wrong, which recipients of mail were refused, or why a picture is missing; `None` when
    /// nothing did.
    pub error: Option<String>,
}

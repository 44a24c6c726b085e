//! What a message tells.

/// What a message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// An alert began to fire.
    Firing,
    /// A firing alert is over.
    Resolved,
    /// It still fires.
    Reminder,
    /// It fires and nobody has acknowledged it.
    Escalated,
    /// Nothing happened: someone tries out a receiver.
    Test,
    /// A receiver was switched off, because it is gone or failed for days.
    ReceiverDisabled,
}

impl EventKind {
    /// The event's type on the wire: `type` of a webhook body, `event_type` of a delivery.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "drift.alert.firing",
            Self::Resolved => "drift.alert.resolved",
            Self::Reminder => "drift.alert.reminder",
            Self::Escalated => "drift.alert.escalated",
            Self::Test => "seamark.test",
            Self::ReceiverDisabled => "seamark.receiver.disabled",
        }
    }
}

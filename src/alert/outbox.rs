//! Which transitions receivers hear of.

use crate::model::alert::{AlertState, Transition};

/// What a message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// An alert began to fire.
    Firing,
    /// A firing alert is over.
    Resolved,
    /// Nothing happened: someone tries out a receiver.
    Test,
}

impl EventKind {
    /// The event's type on the wire: `type` of a webhook body, `event_type` of a delivery.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "drift.alert.firing",
            Self::Resolved => "drift.alert.resolved",
            Self::Test => "seamark.test",
        }
    }
}

/// The message that is due for `transition`, if any: pending alerts come and go in silence.
pub const fn notifies(transition: &Transition) -> Option<EventKind> {
    match (transition.from, transition.to) {
        (_, AlertState::Firing) => Some(EventKind::Firing),
        (AlertState::Firing, AlertState::Resolved) => Some(EventKind::Resolved),
        _ => None,
    }
}

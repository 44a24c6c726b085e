//! Decides when drift becomes an alert, when the alert ends, and which of it is told to receivers.
//!
//! Pure: the caller stores the [`Change`] and the deliveries in the same commit as the report.

mod machine;
mod outbox;

pub use machine::{Change, step};
pub use outbox::{EventKind, notifies};

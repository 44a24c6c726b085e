//! Decides when drift becomes an alert, when the alert ends, and which of it is told to receivers.
//!
//! Pure: the caller stores the [`Change`] in the same commit as the report, and what [`dispatch()`] decides
//! in one commit with the messages.

mod dispatch;
mod event;
mod machine;

pub use dispatch::{Decision, Group, Notice, Routed, dispatch, labels};
pub use event::EventKind;
pub use machine::{Change, step};

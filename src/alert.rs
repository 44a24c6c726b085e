//! Decides when drift becomes an alert, when the alert ends, and which of it is told to receivers.
//!
//! Pure: the caller stores the [`Change`] in the same commit as the report, and what [`dispatch()`] decides
//! in one commit with the messages.

mod annotations;
mod dispatch;
mod event;
mod machine;
mod retrain;
mod rule;

pub use annotations::monitor_annotations;
pub use dispatch::{Decision, Group, Notice, Origin, Routed, dispatch, labels};
pub use event::EventKind;
pub use machine::{Change, step};
pub use retrain::{Evidence, decide_retrain};
pub use rule::{Judgement, RULE_KIND, Reading, RuleChange, Trouble, in_words, judge, step_rule};

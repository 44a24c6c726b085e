//! Everything durable, in Postgres or in embedded SQLite, with one behaviour.
//!
//! SQL lives here and nowhere else. Texts are shared by both engines wherever they can be; the few
//! that differ are `engine::Sql` pairs. Every write is one transaction. What several processes
//! compete for is claimed with an expiry and a fencing token, and the token is checked when the
//! result is written, so that a process that slept through its expiry writes nothing.

mod alerts;
mod audit;
mod calibration_steps;
mod codec;
mod config;
mod counters;
mod deliveries;
mod engine;
mod erasures;
mod error;
mod evaluations;
mod events;
mod interactions;
mod keys;
mod leases;
mod monitors;
mod outbox;
mod outcomes;
mod partitions;
mod policies;
mod preparation;
mod projects;
mod quality;
mod queue;
mod receivers;
mod references;
mod reports;
mod reseal;
mod resealed_secrets;
mod retention;
mod retrains;
mod routing;
mod rules;
mod screening;
mod seal;
mod sealed_texts;
mod subjects;
mod text_keys;
mod told_values;
mod uploads;

pub use alerts::{AlarmRecord, AlertFilter};
pub use audit::{AuditFilter, verify_checkpoint};
pub use calibration_steps::digest_of_rows;
pub use config::Config;
pub use counters::{Counter, Counts};
pub use deliveries::DeliveryFilter;
pub use engine::Store;
pub use error::StoreError;
pub use evaluations::{CommitOutcome, EvaluationCommit, LeaseProof};
pub use interactions::InsertOutcome;
pub use monitors::{BucketRow, EvaluationState};
pub use outbox::{AttemptResult, ClaimShare, ClaimedDelivery, DeliveryNext};
pub use outcomes::{MAX_DEFINITIONS, OutcomeCounts, OutcomeGroup, OutcomeInsert, OutcomeQuery};
pub use policies::MAX_EXAMPLES;
pub use preparation::Rewrite;
pub use quality::SeenTexts;
pub use queue::{EmbeddedText, PendingText};
pub use references::FreezeCommit;
pub use reports::ReportFilter;
pub use retention::{RetentionCounts, RetentionCutoffs};
pub use retrains::RetrainCommit;
pub use routing::DispatchCommit;
pub use rules::{RuleCommit, RuleEventFilter};
pub use seal::SealingKey;
pub use subjects::{HeldInteraction, HeldOutcome, Micros};

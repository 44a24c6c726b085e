//! Counts of everything that was received, so that nothing disappears unseen.

use super::engine::{Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use crate::id::ProjectId;

/// What is counted beside the rows themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// Stored for the first time; counted by the store.
    Accepted,
    /// Sent again with the same content; counted by the store.
    Duplicate,
    /// Sent again with another content, and refused; counted by the store.
    Conflict,
    /// Left out by the sampler.
    SampledOut,
    /// Refused as invalid.
    Rejected,
    /// Texts that were blank and got no embedding.
    Blank,
    /// Left out of a window because they came too late; counted once per monitor.
    Late,
    /// Deleted when their retention passed; counted by the store.
    Expired,
    /// Those of the expired that had been embedded; counted by the store.
    ExpiredEmbedded,
    /// Outcomes stored for the first time; counted by the store.
    OutcomesAccepted,
    /// Outcomes sent again with the same content; counted by the store.
    OutcomesDuplicate,
    /// Outcomes sent again with another content, and refused; counted by the store.
    OutcomesConflict,
    /// Outcomes refused as invalid; counted by the store where only it can tell.
    OutcomesRejected,
    /// Outcomes joined with their interaction; counted by the store.
    OutcomesJoined,
    /// Outcomes deleted when their retention passed; counted by the store.
    OutcomesExpired,
    /// Those of the expired outcomes that had been joined; counted by the store.
    OutcomesExpiredJoined,
}

impl Counter {
    /// The counter's name in the stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::SampledOut => "sampled_out",
            Self::Rejected => "rejected",
            Self::Blank => "blank",
            Self::Late => "late",
            Self::Expired => "expired",
            Self::ExpiredEmbedded => "expired_embedded",
            Self::OutcomesAccepted => "outcomes_accepted",
            Self::OutcomesDuplicate => "outcomes_duplicate",
            Self::OutcomesConflict => "outcomes_conflict",
            Self::OutcomesRejected => "outcomes_rejected",
            Self::OutcomesJoined => "outcomes_joined",
            Self::OutcomesExpired => "outcomes_expired",
            Self::OutcomesExpiredJoined => "outcomes_expired_joined",
        }
    }
}

/// A project's counts at one moment.
///
/// Conservation: `accepted = pending + embedded + quarantined + expired`. The five are counted
/// apart — at insertion, from the queue, from the positions given, from the rows set aside and at
/// deletion — so that the equation is a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Stored for the first time.
    pub accepted: i64,
    /// Wait for their embeddings.
    pub pending: i64,
    /// Have embeddings and a position, and are not expired.
    pub embedded: i64,
    /// Set aside after failing too often.
    pub quarantined: i64,
    /// Left out by the sampler; not among the accepted.
    pub sampled_out: i64,
    /// Sent again with the same content.
    pub duplicates: i64,
    /// Sent again with another content, and refused.
    pub conflicts: i64,
    /// Refused as invalid.
    pub rejected: i64,
    /// Texts that were blank and got no embedding.
    pub blank: i64,
    /// Left out of windows because they came too late.
    pub late: i64,
    /// Deleted when their retention passed.
    pub expired: i64,
}

const ADD: &str = "INSERT INTO counters (project_id, name, value) VALUES ($1, $2, $3)
    ON CONFLICT (project_id, name) DO UPDATE SET value = counters.value + excluded.value";

/// One statement, so that all counts are of the same moment.
const COUNTS: &str = "SELECT name, value FROM counters WHERE project_id = $1
    UNION ALL SELECT 'positions', position FROM projects WHERE id = $1
    UNION ALL SELECT 'pending', COUNT(*) FROM interactions
        WHERE project_id = $1 AND state = 'pending'
    UNION ALL SELECT 'quarantined', COUNT(*) FROM interactions
        WHERE project_id = $1 AND state = 'quarantined'";

/// Adds inside a transaction, in a fixed order, so that two of them never wait for each other.
pub(super) async fn add(
    tx: &mut Tx,
    project: ProjectId,
    counters: &[(Counter, i64)],
) -> Result<(), StoreError> {
    let mut counters: Vec<_> = counters.iter().filter(|(_, n)| *n != 0).collect();
    counters.sort();
    for (counter, n) in counters {
        on_tx!(tx, |connection| {
            sqlx::query(ADD)
                .bind(project.to_string())
                .bind(counter.as_str())
                .bind(n)
                .execute(connection)
                .await
                .map(|_| ())
        })?;
    }
    Ok(())
}

impl Store {
    /// Adds to the project's counters.
    pub async fn add_counters(
        &self,
        project: ProjectId,
        counters: &[(Counter, i64)],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        add(&mut tx, project, counters).await?;
        tx.commit().await
    }

    /// The project's counts, all of one moment.
    pub async fn counts(&self, project: ProjectId) -> Result<Counts, StoreError> {
        let rows: Vec<(String, i64)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(COUNTS).bind(project.to_string()).fetch_all(pool).await
        })?;
        let value = |wanted: &str| rows.iter().find(|(name, _)| name == wanted).map_or(0, |r| r.1);
        let of = |counter: Counter| value(counter.as_str());
        Ok(Counts {
            accepted: of(Counter::Accepted),
            pending: value("pending"),
            embedded: value("positions") - of(Counter::ExpiredEmbedded),
            quarantined: value("quarantined"),
            sampled_out: of(Counter::SampledOut),
            duplicates: of(Counter::Duplicate),
            conflicts: of(Counter::Conflict),
            rejected: of(Counter::Rejected),
            blank: of(Counter::Blank),
            late: of(Counter::Late),
            expired: of(Counter::Expired),
        })
    }
}

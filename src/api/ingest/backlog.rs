//! How much of a project waits for its embeddings: the reason to answer 429.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::api::error::{ApiError, Code};
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::store::Store;

/// How long a count is believed; what is accepted meanwhile is added to it.
const TTL: Duration = Duration::from_secs(1);

/// Remembers how many interactions of each project are pending.
#[derive(Debug)]
pub(crate) struct Backlog {
    max_pending: u64,
    counts: Mutex<HashMap<ProjectId, (u64, Timestamp)>>,
}

impl Backlog {
    pub(crate) fn new(max_pending: u64) -> Self {
        Self { max_pending, counts: Mutex::default() }
    }

    /// Refuses more work of a project whose backlog is full.
    pub(crate) async fn admit(
        &self,
        store: &Store,
        project: ProjectId,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let known = self.counts().get(&project).copied();
        let pending = match known {
            Some((pending, at)) if at <= now && now.since(at) < TTL => pending,
            _ => {
                let pending = u64::try_from(store.counts(project).await?.pending).unwrap_or(0);
                self.counts().insert(project, (pending, now));
                pending
            }
        };
        if pending < self.max_pending {
            return Ok(());
        }
        let detail = format!(
            "{pending} interactions wait for their embeddings, the most that may is {}; \
             send more slowly, or lower the sampling rate",
            self.max_pending
        );
        Err(ApiError::new(Code::BacklogFull, detail).retry_after(5))
    }

    /// Counts what was accepted since the last look.
    pub(crate) fn add(&self, project: ProjectId, accepted: u64) {
        if let Some((pending, _)) = self.counts().get_mut(&project) {
            *pending += accepted;
        }
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectId, (u64, Timestamp)>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

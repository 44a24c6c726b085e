//! The projects' guards, each built once for as long as nobody changes what it does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::api::error::ApiError;
use crate::api::state::Shared;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::screening::Screening;
use crate::prepare::guard::Guard;

/// How long a version is believed: what another process changed counts after this at the latest.
const TTL: Duration = Duration::from_secs(1);

/// Guards by project.
#[derive(Debug, Default)]
pub(crate) struct Guards(Mutex<HashMap<ProjectId, Known>>);

#[derive(Debug, Clone)]
struct Known {
    version: i64,
    looked_at: Timestamp,
    guard: Arc<Guard>,
}

impl Guards {
    fn find(&self, project: ProjectId) -> Option<Known> {
        self.lock().get(&project).cloned()
    }

    fn keep(&self, project: ProjectId, known: Known) {
        self.lock().insert(project, known);
    }

    /// Forgets what was changed here.
    pub(crate) fn forget(&self, project: ProjectId) {
        self.lock().remove(&project);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// What screens the project's texts.
    pub(crate) async fn guard(&self, project: ProjectId) -> Result<Arc<Guard>, ApiError> {
        let now = self.now();
        let known = self.guards.find(project);
        if let Some(known) = &known
            && known.looked_at <= now
            && now.since(known.looked_at) < TTL
        {
            return Ok(known.guard.clone());
        }
        let version = self.store.screening_version(project).await?;
        let guard = match known {
            Some(known) if known.version == version => known.guard,
            _ => Arc::new(self.build_guard(project).await?),
        };
        let known = Known { version, looked_at: now, guard: guard.clone() };
        self.guards.keep(project, known);
        Ok(guard)
    }

    async fn build_guard(&self, project: ProjectId) -> Result<Guard, ApiError> {
        let (version, settings) = self.store.screening(project).await?;
        let keys = self.store.pseudonym_keys(project).await?;
        // A few milliseconds of compiling, once for each change.
        let built = tokio::task::spawn_blocking(move || {
            Guard::new(settings, version, keys.clone()).or_else(|problems| {
                // Written by another version: nothing may pass unscreened for that.
                tracing::error!(%project, %problems, "unusable screening, the default is used");
                Guard::new(Screening::default(), version, keys)
            })
        });
        built.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
    }
}

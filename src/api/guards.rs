//! The projects' guards, each built once for as long as nobody changes what it does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::api::error::ApiError;
use crate::api::state::Shared;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::screening::Screening;
use crate::policy::PolicySet;
use crate::prepare::guard::Guard;

/// How long a version is believed: what another process changed counts after this at the latest.
const TTL: Duration = Duration::from_secs(1);

/// Guards by project.
#[derive(Debug, Default)]
pub(crate) struct Guards(Mutex<HashMap<ProjectId, Slot>>);

/// Whoever holds the lock looks and builds; the others wait and find what it found. Each for itself,
/// the first two hundred requests of a project would compile two hundred times.
type Slot = Arc<tokio::sync::Mutex<Option<Known>>>;

#[derive(Debug, Clone)]
struct Known {
    built_of: BuiltOf,
    /// `None`: it was changed here since.
    looked_at: Option<Timestamp>,
    guard: Arc<Guard>,
    policies: Arc<PolicySet>,
}

/// What they were built of: the versions of the settings and of the policies, and the model.
#[derive(Debug, Clone, PartialEq, Eq)]
struct BuiltOf(i64, i64, Option<String>);

impl Known {
    fn is_fresh(&self, now: Timestamp, model_digest: Option<&String>) -> bool {
        self.looked_at.is_some_and(|at| at <= now && now.since(at) < TTL)
            && self.built_of.2.as_ref() == model_digest
    }
}

impl Guards {
    fn slot(&self, project: ProjectId) -> Slot {
        self.lock().entry(project).or_default().clone()
    }

    /// Forgets what was changed here: who looks from now on does not find what is being built of the
    /// old, only what of it can be used again.
    pub(crate) fn forget(&self, project: ProjectId) {
        let mut slots = self.lock();
        let Some(slot) = slots.remove(&project) else { return };
        let known = slot.try_lock().ok().and_then(|known| known.clone());
        let known = known.map(|known| Known { looked_at: None, ..known });
        slots.insert(project, Arc::new(tokio::sync::Mutex::new(known)));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectId, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// What screens the project's texts.
    pub(crate) async fn guard(&self, project: ProjectId) -> Result<Arc<Guard>, ApiError> {
        Ok(self.screens(project).await?.0)
    }

    /// What screens the project's texts, and the policies that are in force.
    pub(crate) async fn screens(
        &self,
        project: ProjectId,
    ) -> Result<(Arc<Guard>, Arc<PolicySet>), ApiError> {
        let slot = self.guards.slot(project);
        let mut slot = slot.lock().await;
        let now = self.now();
        let digest = self.embedder.get().map(|service| service.model_digest().to_owned());
        let known = match slot.clone() {
            Some(known) if known.is_fresh(now, digest.as_ref()) => known,
            known => self.look(project, known, digest).await?,
        };
        *slot = Some(known.clone());
        Ok((known.guard, known.policies))
    }

    async fn look(
        &self,
        project: ProjectId,
        known: Option<Known>,
        digest: Option<String>,
    ) -> Result<Known, ApiError> {
        let looked_at = Some(self.now());
        let version = self.store.screening_version(project).await?;
        let policies_version = self.store.policies_version(project).await?;
        let built_of = BuiltOf(version, policies_version, digest);
        match known {
            Some(known) if known.built_of == built_of => Ok(Known { looked_at, ..known }),
            known => {
                let policies = self.store.policy_set(project, built_of.2.as_deref()).await?;
                let policies = Arc::new(policies);
                // Recognisers take milliseconds to compile: a changed policy leaves them as they are.
                let guard = match known {
                    Some(known) if known.built_of.0 == version => known.guard,
                    _ => Arc::new(self.build_guard(project).await?),
                };
                Ok(Known { built_of, looked_at, guard, policies })
            }
        }
    }

    async fn build_guard(&self, project: ProjectId) -> Result<Guard, ApiError> {
        let (version, settings) = self.store.screening(project).await?;
        let keys = self.store.pseudonym_keys(project).await?;
        let names = self.names.clone();
        // A few milliseconds of compiling, once for each change.
        let built = tokio::task::spawn_blocking(move || {
            Guard::with_names(settings, version, keys.clone(), names.clone()).or_else(|problems| {
                // Written by another version: nothing may pass unscreened for that.
                tracing::error!(%project, %problems, "unusable screening, the default is used");
                Guard::with_names(Screening::default(), version, keys, names)
            })
        });
        built.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
    }
}

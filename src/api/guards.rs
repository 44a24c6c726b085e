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
pub(crate) struct Guards(Mutex<HashMap<ProjectId, Known>>);

#[derive(Debug, Clone)]
struct Known {
    built_of: BuiltOf,
    looked_at: Timestamp,
    guard: Arc<Guard>,
    policies: Arc<PolicySet>,
}

/// What they were built of: the versions of the settings and of the policies, and the model.
#[derive(Debug, Clone, PartialEq, Eq)]
struct BuiltOf(i64, i64, Option<String>);

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
        Ok(self.screens(project).await?.0)
    }

    /// What screens the project's texts, and the policies that are in force.
    pub(crate) async fn screens(
        &self,
        project: ProjectId,
    ) -> Result<(Arc<Guard>, Arc<PolicySet>), ApiError> {
        let now = self.now();
        let digest = self.embedder.get().map(|service| service.model_digest().to_owned());
        let known = self.guards.find(project);
        if let Some(known) = &known
            && known.looked_at <= now
            && now.since(known.looked_at) < TTL
            && known.built_of.2 == digest
        {
            return Ok((known.guard.clone(), known.policies.clone()));
        }
        let version = self.store.screening_version(project).await?;
        let policies_version = self.store.policies_version(project).await?;
        let built_of = BuiltOf(version, policies_version, digest);
        let known = match known {
            Some(known) if known.built_of == built_of => Known { looked_at: now, ..known },
            known => {
                let policies = self.store.policy_set(project, built_of.2.as_deref()).await?;
                // Recognisers take milliseconds to compile: a changed policy leaves them as they are.
                let guard = match known {
                    Some(known) if known.built_of.0 == version => known.guard,
                    _ => Arc::new(self.build_guard(project).await?),
                };
                Known { built_of, looked_at: now, guard, policies: Arc::new(policies) }
            }
        };
        self.guards.keep(project, known.clone());
        Ok((known.guard, known.policies))
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

//! What is done with the texts of each project, built once for as long as nobody changes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::id::ProjectId;
use crate::policy::PolicySet;
use crate::prepare::{Prepared, Preparer};
use crate::store::PendingText;
use crate::text::clean::Boilerplate;
use crate::worker::context::Context;
use crate::worker::driver::WorkerError;

/// A claimed row with its texts prepared, and the policies that they are held against.
pub(super) struct PreparedRow<'a> {
    pub(super) row: &'a PendingText,
    pub(super) texts: Prepared,
    pub(super) policies: Arc<PolicySet>,
}

/// What is done with the texts of a project.
#[derive(Debug, Clone)]
struct Treatment {
    preparer: Arc<Preparer>,
    policies: Arc<PolicySet>,
}

/// Treatments by project, with the version that they were built of.
#[derive(Debug)]
pub(super) struct Preparers {
    built: Mutex<HashMap<ProjectId, (Key, Treatment)>>,
    model_digest: String,
}

/// What a treatment was built of: the version of the settings, the learned lines, and the version of
/// the policies.
type Key = (i64, Option<String>, i64);

impl Preparers {
    /// For texts that are embedded with the model of `model_digest`.
    pub(super) fn new(model_digest: &str) -> Self {
        Self { built: Mutex::default(), model_digest: model_digest.to_owned() }
    }

    /// Prepares the texts of `batch`.
    pub(super) async fn prepare<'a>(
        &self,
        context: &Context,
        batch: &'a [PendingText],
    ) -> Result<Vec<PreparedRow<'a>>, WorkerError> {
        let mut treatments: HashMap<ProjectId, Treatment> = HashMap::new();
        let mut prepared = Vec::with_capacity(batch.len());
        for row in batch {
            let treatment = match treatments.get(&row.project_id) {
                Some(known) => known.clone(),
                None => self.of(context, row.project_id).await?,
            };
            let Treatment { preparer, policies } = treatment.clone();
            let mut texts = preparer.prepare(&row.query, row.response.as_deref(), &row.attributes);
            texts.signals = texts.signals.with(row.personal);
            treatments.insert(row.project_id, treatment);
            prepared.push(PreparedRow { row, texts, policies });
        }
        Ok(prepared)
    }

    async fn of(&self, context: &Context, project: ProjectId) -> Result<Treatment, WorkerError> {
        let store = &context.store;
        let key = (
            store.preparation_version(project).await?,
            store.boilerplate(project).await?,
            store.policies_version(project).await?,
        );
        let known = self.lock().get(&project).cloned();
        if let Some((built_of, treatment)) = known
            && built_of == key
        {
            return Ok(treatment);
        }
        let (_, settings) = store.preparation(project).await?;
        let boilerplate = || -> Boilerplate {
            key.1.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
        };
        let preparer = Preparer::new(&settings, boilerplate()).unwrap_or_else(|problems| {
            // Written by another version: the texts must not wait for someone to notice.
            tracing::error!(%project, ?problems, "unusable preparation, the default is used");
            Preparer::standard(boilerplate())
        });
        let policies = Arc::new(store.policy_set(project, Some(&self.model_digest)).await?);
        let treatment = Treatment { preparer: Arc::new(preparer), policies };
        self.lock().insert(project, (key, treatment.clone()));
        Ok(treatment)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectId, (Key, Treatment)>> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

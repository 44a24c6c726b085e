//! What is done with the texts of each project, built once for as long as nobody changes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::embed::EmbedService;
use crate::id::ProjectId;
use crate::policy::PolicySet;
use crate::prepare::{Learned, Prepared, Preparer};
use crate::store::PendingText;
use crate::text::repair::{Repairer, Vocabulary};
use crate::worker::context::Context;
use crate::worker::driver::WorkerError;
use crate::worker::repairs::is_word;

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
pub(super) struct Preparers {
    built: Mutex<HashMap<ProjectId, (Key, Treatment)>>,
    embedder: EmbedService,
}

/// What a treatment was built of: the version of the settings, what was learned, and the version of
/// the policies.
type Key = (i64, Option<String>, i64);

impl Preparers {
    /// For texts that `embedder` embeds.
    pub(super) fn new(embedder: EmbedService) -> Self {
        Self { built: Mutex::default(), embedder }
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
            store.learned(project).await?,
            store.policies_version(project).await?,
        );
        let known = self.lock().get(&project).cloned();
        if let Some((built_of, treatment)) = known
            && built_of == key
        {
            return Ok(treatment);
        }
        let (_, settings) = store.preparation(project).await?;
        let Learned { boilerplate, vocabulary } = Learned::from_json(key.1.as_deref());
        let preparer = Preparer::new(&settings, boilerplate.clone()).unwrap_or_else(|problems| {
            // Written by another version: the texts must not wait for someone to notice.
            tracing::error!(%project, ?problems, "unusable preparation, the default is used");
            Preparer::standard(boilerplate)
        });
        let preparer = preparer.repairing(self.repairer(vocabulary.filter(|_| settings.repair)));
        let digest = self.embedder.model_digest();
        let policies = Arc::new(store.policy_set(project, Some(digest)).await?);
        let treatment = Treatment { preparer: Arc::new(preparer), policies };
        self.lock().insert(project, (key, treatment.clone()));
        Ok(treatment)
    }

    fn repairer(&self, vocabulary: Option<Vocabulary>) -> Option<Repairer> {
        Repairer::new(&vocabulary?, is_word(&self.embedder))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectId, (Key, Treatment)>> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The projects' preparations, each built once for as long as nobody changes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::id::ProjectId;
use crate::prepare::{Prepared, Preparer};
use crate::store::PendingText;
use crate::text::clean::Boilerplate;
use crate::worker::context::Context;
use crate::worker::driver::WorkerError;

/// A claimed row with its texts prepared.
pub(super) type PreparedRow<'a> = (&'a PendingText, Prepared);

/// Preparers by project, with the version that they were built of.
#[derive(Debug, Default)]
pub(super) struct Preparers {
    built: Mutex<HashMap<ProjectId, (Key, Arc<Preparer>)>>,
}

/// What a preparer was built of: the version of the settings, and the learned lines.
type Key = (i64, Option<String>);

impl Preparers {
    /// Prepares the texts of `batch`.
    pub(super) async fn prepare<'a>(
        &self,
        context: &Context,
        batch: &'a [PendingText],
    ) -> Result<Vec<PreparedRow<'a>>, WorkerError> {
        let mut preparers: HashMap<ProjectId, Arc<Preparer>> = HashMap::new();
        let mut prepared = Vec::with_capacity(batch.len());
        for row in batch {
            let preparer = match preparers.get(&row.project_id) {
                Some(known) => known.clone(),
                None => self.of(context, row.project_id).await?,
            };
            let mut texts = preparer.prepare(&row.query, row.response.as_deref(), &row.attributes);
            texts.signals = texts.signals.with(row.personal);
            preparers.insert(row.project_id, preparer);
            prepared.push((row, texts));
        }
        Ok(prepared)
    }

    async fn of(
        &self,
        context: &Context,
        project: ProjectId,
    ) -> Result<Arc<Preparer>, WorkerError> {
        let store = &context.store;
        let key = (store.preparation_version(project).await?, store.boilerplate(project).await?);
        let known = self.lock().get(&project).cloned();
        if let Some((built_of, preparer)) = known
            && built_of == key
        {
            return Ok(preparer);
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
        let preparer = Arc::new(preparer);
        self.lock().insert(project, (key, preparer.clone()));
        Ok(preparer)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectId, (Key, Arc<Preparer>)>> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Freezes references in the background: collects their rows, computes their profile.

use std::collections::HashMap;
use std::sync::Arc;

use crate::detect::notes::{self, Notes, Texts};
use crate::detect::outcomes::freeze::{MATURE, OutcomeSpec};
use crate::detect::profile::ReferenceProfile;
use crate::detect::writings::Writings;
use crate::embed::EmbedService;
use crate::model::interaction::{Event, EventWithTexts, NewInteraction};
use crate::model::monitor::Monitor;
use crate::model::outcome::{Direction, Good, OutcomeDefinition};
use crate::model::reference::{Reference, ReferenceSource, ReferenceStatus};
use crate::model::signals::Signals;
use crate::policy::PolicySet;
use crate::prepare::Learned;
use crate::store::FreezeCommit;
use crate::text::clean::Boilerplate;
use crate::text::hashes::Hashes;
use crate::text::repair::Vocabulary;
use crate::worker::calibration::{Inputs, calibrate};
use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};
use crate::worker::embedding::{Vectors, embed_rows};
use crate::worker::repairs::learn_and_repair;

/// Rows stored in one chunk.
const CHUNK: usize = 500;

/// Collects and freezes references.
pub struct ReferenceWorker {
    context: Context,
    embedder: EmbedService,
    model_digest: String,
}

impl ReferenceWorker {
    /// A worker that embeds uploaded rows with `embedder`.
    pub fn new(context: Context, embedder: EmbedService) -> Self {
        let model_digest = embedder.model_digest().to_owned();
        Self { context, embedder, model_digest }
    }

    /// Freezes the rows of a reference once they are all there; `true` when it moved on.
    async fn collect(&self, reference: &Reference) -> Result<bool, WorkerError> {
        let Some(monitor) = self.monitor(reference).await? else { return Ok(true) };
        let erasures = self.context.store.erasures_done(reference.project_id).await?;
        let rows = match reference.source {
            ReferenceSource::TimeRange { from, to } => {
                let store = &self.context.store;
                let waiting = store.pending_between(reference.project_id, from, to).await?;
                if waiting > 0 || self.context.now() < to {
                    return Ok(false);
                }
                let digest = &self.model_digest;
                store.events_between(reference.project_id, from, to, digest).await?
            }
            ReferenceSource::Next { count, after } => {
                let wanted = count as usize;
                let rows = self.next_rows(reference, &monitor, wanted, after.unwrap_or(0)).await?;
                if rows.len() < wanted {
                    let progress = rows.len() as f64 / wanted as f64;
                    self.progress(reference, ReferenceStatus::Collecting, progress, None).await?;
                    return Ok(false);
                }
                rows
            }
            ReferenceSource::File { .. } => self.uploaded_rows(reference).await?,
        };
        let mut covered: Vec<EventWithTexts> =
            rows.into_iter().filter(|row| monitor.spec.covers(&row.event.attributes)).collect();
        let vocabulary = self.spelling(reference, &mut covered).await?;
        let policies = self.policies(reference).await?;
        let (mut covered, writings, boilerplate) = learned(covered, &policies);
        self.attach_outcomes(reference, &mut covered).await?;
        let learned = Learned { boilerplate, vocabulary }.to_json();
        self.context.store.set_learned(reference.project_id, &learned).await?;
        self.context.store.clear_reference_rows(reference.id).await?;
        for (chunk, rows) in covered.chunks(CHUNK).enumerate() {
            self.context.store.put_reference_rows(reference.id, chunk as i64, rows).await?;
        }
        crate::fault::point("reference.rows_written");
        if self.context.store.erasures_done(reference.project_id).await? != erasures {
            // What was erased meanwhile may have been written again: collect once more.
            return Ok(true);
        }
        let writings = serde_json::to_string(&writings).unwrap_or_default();
        self.context.store.begin_computing(reference.id, &self.model_digest, &writings).await?;
        Ok(true)
    }

    /// The first `wanted` embedded events of the monitor's segment after `position`.
    async fn next_rows(
        &self,
        reference: &Reference,
        monitor: &Monitor,
        wanted: usize,
        mut position: i64,
    ) -> Result<Vec<EventWithTexts>, WorkerError> {
        let mut rows = Vec::new();
        while rows.len() < wanted {
            let store = &self.context.store;
            let digest = &self.model_digest;
            let events = store.events_after(reference.project_id, position, digest, 1000).await?;
            let Some(last) = events.last() else { break };
            position = last.event.position;
            rows.extend(
                events.into_iter().filter(|row| monitor.spec.covers(&row.event.attributes)),
            );
        }
        rows.truncate(wanted);
        Ok(rows)
    }

    /// The uploaded rows, embedded chunk by chunk.
    async fn uploaded_rows(
        &self,
        reference: &Reference,
    ) -> Result<Vec<EventWithTexts>, WorkerError> {
        let rows = self.context.store.reference_upload(reference.id).await?;
        let total = rows.len();
        let mut events = Vec::with_capacity(total);
        for chunk in rows.chunks(CHUNK) {
            let texts = chunk.iter().map(|row| (row.query.as_str(), row.response.as_deref()));
            let vectors = embed_rows(&self.embedder, texts).await?;
            events.extend(chunk.iter().zip(vectors).map(|(row, vectors)| uploaded(row, vectors)));
            let progress = events.len() as f64 / total as f64;
            self.progress(reference, ReferenceStatus::Collecting, progress, None).await?;
        }
        Ok(events)
    }

    async fn compute(&self, reference: &Reference) -> Result<(), WorkerError> {
        let Some(monitor) = self.monitor(reference).await? else { return Ok(()) };
        if reference.model_digest.as_ref() != Some(&self.model_digest) {
            let message = "its rows were embedded with another model; freeze a new reference";
            return self.refuse(reference, message).await;
        }
        let mut rows = self.context.store.reference_rows(reference.id).await?;
        // Calibrated anew, it knows the policies of today; what words were found stays as it was noted.
        let policies = self.policies(reference).await?;
        rows.iter_mut().for_each(|event| mark(event, &policies, (None, None)));
        let cursor = match reference.source {
            // Calibrated anew for changed windows: evaluation goes on where it stood.
            _ if reference.frozen_at.is_some() => {
                let state = self.context.store.evaluation_state(reference.monitor_id).await?;
                state.map(|state| state.cursor)
            }
            // Uploaded rows are no traffic: evaluation begins with what comes from now on.
            ReferenceSource::File { .. } => None,
            _ => rows.iter().map(|event| event.position).max(),
        };
        let inputs = Arc::new(Inputs {
            spec: monitor.spec.clone(),
            outcomes: self.outcome_specs(reference).await?,
            model_digest: self.model_digest.clone(),
            seed: reference.seed as u64,
            rows,
        });
        let store = &self.context.store;
        let mut profile = match calibrate(store, reference, inputs.clone()).await? {
            Ok(profile) => profile,
            Err(error) => {
                let message = error.to_string();
                tracing::warn!(reference = %reference.id, %message, "reference refused");
                return self.refuse(reference, &message).await;
            }
        };
        profile.writings = self.writings(reference).await?;
        profile.policies = policies;
        profile.notes = self.notes(reference, &profile, &inputs.rows).await?;
        let message = (!profile.warnings.is_empty()).then(|| profile.warnings.join("; "));
        crate::fault::point("reference.before_freeze");
        let commit = FreezeCommit {
            reference_id: reference.id,
            monitor_id: reference.monitor_id,
            n: inputs.rows.len() as i64,
            model_digest: self.model_digest.clone(),
            profile: serde_json::to_vec(&profile).unwrap_or_default(),
            message,
            cursor,
        };
        self.context.store.freeze_reference(&commit, self.context.now()).await?;
        crate::fault::point("reference.after_freeze");
        tracing::info!(reference = %reference.id, monitor = %monitor.spec.name, n = commit.n, "reference frozen");
        self.context.wakers.evaluation.notify_one();
        Ok(())
    }

    /// Ends a reference that cannot be frozen; its uploaded texts have no further use.
    async fn refuse(&self, reference: &Reference, message: &str) -> Result<(), WorkerError> {
        self.context.store.delete_reference_upload(reference.id).await?;
        self.context.store.forget_calibration_steps(reference.id).await?;
        self.progress(reference, ReferenceStatus::Failed, 1.0, Some(message)).await
    }

    /// Gives each row the outcomes that have come by now.
    async fn attach_outcomes(
        &self,
        reference: &Reference,
        rows: &mut [Event],
    ) -> Result<(), WorkerError> {
        for chunk in rows.chunks_mut(CHUNK) {
            let ids: Vec<String> = chunk.iter().map(|row| row.interaction_id.clone()).collect();
            let store = &self.context.store;
            let mut outcomes = store.outcomes_by_id(reference.project_id, &ids).await?;
            for row in chunk {
                row.outcomes = outcomes.remove(&row.interaction_id).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// What is known of the project's outcomes: which way is better, and how long they take.
    async fn outcome_specs(&self, reference: &Reference) -> Result<Vec<OutcomeSpec>, WorkerError> {
        let (store, project) = (&self.context.store, reference.project_id);
        let delays = store.outcome_delays(project, self.context.now()).await?;
        let definitions = store.outcome_definitions(project).await?;
        let spec = |definition: OutcomeDefinition| {
            let delay = delays.get(&definition.name)?;
            Some(OutcomeSpec {
                is_good_up: definition.good != Good::Direction(Direction::Down),
                matures_after_seconds: delay.quantile(MATURE),
                name: definition.name,
            })
        };
        Ok(definitions.into_iter().filter_map(spec).collect())
    }

    /// The policies that are in force.
    async fn policies(&self, reference: &Reference) -> Result<PolicySet, WorkerError> {
        let (store, digest) = (&self.context.store, Some(self.model_digest.as_str()));
        Ok(store.policy_set(reference.project_id, digest).await?)
    }

    /// Where the project's queries are repaired, the words that they are repaired by; the rows are
    /// repaired, too.
    async fn spelling(
        &self,
        reference: &Reference,
        rows: &mut [EventWithTexts],
    ) -> Result<Option<Vocabulary>, WorkerError> {
        let (_, settings) = self.context.store.preparation(reference.project_id).await?;
        if !settings.repair {
            return Ok(None);
        }
        Ok(Some(learn_and_repair(&self.embedder, rows).await?))
    }

    /// What was learned of the texts when the rows were collected.
    async fn writings(&self, reference: &Reference) -> Result<Writings, WorkerError> {
        let stored = self.context.store.reference_writings(reference.id).await?;
        let read = |text: String| serde_json::from_str(&text);
        // A reference of an earlier version has none: it goes on without.
        Ok(stored.map(read).transpose().ok().flatten().unwrap_or_default())
    }

    /// Notes for explanations, from the texts that are still stored.
    async fn notes(
        &self,
        reference: &Reference,
        profile: &ReferenceProfile,
        rows: &[Event],
    ) -> Result<Notes, WorkerError> {
        let mut texts: HashMap<String, (Option<String>, Option<String>)> = HashMap::new();
        for chunk in rows.chunks(CHUNK) {
            let ids: Vec<String> = chunk.iter().map(|row| row.interaction_id.clone()).collect();
            let store = &self.context.store;
            for stored in store.interactions_by_id(reference.project_id, &ids).await? {
                texts.insert(stored.id, (stored.query, stored.response));
            }
        }
        if matches!(reference.source, ReferenceSource::File { .. }) {
            let uploaded = self.context.store.reference_upload(reference.id).await?;
            texts.extend(uploaded.into_iter().map(|row| (row.id, (Some(row.query), row.response))));
        }
        let of = |id: &str| -> Texts<'_> {
            texts.get(id).map_or((None, None), |(q, r)| (q.as_deref(), r.as_deref()))
        };
        Ok(notes::take(profile, rows, &of))
    }

    async fn monitor(&self, reference: &Reference) -> Result<Option<Monitor>, WorkerError> {
        let store = &self.context.store;
        let monitor = store.find_monitor(reference.project_id, reference.monitor_id).await?;
        if monitor.is_none() {
            let gone = Some("its monitor was deleted");
            self.progress(reference, ReferenceStatus::Failed, 0.0, gone).await?;
        }
        Ok(monitor)
    }

    async fn progress(
        &self,
        reference: &Reference,
        status: ReferenceStatus,
        progress: f64,
        message: Option<&str>,
    ) -> Result<(), WorkerError> {
        let store = &self.context.store;
        Ok(store.set_reference_progress(reference.id, status, progress, message).await?)
    }
}

impl Worker for ReferenceWorker {
    const NAME: &'static str = "reference";

    async fn tick(&mut self) -> Result<bool, WorkerError> {
        let context = self.context.clone();
        let mut waiting = Vec::new();
        for status in [ReferenceStatus::Collecting, ReferenceStatus::Computing] {
            waiting.extend(context.store.references_in(status).await?);
        }
        if waiting.is_empty() {
            return Ok(false);
        }
        let name = "references";
        let (holder, lease) = (&context.holder, context.config.lease());
        let Some(token) = context.store.acquire_lease(name, holder, context.now(), lease).await?
        else {
            return Ok(false);
        };
        let mut moved = false;
        for reference in context.store.references_in(ReferenceStatus::Collecting).await? {
            moved |= self.collect(&reference).await?;
        }
        for reference in context.store.references_in(ReferenceStatus::Computing).await? {
            self.compute(&reference).await?;
            moved = true;
        }
        context.store.release_lease(name, token).await?;
        Ok(moved)
    }
}

/// The events, what was learned of how their texts are written, and the lines that many share.
fn learned(rows: Vec<EventWithTexts>, policies: &PolicySet) -> (Vec<Event>, Writings, Boilerplate) {
    let (mut events, texts): (Vec<Event>, Vec<_>) =
        rows.into_iter().map(|row| (row.event, (row.query, row.response))).unzip();
    let texts: Vec<Texts<'_>> =
        texts.iter().map(|(query, response)| (query.as_deref(), response.as_deref())).collect();
    let writings = Writings::learned(&mut events, &texts);
    events.iter_mut().zip(&texts).for_each(|(event, texts)| mark(event, policies, *texts));
    let all = texts.iter().flat_map(|(query, response)| query.iter().chain(response).copied());
    let boilerplate = Boilerplate::learn(all);
    (events, writings, boilerplate)
}

fn mark(event: &mut Event, policies: &PolicySet, texts: Texts<'_>) {
    let vectors = (event.query.as_deref(), event.response.as_deref());
    event.signals.mark(policies, texts, vectors);
}

fn uploaded(row: &NewInteraction, (query, response): Vectors) -> EventWithTexts {
    let event = Event {
        position: 0,
        interaction_id: row.id.clone(),
        occurred_at: row.occurred_at,
        session_id: row.session_id.clone(),
        attributes: row.attributes.clone(),
        hashes: query.as_ref().map(|_| Hashes::of(&row.query)),
        signals: Signals::of(&row.query, row.response.as_deref()).with(row.personal),
        outcomes: Vec::new(),
        query,
        response,
    };
    EventWithTexts { event, query: Some(row.query.clone()), response: row.response.clone() }
}

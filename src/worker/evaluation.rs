//! Evaluates monitors: reads new events, slides windows, commits report and alert at once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::alert::Change;
use crate::detect::budget::in_force;
use crate::detect::calibration::self_check;
use crate::detect::compare::Comparator;
use crate::detect::engine::{Engine, Evaluation};
use crate::detect::notes::Texts;
use crate::detect::profile::{PROFILE_VERSION, ReferenceProfile};
use crate::detect::state::SavedBucket;
use crate::id::{MonitorId, ReferenceId};
use crate::model::alert::{Alert, AlertState};
use crate::model::calibration::SelfCheck;
use crate::model::interaction::{Attributes, Event, EventWithTexts, Interaction};
use crate::model::monitor::Monitor;
use crate::model::outcome::OutcomeEvent;
use crate::model::stream::Stream;
use crate::store::{AlarmRecord, BucketRow, CommitOutcome, EvaluationCommit, LeaseProof};
use crate::worker::assess::{Assessment, Assessor};
use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};
use crate::worker::leases::Leases;
use crate::worker::observe::{publish, publish_check};

/// Events read at a time.
const READ: i64 = 500;

/// Evaluates every monitor that this daemon holds the lease of.
pub struct EvaluationWorker {
    context: Context,
    model_digest: String,
    running: HashMap<MonitorId, Running>,
    leases: Leases,
    /// What is stored of each monitor's trouble.
    troubles: HashMap<MonitorId, Option<String>>,
    /// References whose profiles were of an earlier build.
    renewed: HashSet<ReferenceId>,
}

/// What profiles of all builds begin with.
#[derive(serde::Deserialize)]
struct Versioned {
    version: u32,
    model_digest: Option<String>,
}

/// A monitor whose windows are in memory.
struct Running {
    engine: Engine,
    assessor: Assessor,
    /// Position of the last event that the engine has seen.
    position: i64,
    /// Position of the last commit.
    cursor: i64,
    /// Late events of the last commit.
    late: i64,
    /// Alarms against the reference so far.
    record: Option<AlarmRecord>,
}

impl Running {
    /// Takes note of committed `assessments`.
    fn note(&mut self, assessments: &[Assessment]) {
        for Assessment { report, changes } in assessments {
            let at = report.evaluated_at;
            let record = self.record.get_or_insert(AlarmRecord { alarms: 0, from: at, to: at });
            (record.from, record.to) = (record.from.min(at), record.to.max(at));
            let has_fired = |change: &&Change| {
                let to = change.transition.as_ref().map(|transition| transition.to);
                to == Some(AlertState::Firing) && change.alert.stream != Some(Stream::Duplicates)
            };
            record.alarms += changes.iter().filter(has_fired).count() as u64;
        }
    }

    /// Alarms seen beside alarms expected, where thresholds are calibrated.
    fn check(&self, per_30d: f64) -> Option<SelfCheck> {
        let record = self.record?;
        let thresholds = &self.assessor.monitor.spec.thresholds;
        self_check(thresholds, record.days(), record.alarms, per_30d)
    }
}

impl EvaluationWorker {
    /// A worker for embeddings of `model_digest`.
    pub fn new(context: Context, model_digest: String) -> Self {
        let (running, troubles, leases) = (HashMap::new(), HashMap::new(), Leases::default());
        Self { context, model_digest, running, leases, troubles, renewed: HashSet::new() }
    }

    /// One monitor: everything that is new for it; `true` when there may be more.
    async fn advance(&mut self, monitor: &Monitor, per_30d: f64) -> Result<bool, WorkerError> {
        let context = self.context.clone();
        let Some(mut running) = self.load(monitor, per_30d).await? else { return Ok(false) };
        running.engine.set_per_30d(per_30d);
        let rows = context
            .store
            .events_after(monitor.project_id, running.position, &self.model_digest, READ)
            .await?;
        let events = read(&running.engine, rows);
        let matured = self.matured(monitor, &running.engine).await?;
        if events.is_empty() && matured.is_empty() {
            // Nothing to write: an idle monitor renews no lease.
            self.running.insert(monitor.id, running);
            return Ok(false);
        }
        let lease = self.leases.acquire(&context, format!("evaluation/{}", monitor.id)).await?;
        let Some(proof) = lease else { return Ok(false) };
        let before = running.cursor;
        let seen = running.engine.look(&events);
        for (event, seen) in events.iter().zip(&seen) {
            running.position = event.position;
            let evaluations = running.engine.observe_seen(event, seen);
            if evaluations.is_empty() {
                continue;
            }
            if !self.commit(&mut running, evaluations, &proof).await? {
                return Ok(true);
            }
        }
        for event in &matured {
            let Some(evaluation) = running.engine.observe_matured(event) else { continue };
            if !self.commit(&mut running, vec![evaluation], &proof).await? {
                return Ok(true);
            }
        }
        if running.cursor > before
            && let Some(check) = running.check(per_30d)
        {
            publish_check(&context, monitor, &check);
        }
        self.running.insert(monitor.id, running);
        Ok(events.len().max(matured.len()) as i64 == READ)
    }

    /// Interactions that were looked at before and whose outcomes have had time to come by now.
    async fn matured(&self, monitor: &Monitor, engine: &Engine) -> Result<Vec<Event>, WorkerError> {
        let Some(wait) = engine.matures_after() else { return Ok(Vec::new()) };
        let (project, digest) = (monitor.project_id, &self.model_digest);
        let (after, before) = (engine.matured_position(), self.context.now().minus(wait));
        let found = self.context.store.matured_events(project, after, before, digest, READ).await?;
        Ok(found.into_iter().map(OutcomeEvent::into_event).collect())
    }

    /// The monitor's windows, from memory or, after a restart or a change, from the store.
    async fn load(
        &mut self,
        monitor: &Monitor,
        per_30d: f64,
    ) -> Result<Option<Running>, WorkerError> {
        let Some(reference_id) = monitor.reference_id else { return Ok(None) };
        if let Some(running) = self.running.remove(&monitor.id)
            && running.assessor.monitor.updated_at == monitor.updated_at
            && running.assessor.reference_id == reference_id
        {
            return Ok(Some(running));
        }
        let Some(profile) = self.profile(monitor, reference_id).await? else { return Ok(None) };
        let store = &self.context.store;
        let Some(state) = store.evaluation_state(monitor.id).await? else { return Ok(None) };
        let comparator = Arc::new(Comparator::new(profile));
        let spec = monitor.spec.clone();
        let mut engine = match &state.state {
            None => Engine::new(spec, comparator, per_30d),
            Some(memory) => {
                let buckets: Vec<SavedBucket> = state.buckets.into_iter().map(saved).collect();
                Engine::restore(spec, comparator, per_30d, memory, &buckets).map_err(|error| {
                    WorkerError::Monitor { monitor: monitor.id, reason: error.to_string() }
                })?
            }
        };
        let from = state.cursor - engine.recall_limit() as i64;
        if state.state.is_some() {
            let limit = engine.recall_limit() as i64;
            let digest = &self.model_digest;
            let rows = store.events_after(monitor.project_id, from, digest, limit).await?;
            let events = read(&engine, rows);
            engine.recall(events.iter().filter(|event| event.position <= state.cursor));
        }
        let open: BTreeMap<_, Alert> =
            store.open_alerts(monitor.id).await?.into_iter().filter_map(place).collect();
        let assessor =
            Assessor { monitor: monitor.clone(), reference_id, sequence: state.sequence, open };
        let (cursor, late) = (state.cursor, engine.late_events());
        let record = store.alarm_record(monitor.id, reference_id).await?;
        Ok(Some(Running { engine, assessor, position: cursor, cursor, late, record }))
    }

    /// The reference's profile; `None`, with a word in the log, when it cannot be compared with.
    async fn profile(
        &mut self,
        monitor: &Monitor,
        reference: ReferenceId,
    ) -> Result<Option<ReferenceProfile>, WorkerError> {
        let Some(bytes) = self.context.store.reference_profile(reference).await? else {
            return Ok(None);
        };
        let bad = |reason: String| WorkerError::Monitor { monitor: monitor.id, reason };
        let damaged = |error| bad(format!("the profile of reference {reference}: {error}"));
        let Versioned { version, model_digest } =
            serde_json::from_slice(&bytes).map_err(damaged)?;
        if let Some(digest) = model_digest.filter(|digest| *digest != self.model_digest) {
            return Err(bad(format!(
                "reference {reference} was frozen with another embedding model ({digest}); windows of \
                 this one ({}) cannot be compared with it; freeze a new reference",
                self.model_digest
            )));
        }
        if version < PROFILE_VERSION {
            if !self.renewed.insert(reference) {
                return Err(bad(format!(
                    "reference {reference} has profile version {version} again, after it was calibrated anew; \
                     stop the daemon of an earlier build"
                )));
            }
            tracing::info!(%reference, version, needed = PROFILE_VERSION, "a profile of an earlier build is calibrated anew");
            self.context.store.recompute_reference(reference).await?;
            self.context.wakers.reference.notify_one();
            return Ok(None);
        }
        if version > PROFILE_VERSION {
            return Err(bad(format!(
                "reference {reference} has profile version {version} of a later build and this one knows \
                 {PROFILE_VERSION}; start the later build, or freeze a new reference"
            )));
        }
        serde_json::from_slice(&bytes).map_err(damaged).map(Some)
    }

    /// Stores for rules that the monitor cannot be evaluated, or that it can again; a store that is
    /// away is no trouble of the monitor's.
    async fn note_trouble(
        &mut self,
        monitor: MonitorId,
        error: Option<&WorkerError>,
    ) -> Result<(), WorkerError> {
        let reason = match error {
            None => None,
            Some(WorkerError::Monitor { reason, .. }) => Some(reason.clone()),
            Some(_) => return Ok(()),
        };
        if self.troubles.get(&monitor) == Some(&reason) {
            return Ok(());
        }
        self.context.store.set_monitor_trouble(monitor, reason.as_deref()).await?;
        self.troubles.insert(monitor, reason);
        self.context.wakers.rules.notify_one();
        Ok(())
    }

    /// The remembered interactions with the texts that are still stored, if anything drifted.
    async fn texts(
        &self,
        running: &Running,
        evaluations: &[Evaluation],
    ) -> Result<Vec<Interaction>, WorkerError> {
        if !evaluations.iter().any(Evaluation::is_drift) {
            return Ok(Vec::new());
        }
        let project = running.assessor.monitor.project_id;
        let ids = running.engine.remembered();
        Ok(self.context.store.interactions_by_id(project, &ids).await?)
    }

    /// Commits `evaluations` and how far the engine has come; `false` when someone else was faster:
    /// then it begins again from what is stored.
    async fn commit(
        &self,
        running: &mut Running,
        evaluations: Vec<Evaluation>,
        proof: &LeaseProof,
    ) -> Result<bool, WorkerError> {
        let now = self.context.now();
        let stored = self.texts(running, &evaluations).await?;
        let texts: HashMap<&str, Texts<'_>> = stored
            .iter()
            .map(|i| (i.id.as_str(), (i.query.as_deref(), i.response.as_deref())))
            .collect();
        let text = |id: &str| texts.get(id).copied().unwrap_or_default();
        let mut assessments = Vec::with_capacity(evaluations.len());
        for evaluation in evaluations {
            let explain = || running.engine.explain(&evaluation, &text);
            let explanation = evaluation.is_drift().then(explain).flatten();
            let assess = |rng: &mut _| running.assessor.assess(evaluation, now, rng);
            let mut assessment: Assessment = self.context.with_rng(assess);
            running.assessor.explained(&mut assessment, explanation);
            assessments.push(assessment);
        }
        let changes = running.engine.take_changes();
        let monitor = &running.assessor.monitor;
        let commit = EvaluationCommit {
            project_id: monitor.project_id,
            monitor_id: monitor.id,
            lease: proof.clone(),
            expected_cursor: running.cursor,
            cursor: running.position,
            state: changes.memory,
            upsert_buckets: changes.upserts.into_iter().map(row).collect(),
            close_buckets: changes.closed,
            reports: assessments.iter().map(|a| a.report.clone()).collect(),
            alerts: assessments.iter().flat_map(|a| &a.changes).map(|c| c.alert.clone()).collect(),
            transitions: assessments
                .iter()
                .flat_map(|a| &a.changes)
                .filter_map(|c| c.transition.clone())
                .collect(),
            late: running.engine.late_events() - running.late,
            now,
        };
        crate::fault::point("evaluation.before_commit");
        if self.context.store.commit_evaluation(&commit).await? == CommitOutcome::Superseded {
            tracing::info!(monitor = %monitor.id, "evaluation superseded, reloading");
            return Ok(false);
        }
        crate::fault::point("evaluation.after_commit");
        running.cursor = running.position;
        running.late = running.engine.late_events();
        publish(&self.context, monitor, &assessments);
        running.note(&assessments);
        if !commit.transitions.is_empty() {
            self.context.wakers.dispatch.notify_one();
        }
        Ok(true)
    }
}

impl Worker for EvaluationWorker {
    const NAME: &'static str = "evaluation";

    async fn tick(&mut self) -> Result<bool, WorkerError> {
        let monitors = self.context.store.all_monitors().await?;
        self.running.retain(|id, _| monitors.iter().any(|m| m.id == *id && !m.spec.paused));
        self.troubles.retain(|id, _| monitors.iter().any(|m| m.id == *id));
        let mut budgets = BTreeMap::new();
        let mut more = false;
        let mut failure = None;
        for monitor in monitors.iter().filter(|monitor| !monitor.spec.paused) {
            let project = monitor.project_id;
            let budget = match budgets.entry(project) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => *new.insert(self.context.store.budget(project).await?),
            };
            let of_project = monitors.iter().filter(|other| other.project_id == project);
            let specs = of_project.map(|other| &other.spec);
            let per_30d = in_force(&monitor.spec, specs, &budget);
            let outcome = self.advance(monitor, per_30d).await;
            self.note_trouble(monitor.id, outcome.as_ref().err()).await?;
            match outcome {
                Ok(again) => more |= again,
                // One monitor's trouble does not hold up the others.
                Err(error) => {
                    tracing::error!(monitor = %monitor.spec.name, %error, "evaluation failed");
                    failure = Some(error);
                }
            }
        }
        match failure {
            Some(error) if !more => Err(error),
            _ => Ok(more),
        }
    }

    async fn release(&mut self) {
        self.leases.release(&self.context).await;
    }
}

/// The events, their texts looked at beside the reference's.
fn read(engine: &Engine, rows: Vec<EventWithTexts>) -> Vec<Event> {
    rows.into_iter()
        .map(|EventWithTexts { mut event, query, response }| {
            engine.read(&mut event, (query.as_deref(), response.as_deref()));
            event
        })
        .collect()
}

/// An alert of the monitor's own, by stream and segment.
fn place(alert: Alert) -> Option<((Stream, Attributes), Alert)> {
    Some(((alert.stream?, alert.segment.clone()), alert))
}

fn saved(row: BucketRow) -> SavedBucket {
    SavedBucket { grid: row.grid, key: row.key, ends_at: row.ends_at, data: row.data }
}

fn row(saved: SavedBucket) -> BucketRow {
    BucketRow {
        grid: saved.grid,
        key: saved.key,
        closed: false,
        ends_at: saved.ends_at,
        data: saved.data,
    }
}

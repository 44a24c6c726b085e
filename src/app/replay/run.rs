//! One monitor under replay.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::output::Output;
use super::{MonitorSummary, Progress};
use crate::app::kept_texts::KeptTexts;
use crate::app::outcomes::{self, Outcomes, Waiting};
use crate::clock::Timestamp;
use crate::detect::compare::Comparator;
use crate::detect::engine::{Engine, Evaluation};
use crate::detect::freeze::freeze_with_outcomes;
use crate::detect::freeze::steps::NoSteps;
use crate::detect::lens::Seen;
use crate::detect::notes::{self, Texts};
use crate::detect::segments::Segment;
use crate::detect::writings::Writings;
use crate::id::{MonitorId, ProjectId, ReferenceId};
use crate::model::interaction::Event;
use crate::model::monitor::{Monitor, MonitorSpec};
use crate::model::stream::Stream;
use crate::worker::assess::Assessor;

/// One monitor under replay.
pub(super) struct Run {
    pub(super) engine: Engine,
    assessor: Assessor,
    rng: ChaCha8Rng,
    /// The latest texts, for explanations.
    pub(super) texts: KeptTexts,
    waiting: Waiting,
    n_ref: u64,
    warnings: Vec<String>,
    segments: Vec<String>,
    fired: BTreeMap<String, usize>,
}

impl Run {
    pub(super) fn freeze(
        spec: &MonitorSpec,
        per_30d: f64,
        (reference, texts): (&[Event], &KeptTexts),
        model_digest: &str,
        seed: u64,
        progress: &mut dyn Progress,
    ) -> anyhow::Result<Self> {
        progress.begin("calibrate", 100);
        let mut covered: Vec<Event> =
            reference.iter().filter(|e| spec.covers(&e.attributes)).cloned().collect();
        let texts = texts.by_id();
        let of = |id: &str| texts.get(id).copied().unwrap_or_default();
        let own: Vec<Texts<'_>> = covered.iter().map(|event| of(&event.interaction_id)).collect();
        let writings = Writings::learned(&mut covered, &own);
        let outcomes = outcomes::specs(&covered);
        let mut profile =
            freeze_with_outcomes(&covered, spec, &outcomes, model_digest, seed, &NoSteps, &|_| ())
                .with_context(|| format!("monitor {}", spec.name))?;
        profile.writings = writings;
        profile.notes = notes::take(&profile, &covered, &of);
        progress.at(100);
        let (n_ref, warnings) = (profile.n, profile.warnings.clone());
        let parts = profile.segments.iter().filter_map(|part| part.segment.as_ref());
        let segments: Vec<String> = parts.map(Segment::name).collect();
        let start = reference.iter().map(|e| e.occurred_at).max().unwrap_or_default();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let monitor = Monitor {
            id: MonitorId::new(start, &mut rng),
            project_id: ProjectId::new(start, &mut rng),
            spec: spec.clone(),
            reference_id: None,
            created_at: start,
            updated_at: start,
        };
        let assessor = Assessor {
            monitor,
            reference_id: ReferenceId::new(start, &mut rng),
            sequence: 0,
            open: BTreeMap::new(),
        };
        let engine = Engine::new(spec.clone(), Arc::new(Comparator::new(profile)), per_30d);
        let (texts, fired) = (KeptTexts::default(), BTreeMap::new());
        let waiting = Waiting::default();
        Ok(Self { engine, assessor, rng, texts, waiting, n_ref, warnings, segments, fired })
    }

    pub(super) fn observe(
        &mut self,
        event: &Event,
        seen: &[(Stream, Seen)],
        index: usize,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        for evaluation in self.engine.observe_seen(event, seen) {
            self.report(evaluation, index, output)?;
        }
        Ok(())
    }

    /// Observes what has waited long enough for its outcomes by the time of `event`.
    pub(super) fn observe_outcomes(
        &mut self,
        event: &Event,
        outcomes: &Outcomes,
        index: usize,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        let Some(wait) = self.engine.matures_after() else { return Ok(()) };
        for matured in self.waiting.next(event, wait, outcomes) {
            if let Some(evaluation) = self.engine.observe_matured(&matured) {
                self.report(evaluation, index, output)?;
            }
        }
        Ok(())
    }

    fn report(
        &mut self,
        evaluation: Evaluation,
        index: usize,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        let now: Timestamp = evaluation.at;
        let explanation = evaluation.is_drift().then(|| {
            let texts = self.texts.by_id();
            let of = |id: &str| texts.get(id).copied().unwrap_or_default();
            self.engine.explain(&evaluation, &of)
        });
        let mut assessment = self.assessor.assess(evaluation, now, &mut self.rng);
        self.assessor.explained(&mut assessment, explanation.flatten());
        for kind in output.write(&assessment, &self.assessor.monitor, index)? {
            *self.fired.entry(kind).or_default() += 1;
        }
        Ok(())
    }

    pub(super) fn summary(self) -> MonitorSummary {
        MonitorSummary {
            name: self.assessor.monitor.spec.name,
            n_ref: self.n_ref,
            warnings: self.warnings,
            reports: self.assessor.sequence,
            late_events: self.engine.late_events(),
            repeated_events: self.engine.repeated_events(),
            segments: self.segments,
            fired: self.fired,
        }
    }
}

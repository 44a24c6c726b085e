//! The whole pipeline over files: freeze, slide, judge, alert — in event time, as fast as possible.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::{Limits, Received};
use crate::app::files::{self, Faults, Line, Lines};
use crate::app::kept_texts::{self, KeptTexts};
use crate::app::vectors;
use crate::clock::Timestamp;
use crate::detect::budget::in_force;
use crate::detect::compare::Comparator;
use crate::detect::engine::Engine;
use crate::detect::freeze::freeze;
use crate::detect::lens::Seen;
use crate::detect::notes;
use crate::detect::segments::Segment;
use crate::embed::Embedder;
use crate::id::{MonitorId, ProjectId, ReferenceId};
use crate::model::budget::Budget;
use crate::model::interaction::Event;
use crate::model::monitor::{Monitor, MonitorSpec};
use crate::model::stream::Stream;
use crate::worker::assess::{Assessment, Assessor};

/// Lines embedded at a time.
const CHUNK: usize = 1000;

/// What is replayed.
#[derive(Debug, Clone)]
pub struct Options {
    /// The reference's file.
    pub reference: PathBuf,
    /// The stream's file.
    pub stream: PathBuf,
    /// Outcomes of the stream, if any.
    pub outcomes: Option<PathBuf>,
    /// Monitors as TOML, `[[monitors]]`; one with the defaults when absent.
    pub monitors: Option<PathBuf>,
    /// The folder for the results.
    pub out: PathBuf,
    /// Seed of everything random.
    pub seed: u64,
    /// Limits of one line.
    pub limits: Limits,
}

/// Steps that a progress bar shows.
pub trait Progress {
    /// A step of `total` units begins.
    fn begin(&mut self, label: &str, total: u64);
    /// `done` units of the step are done.
    fn at(&mut self, done: u64);
}

/// `summary.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Events of the stream that were read.
    pub events: usize,
    /// Bad lines of reference and stream.
    pub bad_lines: usize,
    /// The first few problems.
    pub problems: Vec<String>,
    /// Outcomes read; they are not evaluated by this version.
    pub outcomes: u64,
    /// Digest of the embedding model.
    pub model_digest: String,
    /// The seed.
    pub seed: u64,
    /// Per monitor.
    pub monitors: Vec<MonitorSummary>,
    /// Wall-clock seconds by step.
    pub seconds: BTreeMap<&'static str, f64>,
}

/// One monitor's part of the summary.
#[derive(Debug, Clone, Serialize)]
pub struct MonitorSummary {
    /// Its name.
    pub name: String,
    /// Events in its reference.
    pub n_ref: u64,
    /// What to know of the reference.
    pub warnings: Vec<String>,
    /// Reports written.
    pub reports: i64,
    /// Events left out because they came too late.
    pub late_events: i64,
    /// Events left out of all but `duplicates` because they repeat a text too often.
    pub repeated_events: i64,
    /// Segments that were watched beside the whole.
    pub segments: Vec<String>,
    /// Alerts that fired, by kind.
    pub fired: BTreeMap<String, usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MonitorFile {
    monitors: Vec<MonitorSpec>,
}

/// Replays `options` and writes `reports.jsonl`, `alerts.jsonl` and `summary.json`.
pub fn replay(
    options: &Options,
    embedder: &dyn Embedder,
    progress: &mut dyn Progress,
) -> anyhow::Result<Summary> {
    let specs = monitor_specs(options.monitors.as_deref())?;
    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("cannot make the folder {}", options.out.display()))?;
    let mut clock = Stopwatch::start();
    let mut faults = Faults::default();

    let (reference, texts) = reference_events(options, embedder, progress, &mut faults)?;
    clock.lap("embed_reference");
    let mut runs = Vec::new();
    for spec in &specs {
        let per_30d = in_force(spec, &specs, &Budget::default());
        let digest = embedder.model_digest();
        let rows = (reference.as_slice(), &texts);
        runs.push(Run::freeze(spec, per_30d, rows, digest, options.seed, progress)?);
    }
    drop((reference, texts));
    clock.lap("freeze");

    let mut output = Output::create(&options.out)?;
    let events = stream(options, embedder, progress, &mut runs, &mut output, &mut faults)?;
    output.finish()?;
    clock.lap("stream");

    let outcomes = options.outcomes.as_deref().map_or(Ok(0), files::count_lines)?;
    let summary = Summary {
        events,
        bad_lines: faults.count,
        problems: faults.first,
        outcomes,
        model_digest: embedder.model_digest().to_owned(),
        seed: options.seed,
        monitors: runs.into_iter().map(Run::summary).collect(),
        seconds: clock.laps,
    };
    let path = options.out.join("summary.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&summary)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(summary)
}

fn monitor_specs(path: Option<&Path>) -> anyhow::Result<Vec<MonitorSpec>> {
    let Some(path) = path else { return Ok(vec![MonitorSpec::named("default")]) };
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file: MonitorFile =
        toml::from_str(&text).with_context(|| format!("{} is not usable", path.display()))?;
    let problems: Vec<String> = file
        .monitors
        .iter()
        .flat_map(|spec| {
            let name = spec.name.clone();
            spec.problems().into_iter().map(move |(at, what)| format!("{name}{at}: {what}"))
        })
        .collect();
    if !problems.is_empty() {
        bail!("{}: {}", path.display(), problems.join("; "));
    }
    if file.monitors.is_empty() {
        bail!("{} names no monitor; add a [[monitors]] section", path.display());
    }
    Ok(file.monitors)
}

fn reference_events(
    options: &Options,
    embedder: &dyn Embedder,
    progress: &mut dyn Progress,
    faults: &mut Faults,
) -> anyhow::Result<(Vec<Event>, KeptTexts)> {
    let contents = files::read_all(&options.reference, &options.limits)?;
    *faults = contents.faults;
    progress.begin("reference", contents.items.len() as u64);
    let mut events = Vec::with_capacity(contents.items.len());
    let mut texts = KeptTexts::default();
    let mut items = contents.items.into_iter().map(|(_, item)| item).peekable();
    while items.peek().is_some() {
        let first = events.len() as i64 + 1;
        let chunk: Vec<Received> =
            items.by_ref().take(CHUNK).zip(first..).map(|(item, n)| named(item, n)).collect();
        texts.extend(&chunk);
        events.extend(vectors::events(chunk, first, embedder)?);
        progress.at(events.len() as u64);
    }
    Ok((events, texts))
}

fn stream(
    options: &Options,
    embedder: &dyn Embedder,
    progress: &mut dyn Progress,
    runs: &mut [Run],
    output: &mut Output,
    faults: &mut Faults,
) -> anyhow::Result<usize> {
    progress.begin("stream", files::count_lines(&options.stream)?);
    let mut lines = Lines::open(&options.stream, &options.limits)?;
    let mut position = 0i64;
    loop {
        let chunk = lines
            .by_ref()
            .take(CHUNK)
            .collect::<std::io::Result<Vec<Line>>>()
            .with_context(|| format!("cannot read {}", options.stream.display()))?;
        let Some(last) = chunk.last() else { return Ok(position as usize) };
        let read = last.index + 1;
        let (mut indices, mut items) = (Vec::new(), Vec::new());
        for line in chunk {
            match line.content {
                Ok(item) => {
                    indices.push(line.index);
                    items.push(named(item, line.index as i64 + 1));
                }
                Err(problem) => faults.add(line.index, &problem),
            }
        }
        let texts: Vec<_> = items.iter().map(kept_texts::kept).collect();
        let events = vectors::events(items, position + 1, embedder)?;
        position += events.len() as i64;
        for run in runs.iter_mut() {
            let seen = run.engine.look(&events);
            for (i, event) in events.iter().enumerate() {
                run.texts.push(texts[i].clone());
                run.observe(event, &seen[i], indices[i], output)?;
            }
        }
        progress.at(read as u64);
    }
}

/// The item with an id: examples and explanations name interactions by it.
fn named(mut item: Received, line: i64) -> Received {
    item.id.get_or_insert_with(|| format!("line-{line}"));
    item
}

/// One monitor under replay.
struct Run {
    engine: Engine,
    assessor: Assessor,
    rng: ChaCha8Rng,
    /// The latest texts, for explanations.
    texts: KeptTexts,
    n_ref: u64,
    warnings: Vec<String>,
    segments: Vec<String>,
    fired: BTreeMap<String, usize>,
}

impl Run {
    fn freeze(
        spec: &MonitorSpec,
        per_30d: f64,
        (reference, texts): (&[Event], &KeptTexts),
        model_digest: &str,
        seed: u64,
        progress: &mut dyn Progress,
    ) -> anyhow::Result<Self> {
        progress.begin("calibrate", 100);
        let covered: Vec<Event> =
            reference.iter().filter(|e| spec.covers(&e.attributes)).cloned().collect();
        let mut profile = freeze(&covered, spec, model_digest, seed, &|_| ())
            .with_context(|| format!("monitor {}", spec.name))?;
        let texts = texts.by_id();
        profile.notes =
            notes::take(&profile, &covered, &|id| texts.get(id).copied().unwrap_or_default());
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
        Ok(Self { engine, assessor, rng, texts, n_ref, warnings, segments, fired })
    }

    fn observe(
        &mut self,
        event: &Event,
        seen: &[(Stream, Seen)],
        index: usize,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        for evaluation in self.engine.observe_seen(event, seen) {
            let now: Timestamp = evaluation.at;
            let explanation = evaluation.is_drift().then(|| {
                let texts = self.texts.by_id();
                let of = |id: &str| texts.get(id).copied().unwrap_or_default();
                self.engine.explain(&evaluation, &of)
            });
            let mut assessment = self.assessor.assess(evaluation, now, &mut self.rng);
            assessment.report.explanation = explanation.flatten();
            for kind in output.write(&assessment, &self.assessor.monitor, index)? {
                *self.fired.entry(kind).or_default() += 1;
            }
        }
        Ok(())
    }

    fn summary(self) -> MonitorSummary {
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

/// The result files.
struct Output {
    reports: BufWriter<File>,
    alerts: BufWriter<File>,
}

impl Output {
    fn create(folder: &Path) -> anyhow::Result<Self> {
        let create = |name: &str| {
            let path = folder.join(name);
            File::create(&path)
                .map(BufWriter::new)
                .with_context(|| format!("cannot write {}", path.display()))
        };
        Ok(Self { reports: create("reports.jsonl")?, alerts: create("alerts.jsonl")? })
    }

    /// Writes one assessment; returns the kinds of the alerts that fired.
    fn write(
        &mut self,
        assessment: &Assessment,
        monitor: &Monitor,
        index: usize,
    ) -> anyhow::Result<Vec<String>> {
        let report = with_index(serde_json::to_value(&assessment.report)?, index);
        writeln!(self.reports, "{report}")?;
        let mut fired = Vec::new();
        for change in &assessment.changes {
            let Some(transition) = &change.transition else { continue };
            let alert = &change.alert;
            let mut segment = monitor.spec.segment.clone();
            segment.extend(alert.segment.clone());
            let segment = (!segment.is_empty()).then_some(segment);
            let line = json!({
                "at": transition.at,
                "event_index": index,
                "state": transition.to,
                "reason": transition.reason,
                "kind": alert.kind,
                "segment": segment,
                "alert_id": alert.id,
                "monitor": monitor.spec.name,
                "severity": alert.severity,
                "reasons": alert.reasons,
            });
            writeln!(self.alerts, "{line}")?;
            if transition.to == crate::model::alert::AlertState::Firing {
                fired.push(alert.kind.clone());
            }
        }
        Ok(fired)
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.reports.flush()?;
        self.alerts.flush()?;
        Ok(())
    }
}

fn with_index(mut report: Value, index: usize) -> Value {
    if let Value::Object(fields) = &mut report {
        fields.insert("event_index".to_owned(), json!(index));
    }
    report
}

/// Wall-clock time by step, for the summary.
struct Stopwatch {
    last: Instant,
    laps: BTreeMap<&'static str, f64>,
}

impl Stopwatch {
    fn start() -> Self {
        Self { last: now(), laps: BTreeMap::new() }
    }

    fn lap(&mut self, step: &'static str) {
        let now = now();
        let spent: Duration = now - self.last;
        self.last = now;
        self.laps.insert(step, (spent.as_secs_f64() * 1000.0).round() / 1000.0);
    }
}

fn now() -> Instant {
    Instant::now()
}

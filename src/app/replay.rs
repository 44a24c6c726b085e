//! The whole pipeline over files: freeze, slide, judge, alert — in event time, as fast as possible.

mod output;
mod run;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::api::{Limits, Received};
use crate::app::files::{self, Faults, Line, Lines};
use crate::app::kept_texts::{self, Kept, KeptTexts};
use crate::app::outcomes::Outcomes;
use crate::app::vectors::{self, Item};
use crate::detect::budget::in_force;
use crate::embed::Embedder;
use crate::model::budget::Budget;
use crate::model::interaction::Event;
use crate::model::monitor::MonitorSpec;
use crate::prepare::Preparer;
use crate::prepare::guard::Guard;
use crate::text::clean::Boilerplate;

use self::output::Output;
use self::run::Run;

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
    /// Regions of the users, whose telephone numbers and identifiers are masked.
    pub regions: Vec<String>,
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
    /// Events of the stream that were left out of statistics, by rule.
    pub excluded: BTreeMap<String, usize>,
    /// Bad lines of reference and stream.
    pub bad_lines: usize,
    /// The first few problems.
    pub problems: Vec<String>,
    /// Outcomes read.
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
    let guard = vectors::guard(&options.regions).context("--regions is not usable")?;
    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("cannot make the folder {}", options.out.display()))?;
    let mut clock = Stopwatch::start();
    let mut faults = Faults::default();

    let (mut reference, texts) =
        reference_events(options, &guard, embedder, progress, &mut faults)?;
    let read = |path: &PathBuf| Outcomes::read(path, &mut faults);
    let outcomes = options.outcomes.as_ref().map(read).transpose()?.unwrap_or_default();
    let known = reference.iter().map(|event| event.occurred_at).max().unwrap_or_default();
    outcomes.attach(&mut reference, known);
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
    let excluded = BTreeMap::new();
    let mut sink = Sink { runs: &mut runs, outcomes: &outcomes, output: &mut output, excluded };
    let events = stream(options, &guard, embedder, progress, &mut sink, &mut faults)?;
    let excluded = sink.excluded;
    output.finish()?;
    clock.lap("stream");

    let summary = Summary {
        events,
        excluded,
        bad_lines: faults.count,
        problems: faults.first,
        outcomes: outcomes.count,
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
    guard: &Guard,
    embedder: &dyn Embedder,
    progress: &mut dyn Progress,
    faults: &mut Faults,
) -> anyhow::Result<(Vec<Event>, KeptTexts)> {
    let contents = files::read_all(&options.reference, &options.limits)?;
    *faults = contents.faults;
    progress.begin("reference", contents.items.len() as u64);
    let mut events = Vec::with_capacity(contents.items.len());
    let mut texts = KeptTexts::default();
    let preparer = Preparer::standard(Boilerplate::default());
    let items = contents.items.into_iter().zip(1..);
    let items = items.map(|((_, item), n)| Item::prepared(named(item, n), guard, &preparer));
    let mut items = items.filter(|item| item.excluded.is_none()).peekable();
    while items.peek().is_some() {
        let first = events.len() as i64 + 1;
        let chunk: Vec<Item> = items.by_ref().take(CHUNK).collect();
        texts.extend(&chunk);
        events.extend(vectors::events(chunk, first, embedder)?);
        progress.at(events.len() as u64);
    }
    Ok((events, texts))
}

fn stream(
    options: &Options,
    guard: &Guard,
    embedder: &dyn Embedder,
    progress: &mut dyn Progress,
    sink: &mut Sink<'_>,
    faults: &mut Faults,
) -> anyhow::Result<usize> {
    progress.begin("stream", files::count_lines(&options.stream)?);
    let mut lines = Lines::open(&options.stream, &options.limits)?;
    let preparer = Preparer::standard(Boilerplate::default());
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
                    let item = Item::prepared(named(item, line.index as i64 + 1), guard, &preparer);
                    if let Some(rule) = item.excluded {
                        *sink.excluded.entry(rule).or_default() += 1;
                    } else {
                        indices.push(line.index);
                        items.push(item);
                    }
                }
                Err(problem) => faults.add(line.index, &problem),
            }
        }
        let texts: Vec<_> = items.iter().map(kept_texts::kept).collect();
        let events = vectors::events(items, position + 1, embedder)?;
        position += events.len() as i64;
        sink.take(&events, &texts, &indices)?;
        progress.at(read as u64);
    }
}

/// Where the stream's events go.
struct Sink<'a> {
    runs: &'a mut [Run],
    outcomes: &'a Outcomes,
    output: &'a mut Output,
    /// Interactions left out, by rule.
    excluded: BTreeMap<String, usize>,
}

impl Sink<'_> {
    /// Shows events with their texts and the numbers of their lines to every monitor.
    fn take(&mut self, events: &[Event], texts: &[Kept], indices: &[usize]) -> anyhow::Result<()> {
        for run in self.runs.iter_mut() {
            let mut events = events.to_vec();
            for (event, kept) in events.iter_mut().zip(texts) {
                run.engine.read(event, kept_texts::texts(kept));
            }
            let seen = run.engine.look(&events);
            for (i, event) in events.iter().enumerate() {
                run.texts.push(texts[i].clone());
                run.observe(event, &seen[i], indices[i], self.output)?;
                run.observe_outcomes(event, self.outcomes, indices[i], self.output)?;
            }
        }
        Ok(())
    }
}

/// The item with an id: examples and explanations name interactions by it.
fn named(mut item: Received, line: i64) -> Received {
    item.id.get_or_insert_with(|| format!("line-{line}"));
    item
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

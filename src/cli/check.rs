//! `seamark check`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::app::embedder::open_for_files;
use crate::app::vectors::{Item, REGIONS};
use crate::app::{files, vectors};
use crate::cli::{print, progress, quality, say, table};
use crate::config::Config;
use crate::detect::check::{CheckOptions, MIN_EVENTS, check};
use crate::detect::text_check::TextCheckOptions;
use crate::embed::Embedder;
use crate::model::interaction::Event;
use crate::model::verdict::VerdictStatus;
use crate::prepare::Preparer;
use crate::prepare::guard::Guard;
use crate::text::clean::Boilerplate;

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 no drift, 1 drift or failure, 2 wrong arguments.")]
pub(super) struct CheckArgs {
    /// Interactions before: JSON lines in the ingest format, plain or gzip
    #[arg(long, value_name = "FILE", required_unless_present = "quality")]
    reference: Option<PathBuf>,
    /// Interactions now
    #[arg(long, value_name = "FILE", required_unless_present = "quality")]
    current: Option<PathBuf>,
    /// Look at the texts of this file alone, not at what they mean: faults, languages; beside those of
    /// the reference where one is given. Needs no model
    #[arg(long, value_name = "FILE", conflicts_with = "current")]
    quality: Option<PathBuf>,
    /// With --quality and no reference: the rate of a fault that is too much
    #[arg(long, default_value_t = 0.05, value_parser = probability, requires = "quality")]
    at_most: f64,
    /// Probability of calling two equal samples drifted, over all streams and detectors
    #[arg(long, default_value_t = 0.01, value_parser = probability)]
    alpha: f64,
    /// Permutations of the test
    #[arg(long, default_value_t = 999, value_parser = clap::value_parser!(u32).range(99..=100_000))]
    permutations: u32,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Regions of the users, whose telephone numbers and identifiers are masked before anything else
    #[arg(long, value_name = "ZA,NG", value_delimiter = ',', default_values = REGIONS)]
    regions: Vec<String>,
    /// Print the verdicts as JSON
    #[arg(long)]
    json: bool,
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(p) if p > 0.0 && p < 1.0 => Ok(p),
        _ => Err("want a number between 0 and 1".to_owned()),
    }
}

/// Runs the command.
pub(super) fn run(config: &Config, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    if let Some(file) = &args.quality {
        let options = TextCheckOptions { alpha: args.alpha, at_most: args.at_most };
        return quality::run(config, args.reference.as_deref(), file, &options, args.json);
    }
    let (Some(reference), Some(current)) = (&args.reference, &args.current) else {
        bail!("--reference and --current are needed");
    };
    let embedder = open_for_files(config, &progress::pull())?;
    let guard = vectors::guard(&args.regions).context("--regions is not usable")?;
    let reference = load(config, reference, &guard, embedder.as_ref())?;
    let current = load(config, current, &guard, embedder.as_ref())?;
    let options = CheckOptions {
        alpha: args.alpha,
        permutations: args.permutations as usize,
        seed: args.seed,
    };
    let verdicts = check(&reference, &current, &options);
    if verdicts.iter().all(|v| v.status == VerdictStatus::InsufficientData) {
        bail!(
            "too few interactions to judge: {} and {}, and each side needs {MIN_EVENTS}",
            reference.len(),
            current.len()
        );
    }
    let drift = verdicts.iter().any(|verdict| verdict.is_drift);
    if args.json {
        print(&serde_json::to_string_pretty(&verdicts)?);
    } else {
        print(&table::verdicts(&verdicts));
        print(if drift { "drift: yes" } else { "drift: no" });
    }
    Ok(if drift { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn load(
    config: &Config,
    path: &Path,
    guard: &Guard,
    embedder: &dyn Embedder,
) -> anyhow::Result<Vec<Event>> {
    let contents = files::read_all(path, &config.server.limits)?;
    for problem in &contents.faults.first {
        say(&format!("seamark: {}: skipped {problem}", path.display()));
    }
    let bar = progress::bar("embed", contents.items.len() as u64);
    let mut events = Vec::with_capacity(contents.items.len());
    let preparer = Preparer::standard(Boilerplate::default());
    let items = contents.items.into_iter().map(|(_, item)| Item::prepared(item, guard, &preparer));
    let mut items = items.filter(|item| item.excluded.is_none()).peekable();
    while items.peek().is_some() {
        let chunk: Vec<Item> = items.by_ref().take(500).collect();
        let first = events.len() as i64 + 1;
        events.extend(vectors::events(chunk, first, embedder)?);
        bar.set_position(events.len() as u64);
    }
    bar.finish_and_clear();
    Ok(events)
}

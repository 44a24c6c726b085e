//! `seamark replay`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::ProgressBar;

use crate::app::embedder::open_for_files;
use crate::app::replay::{Options, Progress, Summary, replay};
use crate::app::vectors::REGIONS;
use crate::cli::{print, progress, say, table};
use crate::config::Config;

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Interactions of the reference: JSON lines in the ingest format, plain or gzip
    #[arg(long, value_name = "FILE")]
    reference: PathBuf,
    /// Interactions of the stream, in the order of arrival
    #[arg(long, value_name = "FILE")]
    stream: PathBuf,
    /// Outcomes of the stream; counted, not yet evaluated
    #[arg(long, value_name = "FILE")]
    outcomes: Option<PathBuf>,
    /// Monitors as TOML, one section each; one monitor with the defaults when left out
    #[arg(long, value_name = "FILE")]
    monitors: Option<PathBuf>,
    /// Regions of the users, whose telephone numbers and identifiers are masked before anything else
    #[arg(long, value_name = "ZA,NG", value_delimiter = ',', default_values = REGIONS)]
    regions: Vec<String>,
    /// Folder for reports.jsonl, alerts.jsonl and summary.json
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Seed of everything random: the same input and seed give the same output
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the command.
pub(super) fn run(config: &Config, args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let embedder = open_for_files(config, &progress::pull())?;
    let options = Options {
        reference: args.reference.clone(),
        stream: args.stream.clone(),
        outcomes: args.outcomes.clone(),
        monitors: args.monitors.clone(),
        out: args.out.clone(),
        regions: args.regions.clone(),
        seed: args.seed,
        limits: config.server.limits.clone(),
    };
    let mut bars = Bars { current: ProgressBar::hidden() };
    let summary = replay(&options, embedder.as_ref(), &mut bars)?;
    bars.current.finish_and_clear();
    show(&summary, &options);
    Ok(ExitCode::SUCCESS)
}

struct Bars {
    current: ProgressBar,
}

impl Progress for Bars {
    fn begin(&mut self, label: &str, total: u64) {
        self.current.finish_and_clear();
        self.current = progress::bar(label, total);
    }

    fn at(&mut self, done: u64) {
        self.current.set_position(done);
    }
}

fn show(summary: &Summary, options: &Options) {
    for problem in &summary.problems {
        say(&format!("seamark: skipped {problem}"));
    }
    if summary.bad_lines > summary.problems.len() {
        say(&format!("seamark: skipped {} bad lines in all", summary.bad_lines));
    }
    let rows: Vec<Vec<String>> = summary
        .monitors
        .iter()
        .map(|m| {
            let fired: Vec<String> =
                m.fired.iter().map(|(kind, count)| format!("{kind} × {count}")).collect();
            let fired = if fired.is_empty() { "none".to_owned() } else { fired.join(", ") };
            vec![m.name.clone(), fired, m.reports.to_string(), m.late_events.to_string()]
        })
        .collect();
    print(&table::render(&["monitor", "alerts fired", "reports", "late"], &rows, 2));
    for monitor in &summary.monitors {
        for warning in &monitor.warnings {
            print(&format!("note: {}: {warning}", monitor.name));
        }
    }
    let seconds: f64 = summary.seconds.values().sum();
    print(&format!(
        "{} events in {seconds:.1} s; results in {}",
        summary.events,
        options.out.display()
    ));
}

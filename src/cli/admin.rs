//! `seamark reference | monitor | migrate`: work on the database directly.
//!
//! A running daemon sees the changes within its polling time; nothing here needs it to run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::app::{DEFAULT_PROJECT, files, seeded_rng};
use crate::cli::{calibration, print, table};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::config::Config;
use crate::detect::budget::{in_force, monitor_share};
use crate::detect::calibration::{report, self_check};
use crate::detect::profile::ReferenceProfile;
use crate::id::{MonitorId, ProjectId, ReferenceId};
use crate::model::audit::AuditRecord;
use crate::model::interaction::NewInteraction;
use crate::model::monitor::{Monitor, MonitorSpec, ThresholdPolicy};
use crate::model::reference::{Reference, ReferenceSource, ReferenceStatus};
use crate::store::Store;

/// Commands on references.
#[derive(Debug, Subcommand)]
pub(super) enum ReferenceCommand {
    /// Freeze a reference for a monitor; the daemon computes it
    Freeze(FreezeArgs),
    /// List references
    List,
    /// Calibrate a frozen reference anew, or show how it is calibrated
    Calibrate {
        /// The reference's id
        id: ReferenceId,
        /// Only show thresholds, the division of the budget and expected run times
        #[arg(long)]
        report: bool,
    },
    /// Show one reference with its progress
    Show {
        /// The reference's id
        id: ReferenceId,
    },
}

/// Arguments of `reference freeze`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("source").required(true).args(["from", "next", "file"])))]
pub(super) struct FreezeArgs {
    /// The monitor's name
    #[arg(long)]
    monitor: String,
    /// The reference's name; versions count under it
    #[arg(long, default_value = "reference")]
    name: String,
    /// First moment of the range (RFC 3339)
    #[arg(long, requires = "to", value_parser = time)]
    from: Option<Timestamp>,
    /// End of the range, itself left out
    #[arg(long, value_parser = time)]
    to: Option<Timestamp>,
    /// The next N interactions instead of a range
    #[arg(long, value_name = "N")]
    next: Option<u32>,
    /// The interactions of a file instead: JSON lines in the ingest format, plain or gzip
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Commands on monitors.
#[derive(Debug, Subcommand)]
pub(super) enum MonitorCommand {
    /// Create a monitor, with the defaults or from a file
    Create {
        /// Its name
        #[arg(long, required_unless_present = "file")]
        name: Option<String>,
        /// Its specification as TOML, as docs/API.md describes it
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List monitors
    List,
    /// Show one monitor as JSON
    Show {
        /// Its name
        name: String,
    },
    /// Delete a monitor with its reports
    Delete {
        /// Its name
        name: String,
    },
}

/// A moment on the command line.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "want RFC 3339, such as 2026-11-23T08:30:00Z".to_owned())
}

/// An opened database and the default project.
pub(super) struct Desk {
    pub(super) store: Store,
    pub(super) project: ProjectId,
    pub(super) now: Timestamp,
}

impl Desk {
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let store = Store::open(&config.store).await.context("cannot open the database")?;
        store.migrate().await.context("cannot bring the database up to date")?;
        let now = SystemClock.now();
        let project = store.ensure_project(DEFAULT_PROJECT, now, &mut seeded_rng()).await?;
        Ok(Self { store, project, now })
    }

    /// Appends what this command did to the project's audit trail.
    pub(super) async fn audit(
        &self,
        project: ProjectId,
        action: &'static str,
        object: String,
        payload: Value,
    ) -> anyhow::Result<()> {
        let actor = "command line".to_owned();
        let record = AuditRecord { actor, action, object, payload, about: None };
        self.store.append_audit(project, &record, self.now).await?;
        Ok(())
    }

    /// The same in the default project.
    pub(super) async fn note(
        &self,
        action: &'static str,
        object: impl ToString,
        payload: Value,
    ) -> anyhow::Result<()> {
        self.audit(self.project, action, object.to_string(), payload).await
    }

    async fn monitor(&self, name: &str) -> anyhow::Result<Monitor> {
        let monitors = self.store.list_monitors(self.project).await?;
        let names: Vec<String> = monitors.iter().map(|m| m.spec.name.clone()).collect();
        monitors.into_iter().find(|monitor| monitor.spec.name == name).with_context(|| {
            let known = if names.is_empty() { "none yet".to_owned() } else { names.join(", ") };
            format!("no monitor is called {name:?}; there are: {known}")
        })
    }
}

/// `seamark reference …`
pub(super) async fn reference(
    config: Config,
    command: ReferenceCommand,
) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&config).await?;
    match command {
        ReferenceCommand::Freeze(args) => freeze(&config, &desk, args).await?,
        ReferenceCommand::List => {
            let references = desk.store.list_references(desk.project, None).await?;
            let rows: Vec<Vec<String>> = references.iter().map(reference_row).collect();
            let header = ["id", "name", "version", "status", "progress", "n", "note"];
            print(&table::render(&header, &rows, 2));
        }
        ReferenceCommand::Calibrate { id, report: true } => {
            let bytes = desk.store.reference_profile(id).await?;
            let bytes = bytes.with_context(|| format!("there is no calibrated reference {id}"))?;
            print(&calibration_report(&desk, id, &serde_json::from_slice(&bytes)?).await?);
        }
        ReferenceCommand::Calibrate { id, report: false } => {
            if !desk.store.recompute_reference(id).await? {
                bail!("there is no frozen reference {id}");
            }
            desk.note("reference.calibrate", id, json!({})).await?;
            print(&format!("{id}  (follow it with: seamark reference show {id})"));
        }
        ReferenceCommand::Show { id } => {
            let reference = desk.store.find_reference(desk.project, id).await?;
            let reference = reference.with_context(|| format!("there is no reference {id}"))?;
            print(&serde_json::to_string_pretty(&reference)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The calibration at the rate in force, and whether the promise was kept so far.
async fn calibration_report(
    desk: &Desk,
    id: ReferenceId,
    profile: &ReferenceProfile,
) -> anyhow::Result<String> {
    let Desk { store, project, .. } = desk;
    let reference = store.find_reference(*project, id).await?.context("the reference is gone")?;
    let monitor = store.find_monitor(*project, reference.monitor_id).await?;
    let monitor = monitor.context("its monitor is gone")?;
    let (monitors, budget) = (store.list_monitors(*project).await?, store.budget(*project).await?);
    let per_30d = in_force(&monitor.spec, monitors.iter().map(|m| &m.spec), &budget);
    let mut text = String::new();
    if monitor.spec.thresholds == ThresholdPolicy::Budget {
        let share = monitor_share(&monitor.spec, monitors.iter().map(|m| &m.spec));
        text = format!("{:.0} % of the project's budget\n", 100.0 * share);
    }
    text.push_str(&calibration::render(&report(profile, per_30d)));
    let record = store.alarm_record(monitor.id, id).await?;
    let thresholds = &monitor.spec.thresholds;
    let check = record.and_then(|r| self_check(thresholds, r.days(), r.alarms, per_30d));
    text.push_str(&check.map_or_else(String::new, |check| calibration::render_check(&check)));
    Ok(text)
}

async fn freeze(config: &Config, desk: &Desk, args: FreezeArgs) -> anyhow::Result<()> {
    let monitor = desk.monitor(&args.monitor).await?;
    let source = match (args.from, args.to, args.next, &args.file) {
        (None, None, None, Some(path)) => {
            ReferenceSource::File { name: path.display().to_string() }
        }
        (Some(from), Some(to), None, None) if from < to => ReferenceSource::TimeRange { from, to },
        (None, None, Some(count), None) => {
            let after = Some(desk.store.last_position(desk.project).await?);
            ReferenceSource::Next { count, after }
        }
        _ => bail!("give --from and a later --to, or --next, or --file"),
    };
    let mut rng = seeded_rng();
    let version = desk.store.next_reference_version(desk.project, monitor.id, &args.name).await?;
    let reference = Reference {
        id: ReferenceId::new(desk.now, &mut rng),
        project_id: desk.project,
        monitor_id: monitor.id,
        name: args.name,
        version,
        source,
        status: ReferenceStatus::Collecting,
        progress: 0.0,
        message: None,
        n: 0,
        model_digest: None,
        seed: desk.now.as_micros(),
        created_at: desk.now,
        frozen_at: None,
    };
    match &args.file {
        None => desk.store.insert_reference(&reference).await?,
        Some(path) => {
            let rows = rows_of(config, path, desk.now)?;
            desk.store.insert_reference_upload(&reference, &rows).await?;
        }
    }
    let payload = json!({ "after": reference });
    desk.note("reference.request", reference.id, payload).await?;
    print(&format!("{}  (follow it with: seamark reference show {0})", reference.id));
    Ok(())
}

/// The interactions of a reference file; one bad line refuses the file, as a reference is for long.
fn rows_of(config: &Config, path: &Path, now: Timestamp) -> anyhow::Result<Vec<NewInteraction>> {
    let contents = files::read_all(path, &config.server.limits)?;
    if let Some(first) = contents.faults.first.first() {
        bail!("{} has {} bad lines, such as {first}", path.display(), contents.faults.count);
    }
    Ok(contents
        .items
        .into_iter()
        .map(|(index, item)| item.into_new(now, None, || format!("line-{index}")))
        .collect())
}

fn reference_row(reference: &Reference) -> Vec<String> {
    vec![
        reference.id.to_string(),
        reference.name.clone(),
        reference.version.to_string(),
        reference.status.as_str().to_owned(),
        format!("{:.0} %", 100.0 * reference.progress),
        reference.n.to_string(),
        reference.message.clone().unwrap_or_default(),
    ]
}

/// `seamark monitor …`
pub(super) async fn monitor(config: Config, command: MonitorCommand) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&config).await?;
    match command {
        MonitorCommand::Create { name, file } => create(&desk, name, file).await?,
        MonitorCommand::List => {
            let monitors = desk.store.list_monitors(desk.project).await?;
            let rows: Vec<Vec<String>> = monitors.iter().map(monitor_row).collect();
            print(&table::render(&["name", "id", "streams", "reference", "paused"], &rows, 5));
        }
        MonitorCommand::Show { name } => {
            print(&serde_json::to_string_pretty(&desk.monitor(&name).await?)?);
        }
        MonitorCommand::Delete { name } => {
            let monitor = desk.monitor(&name).await?;
            desk.store.delete_monitor(desk.project, monitor.id).await?;
            let payload = json!({ "before": monitor.spec });
            desk.note("monitor.delete", monitor.id, payload).await?;
            print(&format!("deleted {name}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(desk: &Desk, name: Option<String>, file: Option<PathBuf>) -> anyhow::Result<()> {
    let mut spec = match &file {
        None => MonitorSpec::named(""),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            toml::from_str(&text).with_context(|| format!("{} is not usable", path.display()))?
        }
    };
    if let Some(name) = name {
        spec.name = name;
    }
    let problems = spec.problems();
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(|(at, what)| format!("{at} {what}")).collect();
        bail!("the monitor is not usable: {}", lines.join("; "));
    }
    let monitor = Monitor {
        id: MonitorId::new(desk.now, &mut seeded_rng()),
        project_id: desk.project,
        spec,
        reference_id: None,
        created_at: desk.now,
        updated_at: desk.now,
    };
    desk.store.insert_monitor(&monitor).await?;
    desk.note("monitor.create", monitor.id, json!({ "after": monitor.spec })).await?;
    print(&monitor.id.to_string());
    Ok(())
}

fn monitor_row(monitor: &Monitor) -> Vec<String> {
    let streams: Vec<&str> = monitor.spec.streams.iter().map(|s| s.as_str()).collect();
    vec![
        monitor.spec.name.clone(),
        monitor.id.to_string(),
        streams.join(","),
        monitor.reference_id.map_or_else(|| "none".to_owned(), |id| id.to_string()),
        monitor.spec.paused.to_string(),
    ]
}

/// `seamark migrate`
pub(super) async fn migrate(config: Config) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(&config).await?;
    print(&format!("the {} database is up to date", desk.store.engine_name()));
    Ok(ExitCode::SUCCESS)
}

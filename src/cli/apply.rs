//! `seamark apply` and `seamark export`: monitors, receivers, rules, routing and budget as a document.
//!
//! Both talk to a running daemon, so they work from a pipeline as well as from the machine itself.
//! Everything up to [`plan`] decides; only [`carry_out`] changes something.

mod budget;
mod carry_out;
mod daemon;
mod diff;
mod document;
mod export;
mod fault;
mod kind;
mod monitors;
mod names;
mod normal;
mod plan;
mod receivers;
mod routing;
mod rules;
mod secret;
#[cfg(test)]
mod tests;
mod write;

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::cli::{print, say};
use crate::config::Config;
use crate::egress::DaemonClient;
use document::{Document, Format};
use plan::Wishes;
use secret::Source;

/// `apply --dry-run` found something to change.
const WOULD_CHANGE: u8 = 3;

/// Arguments of `apply`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, or nothing to do; 1 failed, refused or not confirmed; \
2 wrong arguments; 3 with --dry-run, something would change.\n\
The form of the file: docs/DECLARATIVE.md"
)]
pub(super) struct ApplyArgs {
    /// A file in TOML or YAML, or `-` for standard input; repeatable, they add up
    #[arg(long = "file", short, required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How the files are written [default: by extension; TOML on standard input]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Show what would change, and change nothing; exits 3 when something would
    #[arg(long)]
    dry_run: bool,
    /// Apply without asking
    #[arg(long, short, conflicts_with = "dry_run")]
    yes: bool,
    #[command(flatten)]
    wishes: Wishes,
    #[command(flatten)]
    daemon: DaemonArgs,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// How to write it
    #[arg(long, value_enum, default_value = "toml")]
    format: Format,
    #[command(flatten)]
    daemon: DaemonArgs,
}

/// Which daemon, and with which key.
#[derive(Debug, Args)]
struct DaemonArgs {
    /// The daemon [default: http:// and server.bind]
    #[arg(long, value_name = "URL", env = "SEAMARK_URL")]
    url: Option<String>,
    /// The file that holds the API key; goes before SEAMARK_API_KEY
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The API key; best by the variable, since everyone on the machine sees arguments
    #[arg(long, value_name = "KEY", env = "SEAMARK_API_KEY", hide_env_values = true)]
    key: Option<ApiKey>,
}

/// A key that does not print.
#[derive(Clone)]
struct ApiKey(String);

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<&str> for ApiKey {
    fn from(text: &str) -> Self {
        Self(text.trim().to_owned())
    }
}

impl DaemonArgs {
    fn client(&self, config: &Config) -> anyhow::Result<DaemonClient> {
        let url = self.url.clone().unwrap_or_else(|| {
            let mut bind = config.server.bind;
            if bind.ip().is_unspecified() {
                bind.set_ip(Ipv4Addr::LOCALHOST.into());
            }
            format!("http://{bind}")
        });
        let key = match (&self.key_file, &self.key) {
            (Some(path), _) => Some(Source::File(path.clone()).read().map_err(anyhow::Error::msg)?),
            (None, key) => key.as_ref().map(|key| key.0.clone()),
        };
        let key = key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        if key.as_ref().is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            bail!("the API key holds characters that no key has; copy it whole");
        }
        Ok(DaemonClient::new(&url, key)?)
    }
}

/// `seamark apply`
pub(super) async fn apply(config: Config, args: ApplyArgs) -> anyhow::Result<ExitCode> {
    let document = read_all(&args.files, args.format)?;
    let client = args.daemon.client(&config)?;
    let state = daemon::read(&client, |kind| document.has(kind)).await?;
    let plan = plan::plan(&document, &state, args.wishes, &Source::read)
        .map_err(|problems| fault::error("problems", &problems))?;
    print(&plan.text());
    if plan.steps.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    if args.dry_run {
        return Ok(ExitCode::from(WOULD_CHANGE));
    }
    if !args.yes {
        confirm()?;
    }
    carry_out::carry_out(&client, &plan, state.names.clone()).await?;
    Ok(ExitCode::SUCCESS)
}

/// `seamark export`
pub(super) async fn export(config: Config, args: ExportArgs) -> anyhow::Result<ExitCode> {
    let client = args.daemon.client(&config)?;
    let state = daemon::read(&client, |_| true).await?;
    let (text, notes) = export::export(&state, args.format).map_err(anyhow::Error::msg)?;
    print(&text);
    notes.iter().for_each(|note| say(&format!("seamark: {note}")));
    Ok(ExitCode::SUCCESS)
}

fn read_all(files: &[PathBuf], format: Option<Format>) -> anyhow::Result<Document> {
    let mut document = Document::default();
    let mut problems = Vec::new();
    for path in files {
        let origin = path.display().to_string();
        let is_standard_input = path == Path::new("-");
        let mut text = String::new();
        if is_standard_input {
            std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        } else {
            text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read {origin}"))?;
        }
        let by_name = || if is_standard_input { Some(Format::Toml) } else { Format::of(path) };
        let format = format.or_else(by_name).with_context(|| {
            format!("{origin} is neither .toml nor .yaml: say which with --format")
        })?;
        problems.extend(document.add(&origin, &text, format).err().unwrap_or_default());
    }
    if problems.is_empty() { Ok(document) } else { Err(fault::error("problems", &problems)) }
}

/// Asks on the terminal. A pipeline has to say so beforehand.
fn confirm() -> anyhow::Result<()> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        bail!("nobody to ask: add --yes to apply this");
    }
    print("Apply this? Only \"yes\" does:");
    let mut answer = String::new();
    input.lock().read_line(&mut answer).context("no answer can be read")?;
    if answer.trim() != "yes" {
        bail!("not applied");
    }
    Ok(())
}

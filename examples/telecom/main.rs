//! Writes the demo scenario as JSON lines, in the format of `POST /v1/interactions`.

#[path = "generator.rs"]
mod generator;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use generator::{Scenario, generate};

const USAGE: &str = "\
Writes two weeks of invented support chats as JSON lines, sorted by time.

usage: telecom [--interactions N] [--days D] [--seed S] [--launch-day X] [--launch-share X]
               [--out FILE]

  --interactions N   query and response pairs (6000)
  --days D           days of event time (14)
  --seed S           the same seed writes the same lines (7)
  --launch-day X     when the unknown product launches, in days after the start (10.375)
  --launch-share X   share of customers, 0 to 1, who then ask about it (0.3)
  --out FILE         write there instead of standard output
";

/// What the command line asks for.
enum Request {
    Usage,
    Write { scenario: Scenario, out: Option<PathBuf> },
}

#[expect(clippy::print_stderr, reason = "a command line program reports its errors there")]
fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("telecom: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(request: Request) -> Result<()> {
    match request {
        Request::Usage => Ok(io::stdout().write_all(USAGE.as_bytes())?),
        Request::Write { scenario, out: None } => write(&scenario, io::stdout().lock()),
        Request::Write { scenario, out: Some(path) } => {
            let file =
                File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
            write(&scenario, file)
        }
    }
}

#[expect(clippy::print_stderr, reason = "standard output holds the interactions")]
fn write(scenario: &Scenario, out: impl Write) -> Result<()> {
    let interactions = generate(scenario);
    let mut out = BufWriter::new(out);
    for interaction in &interactions {
        if let Err(error) = writeln!(out, "{}", interaction.to_json()) {
            // A reader such as `head` may have had enough.
            return if error.kind() == io::ErrorKind::BrokenPipe {
                Ok(())
            } else {
                Err(error.into())
            };
        }
    }
    out.flush()?;
    let about_launch = interactions.iter().filter(|interaction| interaction.about_launch).count();
    eprintln!("{} interactions, {about_launch} of them about the launch", interactions.len());
    Ok(())
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Request> {
    let mut scenario = Scenario::default();
    let mut out = None;
    while let Some(flag) = arguments.next() {
        if matches!(flag.as_str(), "--help" | "-h") {
            return Ok(Request::Usage);
        }
        let mut value = || arguments.next().with_context(|| format!("{flag} needs a value"));
        match flag.as_str() {
            "--interactions" => scenario.interactions = number(&flag, &value()?)?,
            "--days" => scenario.days = number(&flag, &value()?)?,
            "--seed" => scenario.seed = number(&flag, &value()?)?,
            "--launch-day" => scenario.launch_day = number(&flag, &value()?)?,
            "--launch-share" => scenario.launch_share = number(&flag, &value()?)?,
            "--out" => out = Some(PathBuf::from(value()?)),
            _ => bail!("unknown argument {flag:?}; --help lists those there are"),
        }
    }
    if scenario.days == 0 {
        bail!("--days is 0, it must be at least 1");
    }
    if !(0.0..=1.0).contains(&scenario.launch_share) {
        bail!("--launch-share is {}, it must lie between 0 and 1", scenario.launch_share);
    }
    Ok(Request::Write { scenario, out })
}

fn number<T: FromStr>(flag: &str, text: &str) -> Result<T> {
    text.parse().ok().with_context(|| format!("{flag} takes a number, not {text:?}"))
}

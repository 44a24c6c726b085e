//! `seamark screen`.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::{print, say, table};
use crate::config::Config;
use crate::embed::NamesModel;
use crate::screen::{Explained, NameFinder, Outcome, Recogniser, Screener, Settings};

/// Arguments of `screen`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing found, 1 something found or failure, 2 wrong arguments."
)]
pub(super) struct ScreenArgs {
    /// A text in each line, or JSON lines whose `query`, `response` or `text` is looked at; - is
    /// standard input
    #[arg(default_value = "-", value_name = "FILE")]
    input: PathBuf,
    /// Regions of the users, whose telephone numbers and identifiers are looked for
    #[arg(long, value_name = "ZA,NG", value_delimiter = ',')]
    regions: Vec<String>,
    /// Look for names of persons too: where a phrase introduces one, and by the model of
    /// `screening.names` where that is set
    #[arg(long)]
    names: bool,
    /// What is looked for, as `screen` of `/v1/screening` in TOML or JSON
    #[arg(long = "screening", value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Show every candidate, found or not, with the reasons
    #[arg(long)]
    explain: bool,
    /// Print a JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(config: &Config, args: &ScreenArgs) -> anyhow::Result<ExitCode> {
    let mut settings = settings(args.settings.as_deref())?;
    if !args.regions.is_empty() {
        settings.regions.clone_from(&args.regions);
    }
    settings.names |= args.names;
    let names = if settings.names { NamesModel::open(&config.screening.names)? } else { None };
    let names: Option<Arc<dyn NameFinder>> = names.map(|model| Arc::new(model) as _);
    if let Some(model) = names.as_ref().filter(|_| args.explain) {
        let (folder, digest) = (config.screening.names.model.display(), model.digest());
        say(&format!(
            "seamark: names by the model in {folder}, sha256 {digest}, threshold {}",
            model.threshold()
        ));
    }
    let screener = Screener::with_names(&settings, names).context("the settings are not usable")?;
    let (mut rows, mut found) = (Vec::new(), false);
    for (line, content) in (1..).zip(open(&args.input)?.lines()) {
        let content = content.with_context(|| format!("cannot read {}", args.input.display()))?;
        for (field, text) in texts(&content) {
            let mut candidates = screener.explain(&text);
            found |= candidates.iter().any(|candidate| candidate.outcome == Outcome::Found);
            if !args.explain {
                candidates.retain(|candidate| candidate.outcome == Outcome::Found);
            }
            for candidate in &candidates {
                let value = text.get(candidate.finding.span.clone()).unwrap_or_default();
                if args.json {
                    print(&object(line, field, value, candidate).to_string());
                } else {
                    rows.push(row(line, field, value, candidate));
                }
            }
        }
    }
    if !args.json && !rows.is_empty() {
        let header = [
            "line", "field", "type", "subtype", "value", "score", "form", "check", "word", "by",
            "outcome",
        ];
        print(&table::render(&header, &rows, 5));
    }
    Ok(if found { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn settings(path: Option<&Path>) -> anyhow::Result<Settings> {
    let Some(path) = path else { return Ok(Settings::default()) };
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let unusable = || format!("{} is not usable", path.display());
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(&text).with_context(unusable);
    }
    toml::from_str(&text).with_context(unusable)
}

fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

/// The texts of a line, each with the field that it stands in.
fn texts(line: &str) -> Vec<(&'static str, String)> {
    let Ok(Value::Object(object)) = serde_json::from_str(line) else {
        return vec![("", line.to_owned())];
    };
    let text = |field| Some((field, object.get(field)?.as_str()?.to_owned()));
    ["query", "response", "text"].into_iter().filter_map(text).collect()
}

fn row(line: usize, field: &str, value: &str, candidate: &Explained) -> Vec<String> {
    let or_none = |text: Option<&str>| text.unwrap_or("–").to_owned();
    let finding = &candidate.finding;
    vec![
        line.to_string(),
        or_none((!field.is_empty()).then_some(field)),
        finding.entity.to_string(),
        or_none(finding.subtype.as_deref()),
        value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(40).collect(),
        format!("{:.2}", finding.score),
        format!("{:.2}", candidate.base),
        or_none(candidate.check),
        or_none(candidate.word.as_deref()),
        recogniser(finding.recogniser).to_owned(),
        outcome(candidate.outcome).to_owned(),
    ]
}

fn object(line: usize, field: &str, value: &str, candidate: &Explained) -> Value {
    let finding = &candidate.finding;
    json!({
        "line": line,
        "field": (!field.is_empty()).then_some(field),
        "entity": finding.entity,
        "subtype": finding.subtype,
        "start": finding.span.start,
        "end": finding.span.end,
        "value": value,
        "score": finding.score,
        "form_score": candidate.base,
        "check": candidate.check,
        "word": candidate.word,
        "recogniser": finding.recogniser,
        "outcome": candidate.outcome,
    })
}

const fn recogniser(recogniser: Recogniser) -> &'static str {
    match recogniser {
        Recogniser::Rules => "rules",
        Recogniser::NamesModel => "names model",
    }
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Found => "found",
        Outcome::BelowMinimum => "score too low",
        Outcome::Overlapped => "part of another",
        Outcome::Allowed => "allowed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_texts_or_objects() {
        assert_eq!(texts("a {b}"), [("", "a {b}".to_owned())]);
        let both = [("query", "q".to_owned()), ("response", "r".to_owned())];
        assert_eq!(texts(r#"{"response": "r", "query": "q", "n": 1}"#), both);
        assert_eq!(texts("17"), [("", "17".to_owned())]);
    }
}

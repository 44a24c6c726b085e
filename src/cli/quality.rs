//! `seamark check --quality`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;

use crate::api::Received;
use crate::app::files;
use crate::cli::{print, say, table};
use crate::config::Config;
use crate::detect::text_check::{TextCheckOptions, TextRate, check_texts};
use crate::model::signals::Signals;
use crate::prepare::Preparer;
use crate::text::clean::Boilerplate;

/// Looks at the texts of `current`, beside those of `reference` where there is one.
pub(super) fn run(
    config: &Config,
    reference: Option<&Path>,
    current: &Path,
    options: &TextCheckOptions,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let before = reference.map(|path| load(config, path)).transpose()?;
    let now = load(config, current)?;
    let rates = check_texts(before.as_deref(), &now, options);
    if rates.is_empty() {
        bail!("{} holds no text that counts", current.display());
    }
    let alarm = rates.iter().any(|rate| rate.is_alarm);
    if json {
        print(&serde_json::to_string_pretty(&rates)?);
    } else {
        print(&render(&rates, before.is_some()));
        print(match (alarm, before.is_some()) {
            (true, true) => "text quality: differs",
            (true, false) => "text quality: too many faults",
            (false, true) => "text quality: as before",
            (false, false) => "text quality: good",
        });
    }
    Ok(if alarm { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What is seen of the texts of a file; traffic that is no user's is left out, and said so.
fn load(config: &Config, path: &Path) -> anyhow::Result<Vec<Signals>> {
    let contents = files::read_all(path, &config.server.limits)?;
    for problem in &contents.faults.first {
        say(&format!("seamark: {}: skipped {problem}", path.display()));
    }
    let preparer = Preparer::standard(Boilerplate::default());
    let prepared = contents.items.into_iter().map(|(_, item)| look(&item, &preparer));
    let (kept, left): (Vec<_>, Vec<_>) = prepared.partition(Option::is_some);
    if !left.is_empty() {
        say(&format!("seamark: {}: {} interactions are no user's", path.display(), left.len()));
    }
    Ok(kept.into_iter().flatten().collect())
}

fn look(item: &Received, preparer: &Preparer) -> Option<Signals> {
    let prepared = preparer.prepare(&item.query, item.response.as_deref(), &item.attributes);
    prepared.excluded.is_none().then_some(prepared.signals)
}

fn render(rates: &[TextRate], beside: bool) -> String {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let points = |share: f64| format!("{:+.1}", 100.0 * share);
    let row = |rate: &TextRate| {
        let mut row = vec![
            rate.side.as_str().to_owned(),
            rate.name.clone(),
            if rate.is_alarm { "▲" } else { "" }.to_owned(),
            percent(rate.rate),
        ];
        match (rate.rate_before, rate.p_value) {
            (Some(before), Some(p)) => row.extend([
                percent(before),
                format!("{} to {}", points(rate.low), points(rate.high)),
                if p < 1e-9 { "< 1e-9".to_owned() } else { format!("{p:.1e}") },
            ]),
            _ => row.push(format!("{} to {}", percent(rate.low), percent(rate.high))),
        }
        row.push(format!("{} of {}", rate.count, rate.texts));
        row
    };
    let rows: Vec<Vec<String>> = rates.iter().map(row).collect();
    let header: &[&str] = if beside {
        &["side", "found", "", "rate", "before", "difference", "p", "texts"]
    } else {
        &["side", "found", "", "rate", "95 % interval", "texts"]
    };
    table::render(header, &rows, 3)
}

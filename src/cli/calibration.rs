//! A reference's calibration as a table.

use crate::cli::table;
use crate::model::calibration::{
    CalibrationReport, HeldOutTrial, SelfCheck, StreamCalibration, Trial,
};
use crate::model::stream::Stream;

/// The division of the budget and every threshold.
pub(super) fn render(report: &CalibrationReport) -> String {
    let mut text = format!(
        "{:.3} false alarms expected in 30 days (calibrated for {:.3}; seed {}, version {})\n\n",
        report.expected_per_30d, report.calibrated_per_30d, report.seed, report.version
    );
    let mut rows = Vec::new();
    for part in &report.parts {
        let labels: Vec<String> = part.segment.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let name = if labels.is_empty() { "all".to_owned() } else { labels.join(",") };
        for stream in &part.streams {
            for one in &stream.thresholds {
                rows.push(vec![
                    name.clone(),
                    stream.stream.to_string(),
                    one.window.clone(),
                    one.detector.to_string(),
                    one.threshold.map_or_else(|| "never".to_owned(), |t| format!("{t:.3e}")),
                    format!("{:.1e}", one.alpha),
                    one.days_between_false_alarms
                        .map_or_else(|| "–".to_owned(), |days| format!("{days:.0}")),
                    format!("{:.4}", stream.expected_per_30d),
                    one.tail.clone(),
                    stream.rhythm.clone(),
                ]);
            }
        }
    }
    let header = [
        "part",
        "stream",
        "window",
        "detector",
        "threshold",
        "alpha",
        "days",
        "per 30d",
        "tail",
        "rhythm",
    ];
    text.push_str(&table::render(&header, &rows, 4));
    if report.parts.iter().flat_map(|part| &part.streams).any(is_extrapolated) {
        text.push_str(
            "the thresholds lie beyond what was simulated, along the tails that are named\n",
        );
    }
    for stream in report.parts.iter().flat_map(|part| &part.streams) {
        if stream.trial.is_some() {
            text.push_str(&dependence(stream));
        }
        text.push_str(&stream.trial.map_or_else(String::new, |trial| tried(stream.stream, &trial)));
    }
    for warning in &report.warnings {
        text.extend(["note: ", warning, "\n"]);
    }
    text
}

fn dependence(stream: &StreamCalibration) -> String {
    format!(
        "{}: design effect {:.1}, drawn in units of {:.1} events\n",
        stream.stream, stream.design_effect, stream.unit_events
    )
}

fn is_extrapolated(stream: &StreamCalibration) -> bool {
    stream.thresholds.iter().any(|one| one.extrapolated)
}

/// Whether the promise was kept so far.
pub(super) fn render_check(check: &SelfCheck) -> String {
    let SelfCheck { days, alarms, expected, low, high, p_value } = check;
    format!(
        "so far: {alarms} alarms in {days:.1} days where {expected:.2} false ones are expected \
         ({low:.2} to {high:.2} would fit; p = {p_value:.2e})\n"
    )
}

/// What the thresholds did when they were tried, in a line each.
fn tried(stream: Stream, trial: &Trial) -> String {
    let held_out = trial.held_out.map(|trial| {
        let HeldOutTrial { evaluations, expected, episodes, low, high, alarms } = trial;
        format!(
            "{stream}: on the reference itself, held out by fifths, {episodes} alarms in {evaluations} \
             evaluations where {expected:.1} are expected ({low:.1} to {high:.1} would fit); {alarms} at \
             the promised rate\n"
        )
    });
    let power = trial.power.map(|power| {
        let share = |share: Option<f64>| {
            share.map_or_else(|| "no share".to_owned(), |share| format!("{:.1} %", 100.0 * share))
        };
        format!(
            "{stream}: a new topic alarms within 1,000 events from {}, within 5,000 from {} of the traffic\n",
            share(power.within_1000),
            share(power.within_5000)
        )
    });
    [held_out, power].into_iter().flatten().collect()
}

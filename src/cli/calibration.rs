//! A reference's calibration as a table.

use crate::cli::table;
use crate::model::calibration::CalibrationReport;

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
    for warning in &report.warnings {
        text.extend(["note: ", warning, "\n"]);
    }
    text
}

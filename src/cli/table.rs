//! Plain tables for people.

use crate::model::verdict::{Verdict, VerdictStatus};

/// Rows under a header, columns as wide as their widest cell; the first `left` columns flush left.
pub(super) fn render(header: &[&str], rows: &[Vec<String>], left: usize) -> String {
    let columns = header.len();
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| -> String {
        let mut text = String::new();
        for (i, cell) in cells.into_iter().enumerate() {
            let gap = " ".repeat(widths[i] - cell.chars().count());
            let padded = if i < left { format!("{cell}{gap}") } else { format!("{gap}{cell}") };
            text.push_str(&padded);
            text.push_str(if i + 1 < columns { "  " } else { "" });
        }
        text.trim_end().to_owned() + "\n"
    };
    let mut text = line(header.to_vec());
    text.push_str(&"─".repeat(widths.iter().sum::<usize>() + 2 * (columns - 1)));
    text.push('\n');
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}

/// Verdicts as a table, drift marked by word and sign.
pub(super) fn verdicts(verdicts: &[Verdict]) -> String {
    let header = [
        "stream",
        "window",
        "detector",
        "verdict",
        "statistic",
        "threshold",
        "p",
        "effect",
        "n",
        "n_ref",
    ];
    let rows: Vec<Vec<String>> = verdicts
        .iter()
        .map(|v| {
            vec![
                v.stream.to_string(),
                v.window.clone(),
                v.detector.to_string(),
                status(v.status).to_owned(),
                number(v.statistic),
                number(v.threshold),
                number(v.p_value),
                v.effect_size.map_or_else(|| "–".to_owned(), |e| format!("{:.0} %", 100.0 * e)),
                v.n_window.to_string(),
                v.n_ref.to_string(),
            ]
        })
        .collect();
    render(&header, &rows, 4)
}

const fn status(status: VerdictStatus) -> &'static str {
    match status {
        VerdictStatus::Stable => "stable",
        VerdictStatus::Drift => "DRIFT ▲",
        VerdictStatus::InsufficientData => "too few data",
        VerdictStatus::Uncalibrated => "no threshold",
    }
}

fn number(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(v) if v == 0.0 || (1e-3..1e4).contains(&v.abs()) => format!("{v:.4}"),
        Some(v) => format!("{v:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let text = render(&["a", "bb"], &[vec!["xyz".into(), "1".into()]], 1);
        assert_eq!(text, "a    bb\n───────\nxyz   1\n");
    }
}

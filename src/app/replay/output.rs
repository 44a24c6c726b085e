//! The result files of a replay.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::model::monitor::Monitor;
use crate::worker::assess::Assessment;

/// The result files.
pub(super) struct Output {
    reports: BufWriter<File>,
    alerts: BufWriter<File>,
}

impl Output {
    pub(super) fn create(folder: &Path) -> anyhow::Result<Self> {
        let create = |name: &str| {
            let path = folder.join(name);
            File::create(&path)
                .map(BufWriter::new)
                .with_context(|| format!("cannot write {}", path.display()))
        };
        Ok(Self { reports: create("reports.jsonl")?, alerts: create("alerts.jsonl")? })
    }

    /// Writes one assessment; returns the kinds of the alerts that fired.
    pub(super) fn write(
        &mut self,
        assessment: &Assessment,
        monitor: &Monitor,
        index: usize,
    ) -> anyhow::Result<Vec<String>> {
        let report = with_index(serde_json::to_value(&assessment.report)?, index);
        writeln!(self.reports, "{report}")?;
        let mut fired = Vec::new();
        for change in &assessment.changes {
            let Some(transition) = &change.transition else { continue };
            let alert = &change.alert;
            let mut segment = monitor.spec.segment.clone();
            segment.extend(alert.segment.clone());
            let segment = (!segment.is_empty()).then_some(segment);
            let line = json!({
                "at": transition.at,
                "event_index": index,
                "state": transition.to,
                "reason": transition.reason,
                "kind": alert.kind,
                "segment": segment,
                "alert_id": alert.id,
                "monitor": monitor.spec.name,
                "severity": alert.severity,
                "reasons": alert.reasons,
            });
            writeln!(self.alerts, "{line}")?;
            if transition.to == crate::model::alert::AlertState::Firing {
                fired.push(alert.kind.clone());
            }
        }
        Ok(fired)
    }

    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.reports.flush()?;
        self.alerts.flush()?;
        Ok(())
    }
}

fn with_index(mut report: Value, index: usize) -> Value {
    if let Value::Object(fields) = &mut report {
        fields.insert("event_index".to_owned(), json!(index));
    }
    report
}

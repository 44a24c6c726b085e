//! An alert that never happened, for previews and for the manual.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::alert::{EventKind, Origin};
use crate::clock::Timestamp;
use crate::id::{AlertId, MonitorId, ProjectId, ReferenceId, ReportId};
use crate::model::alert::{Alert, AlertState};
use crate::model::explanation::{
    CellChange, ChangeTime, Explanation, NewTopic, StreamExplanation, TermChange, Trend,
};
use crate::model::interaction::Attributes;
use crate::model::monitor::{MonitorSpec, Severity};
use crate::model::report::Report;
use crate::model::stream::Stream;
use crate::model::verdict::{DetectorKind, Verdict, VerdictStatus};
use crate::notify::message::{AlertMessage, ExampleText, Links};

/// Everything that a message about a made-up alert needs.
#[derive(Debug, Clone)]
pub struct Sample {
    alert: Alert,
    spec: MonitorSpec,
    report: Report,
    examples: Vec<ExampleText>,
    links: Links,
    now: Timestamp,
}

impl Sample {
    /// A drift that began two hours before `now` in a telecom assistant's queries.
    pub fn new(now: Timestamp) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(7);
        let (project_id, monitor_id) = (ProjectId::new(now, rng), MonitorId::new(now, rng));
        let began = now.minus(Duration::from_hours(2));
        let report = Report {
            id: ReportId::new(now, rng),
            project_id,
            monitor_id,
            reference_id: ReferenceId::new(now, rng),
            sequence: 412,
            evaluated_at: now,
            position: 20_600,
            segment: Attributes::new(),
            is_drift: true,
            verdicts: verdicts(),
            examples: Vec::new(),
            explanation: Some(explanation(began)),
            late_events: 0,
        };
        let alert = Alert {
            id: AlertId::new(now, rng),
            project_id,
            monitor_id: Some(monitor_id),
            rule_id: None,
            stream: Some(Stream::Query),
            segment: Attributes::new(),
            kind: Stream::Query.alert_kind().to_owned(),
            severity: Severity::Warning,
            state: AlertState::Firing,
            streak: 0,
            started_at: now,
            fired_at: Some(now),
            resolved_at: None,
            report_id: Some(report.id),
            reasons: report.verdicts.clone(),
            findings: Vec::new(),
            annotations: BTreeMap::new(),
            acknowledged_at: None,
            acknowledged_by: None,
        };
        let texts = [
            "When can I get fibre at my place?",
            "Does the fibre bundle include a router?",
            "Fibre is not active yet, the technician did not come",
        ];
        let example = |text: &str| ExampleText {
            stream: Stream::Query,
            text: text.to_owned(),
            score: 0.41,
            occurred_at: now.minus(Duration::from_mins(3)),
        };
        let links = Links {
            report_url: Some(format!("https://seamark.example/v1/reports/{}", report.id)),
            monitor_url: Some(format!("https://seamark.example/v1/monitors/{monitor_id}")),
            rule_url: None,
            runbook_url: Some("https://wiki.example/drift".to_owned()),
        };
        let spec = MonitorSpec::named("support");
        Self { alert, spec, report, examples: texts.map(example).to_vec(), links, now }
    }

    /// What is told of it as `event`.
    pub fn message(&self, event: EventKind) -> AlertMessage<'_> {
        AlertMessage {
            event,
            alert: &self.alert,
            origin: Origin::Monitor(&self.spec),
            false_alarms_per_30d: Some(1.0),
            report: Some(&self.report),
            examples: &self.examples,
            others: &[],
            links: &self.links,
            wording: None,
            course: &[0.3, 0.2, 0.4, 0.3, 0.5, 0.9, 1.4, 2.0, 2.4],
            now: self.now,
        }
    }
}

fn verdicts() -> Vec<Verdict> {
    let of = |detector, statistic, threshold| Verdict {
        status: VerdictStatus::Drift,
        is_drift: true,
        statistic: Some(statistic),
        threshold: Some(threshold),
        p_value: Some(0.0002),
        effect_size: Some(0.14),
        n_ref: 5000,
        n_window: 500,
        ..Verdict::unjudged(Stream::Query, "middle", detector)
    };
    vec![of(DetectorKind::Mmd, 0.0123, 0.0051), of(DetectorKind::Novelty, 0.31, 0.18)]
}

fn explanation(began: Timestamp) -> Explanation {
    let term = |text: &str| TermChange {
        term: text.to_owned(),
        is_word: true,
        z: 6.1,
        share_then: 0.0,
        share_now: 0.1,
    };
    let topic = NewTopic {
        share: 0.12,
        terms: vec![term("fibre"), term("router"), term("technician")],
        exemplars: Vec::new(),
        at: None,
    };
    let cell = CellChange {
        cell: 3,
        trend: Trend::Fading,
        share_then: 0.08,
        share_now: 0.02,
        contribution: -0.03,
        z: -4.0,
        terms: vec!["airtime".to_owned(), "balance".to_owned()],
        exemplars: Vec::new(),
    };
    Explanation {
        streams: vec![StreamExplanation {
            stream: Stream::Query,
            replaced_share: Some(0.13),
            changed: Some(ChangeTime { at: began, or_earlier: false, share: 0.9 }),
            cells: vec![cell],
            new_clusters: vec![topic],
            rising: vec![term("fibre")],
            falling: Vec::new(),
            map: None,
        }],
        rates: Vec::new(),
        outcomes: Vec::new(),
        split: None,
        segments: Vec::new(),
    }
}

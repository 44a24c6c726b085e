//! Both forms of a message, with a plain alert and with the worst that users can write.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::*;
use crate::id::{AlertId, MonitorId, ProjectId, ReferenceId, ReportId};
use crate::model::alert::AlertState;
use crate::model::interaction::Attributes;
use crate::model::verdict::VerdictStatus;

const AT: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

struct Fixture {
    alert: Alert,
    name: String,
    promised: Option<f64>,
    report: Report,
    examples: Vec<ExampleText>,
    links: Links,
}

impl Fixture {
    fn new(name: &str, window: &str, reasons: usize, text: &str) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(9);
        let verdict = |i| Verdict {
            segment: Attributes::new(),
            stream: Stream::Query,
            window: window.to_owned(),
            detector: DetectorKind::ALL[i % 3],
            status: VerdictStatus::Drift,
            is_drift: true,
            statistic: Some(0.0123 + 0.001 * i as f64),
            threshold: Some(0.0051),
            p_value: Some(0.0002),
            effect_size: Some(0.61),
            cosine_distance: None,
            n_ref: 2000,
            n_window: 200,
        };
        let (project_id, monitor_id) = (ProjectId::new(AT, rng), MonitorId::new(AT, rng));
        let report = Report {
            id: ReportId::new(AT, rng),
            project_id,
            monitor_id,
            reference_id: ReferenceId::new(AT, rng),
            sequence: 7,
            evaluated_at: AT,
            position: 350,
            segment: Attributes::new(),
            is_drift: true,
            verdicts: Vec::new(),
            examples: Vec::new(),
            explanation: None,
            late_events: 0,
        };
        let alert = Alert {
            id: AlertId::new(AT, rng),
            project_id,
            monitor_id,
            stream: Stream::Query,
            segment: Attributes::new(),
            kind: Stream::Query.alert_kind().to_owned(),
            severity: Severity::Warning,
            state: AlertState::Firing,
            streak: 0,
            started_at: AT,
            fired_at: Some(AT),
            resolved_at: None,
            report_id: report.id,
            reasons: (0..reasons).map(verdict).collect(),
        };
        let example =
            |stream| ExampleText { stream, text: text.to_owned(), score: 0.4, occurred_at: AT };
        Self {
            alert,
            name: name.to_owned(),
            promised: Some(1.0),
            report,
            examples: [
                Stream::Response,
                Stream::Query,
                Stream::Query,
                Stream::Query,
                Stream::Query,
            ]
            .map(example)
            .to_vec(),
            links: Links {
                report_url: "https://seamark.example/v1/reports/1".to_owned(),
                monitor_url: "https://seamark.example/v1/monitors/1".to_owned(),
            },
        }
    }

    fn body(&self, kind: ReceiverKind, event: EventKind) -> String {
        let message = AlertMessage {
            event,
            alert: &self.alert,
            monitor_name: &self.name,
            false_alarms_per_30d: self.promised,
            report: &self.report,
            examples: &self.examples,
            links: &self.links,
        };
        body(kind, &message)
    }
}

fn plain() -> Fixture {
    Fixture::new("support", "short", 3, "how do I get the new fibre bundle")
}

/// Fixtures made of what breaks naive messages.
fn hostile() -> Vec<Fixture> {
    [
        "<!channel> <@U1> <https://evil.example|x> *b* & ",
        "\"\\",
        "👩\u{200D}🚀",
        "&&&&",
        "\u{0}\u{1b}[31m\r\n",
        "e\u{301}",
    ]
    .into_iter()
    .map(|part| {
        let long = part.repeat(5000);
        Fixture::new(&long, &long, 24, &long)
    })
    .collect()
}

fn strings<'a>(value: &'a Value, path: &str, found: &mut BTreeMap<String, &'a str>) {
    match value {
        Value::String(text) => drop(found.insert(path.to_owned(), text)),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                strings(item, &format!("{path}/{i}"), found);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                strings(item, &format!("{path}/{key}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn the_webhook_tells_the_whole_story() {
    let text = plain().body(ReceiverKind::Webhook, EventKind::Firing);
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["type"], "drift.alert.firing");
    assert_eq!(body["timestamp"], "2023-11-14T22:13:20Z");
    let data = &body["data"];
    assert_eq!(data["alert"]["kind"], "query_drift");
    assert_eq!(data["alert"]["state"], "firing");
    assert_eq!(data["monitor"]["name"], "support");
    assert_eq!(data["reasons"].as_array().unwrap().len(), 3);
    assert_eq!(data["reasons"][0]["detector"], "mmd");
    assert_eq!(data["reasons"][0]["threshold"], 0.0051);
    assert_eq!(data["false_alarms_per_30d"], 1.0);
    let examples = data["examples"].as_array().unwrap();
    assert_eq!(examples.len(), 3, "three, of the alert's stream");
    assert_eq!(examples[0]["text"], "how do I get the new fibre bundle");
    assert_eq!(data["links"]["report"], "https://seamark.example/v1/reports/1");
}

#[test]
fn slack_reads_like_a_page_at_night() {
    let mut fixture = plain();
    let text = fixture.body(ReceiverKind::Slack, EventKind::Firing);
    for part in [
        "Firing: Query drift in support",
        "differs from the reference in what users ask",
        "2023-11-14T22:13:20Z",
        "MMD² on window short: 0.01230, 2.4 times its threshold 0.005100",
        "*Statistic*\\n2.8 × its threshold",
        "*Effect*\\n61 %",
        "200 against 2000",
        "for at most 1 false alarm(s) in 30 days",
        "how do I get the new fibre bundle",
        "https://seamark.example/v1/reports/1",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    fixture.alert.resolved_at = Some(AT);
    fixture.promised = None;
    let text = fixture.body(ReceiverKind::Slack, EventKind::Resolved);
    for part in ["Resolved: Query drift", "no more drift", "It had drifted in", "set by hand"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn a_webhook_stays_below_20_kb() {
    for fixture in hostile() {
        let text = fixture.body(ReceiverKind::Webhook, EventKind::Firing);
        assert!(text.len() < 20_000, "{} bytes", text.len());
        assert!(serde_json::from_str::<Value>(&text).is_ok());
    }
}

#[test]
fn slack_stays_within_its_limits_and_pings_nobody() {
    for fixture in hostile().into_iter().chain([plain()]) {
        let text = fixture.body(ReceiverKind::Slack, EventKind::Firing);
        assert!(text.chars().count() < 10_000, "{} characters", text.chars().count());
        let body: Value = serde_json::from_str(&text).unwrap();
        let blocks = body["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50);
        assert!(blocks[0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
        assert!(blocks[2]["fields"].as_array().unwrap().len() <= 10);
        let mut found = BTreeMap::new();
        strings(&body, "", &mut found);
        for (path, text) in found {
            let limit = if path.contains("fields") { 2000 } else { 3000 };
            assert!(text.chars().count() <= limit, "{path}: {}", text.chars().count());
            assert!(!text.contains(['<', '>']), "{path}: {text}");
        }
    }
}

#[test]
fn a_test_message_says_that_it_is_one() {
    let webhook = test_body(ReceiverKind::Webhook, "ops", AT);
    let webhook: Value = serde_json::from_str(&webhook).unwrap();
    assert_eq!(webhook["type"], "seamark.test");
    let slack = test_body(ReceiverKind::Slack, "<!channel>", AT);
    assert!(slack.contains("Test message") && slack.contains("&lt;!channel&gt;"), "{slack}");
}

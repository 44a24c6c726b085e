//! Both forms of a message, with a plain alert and with the worst that users can write.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

mod annotations;

use super::*;
use crate::id::{AlertId, MonitorId, ProjectId, ReferenceId, ReportId};
use crate::model::alert::AlertState;
use crate::model::explanation::{CellChange, ChangeTime, Explanation, NewTopic, TermChange};
use crate::model::interaction::Attributes;
use crate::model::monitor::MonitorSpec;
use crate::model::receiver::{Envelope, ReceiverKind, ReceiverSettings};
use crate::model::verdict::VerdictStatus;
use crate::notify::channel::{self, Note};

const AT: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

struct Fixture {
    alert: Alert,
    spec: MonitorSpec,
    promised: Option<f64>,
    report: Report,
    examples: Vec<ExampleText>,
    others: Vec<String>,
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
            outcome: None,
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
            monitor_id: Some(monitor_id),
            rule_id: None,
            stream: Some(Stream::Query),
            segment: Attributes::new(),
            kind: Stream::Query.alert_kind().to_owned(),
            severity: Severity::Warning,
            state: AlertState::Firing,
            streak: 0,
            started_at: AT,
            fired_at: Some(AT),
            resolved_at: None,
            report_id: Some(report.id),
            reasons: (0..reasons).map(verdict).collect(),
            findings: Vec::new(),
            annotations: std::collections::BTreeMap::new(),
            acknowledged_at: None,
            acknowledged_by: None,
        };
        let example =
            |stream| ExampleText { stream, text: text.to_owned(), score: 0.4, occurred_at: AT };
        Self {
            alert,
            spec: MonitorSpec::named(name),
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
            others: (0..if reasons > 20 { 30 } else { 0 }).map(|_| text.to_owned()).collect(),
            links: Links {
                report_url: Some("https://seamark.example/v1/reports/1".to_owned()),
                monitor_url: Some("https://seamark.example/v1/monitors/1".to_owned()),
                rule_url: None,
                runbook_url: Some("https://wiki.example/drift".to_owned()),
            },
        }
    }

    fn message(&self, event: EventKind) -> AlertMessage<'_> {
        AlertMessage {
            event,
            alert: &self.alert,
            origin: Origin::Monitor(&self.spec),
            false_alarms_per_30d: self.promised,
            report: Some(&self.report),
            examples: &self.examples,
            others: &self.others,
            links: &self.links,
            wording: None,
            course: &[0.2, 0.4, 1.2, 2.4],
            now: AT,
        }
    }

    fn body(&self, kind: ReceiverKind, event: EventKind) -> String {
        channel::of(kind).body(&ReceiverSettings::default(), &self.message(event))
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
    let test = |kind, name: &str| {
        let text = format!("Test message from Seamark for receiver {name}.");
        let note = Note { event: EventKind::Test, receiver: name, text: &text, now: AT };
        channel::of(kind).note_body(&ReceiverSettings::default(), &note)
    };
    let webhook: Value = serde_json::from_str(&test(ReceiverKind::Webhook, "ops")).unwrap();
    assert_eq!(webhook["type"], "seamark.test");
    let slack = test(ReceiverKind::Slack, "<!channel>");
    assert!(slack.contains("Test message") && slack.contains("&lt;!channel&gt;"), "{slack}");
    for kind in ReceiverKind::ALL {
        let body = test(kind, "ops");
        assert!(serde_json::from_str::<Value>(&body).is_ok());
        assert!(body.contains("est message"), "{}: {body}", kind.as_str());
    }
}

/// Every form of a firing and of a resolved message, of plain and of hostile alerts.
fn every(kind: ReceiverKind) -> impl Iterator<Item = Value> {
    let events = [EventKind::Firing, EventKind::Resolved];
    hostile().into_iter().chain([plain()]).flat_map(move |mut fixture| {
        fixture.alert.resolved_at = Some(AT);
        events.map(|event| serde_json::from_str(&fixture.body(kind, event)).unwrap())
    })
}

fn length(value: &Value) -> usize {
    value.as_str().unwrap().chars().count()
}

#[test]
fn a_teams_card_is_one_and_stays_below_28_kb() {
    for body in every(ReceiverKind::Teams) {
        assert!(body.to_string().len() < 28_000, "{} bytes", body.to_string().len());
        let attachment = &body["attachments"][0];
        assert_eq!(body["type"], "message");
        assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
        let card = &attachment["content"];
        assert_eq!(
            (&card["type"], &card["version"]),
            (&Value::from("AdaptiveCard"), &Value::from("1.4"))
        );
        for block in card["body"].as_array().unwrap() {
            let text = match block["type"].as_str().unwrap() {
                "TextBlock" => block["text"].as_str().unwrap(),
                "FactSet" => continue,
                other => panic!("{other}"),
            };
            assert!(!text.is_empty() && !text.replace("\\<", "").contains('<'), "{text}");
        }
    }
}

#[test]
fn a_discord_embed_keeps_its_limits_and_pings_nobody() {
    for body in every(ReceiverKind::Discord) {
        assert_eq!(body["allowed_mentions"]["parse"], serde_json::json!([]));
        let embed = &body["embeds"][0];
        assert!(length(&embed["title"]) <= 256 && length(&embed["description"]) <= 4096);
        let fields = embed["fields"].as_array().unwrap();
        assert!(fields.len() <= 25);
        assert!(fields.iter().all(|f| length(&f["value"]) <= 1024 && length(&f["name"]) <= 256));
        let all: usize = fields.iter().map(|f| length(&f["value"]) + length(&f["name"])).sum();
        let whole = all + length(&embed["title"]) + length(&embed["description"]);
        assert!(whole + length(&embed["footer"]["text"]) <= 6000, "{whole}");
    }
}

#[test]
fn pagerduty_triggers_and_resolves_one_incident() {
    let fixture = plain();
    let event = |kind| -> Value {
        serde_json::from_str(&fixture.body(ReceiverKind::Pagerduty, kind)).unwrap()
    };
    let (begin, end) = (event(EventKind::Firing), event(EventKind::Resolved));
    assert_eq!(
        (&begin["event_action"], &end["event_action"]),
        (&"trigger".into(), &"resolve".into())
    );
    assert_eq!(begin["dedup_key"], fixture.alert.id.to_string());
    assert_eq!(begin["dedup_key"], end["dedup_key"]);
    for body in every(ReceiverKind::Pagerduty) {
        let payload = &body["payload"];
        assert!(
            (1..=1024).contains(&length(&payload["summary"])) && length(&payload["source"]) > 0
        );
        let severity = payload["severity"].as_str().unwrap();
        assert!(["critical", "error", "warning", "info"].contains(&severity));
        assert!(body.get("routing_key").is_none(), "a stored body holds no key");
        assert!(body.to_string().len() < 512_000);
    }
}

#[test]
fn opsgenie_keeps_its_limits() {
    for body in every(ReceiverKind::Opsgenie) {
        assert!((1..=130).contains(&length(&body["message"])) && length(&body["alias"]) <= 512);
        assert!(length(&body["description"]) <= 15_000 && length(&body["entity"]) <= 512);
        assert!(["P1", "P3"].contains(&body["priority"].as_str().unwrap()));
        assert!(body["details"].to_string().chars().count() <= 8_000);
        assert!(body["tags"].as_array().unwrap().iter().all(|tag| length(tag) <= 50));
    }
}

#[test]
fn alertmanager_gets_one_identity_and_an_end() {
    let mut fixture = plain();
    fixture.alert.segment = Attributes::from([("sales-channel".to_owned(), "ussd".to_owned())]);
    let entry = |fixture: &Fixture, kind| -> Value {
        let body: Value =
            serde_json::from_str(&fixture.body(ReceiverKind::Alertmanager, kind)).unwrap();
        body[0].clone()
    };
    let begin = entry(&fixture, EventKind::Firing);
    fixture.alert.resolved_at = Some(AT);
    let end = entry(&fixture, EventKind::Resolved);
    assert_eq!(begin["labels"], end["labels"]);
    assert_eq!(begin["labels"]["segment_sales_channel"], "ussd");
    assert_eq!(begin["endsAt"], "2023-11-15T22:13:20Z", "it fires until told otherwise");
    assert_eq!(end["endsAt"], "2023-11-14T22:13:20Z");
    for body in every(ReceiverKind::Alertmanager) {
        for (name, value) in body[0]["labels"].as_object().unwrap() {
            let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            assert!(
                starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
                "{name}"
            );
            assert!(length(value) > 0);
        }
    }
}

#[test]
fn a_cloud_event_has_its_attributes() {
    let fixture = plain();
    let settings = ReceiverSettings { envelope: Some(Envelope::Cloudevents), ..Default::default() };
    let message = fixture.message(EventKind::Firing);
    let text = channel::of(ReceiverKind::Webhook).body(&settings, &message);
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["specversion"], "1.0");
    assert_eq!(body["type"], "io.seamark.drift.alert.firing.v1");
    assert_eq!(body["subject"], format!("/v1/alerts/{}", fixture.alert.id));
    assert_eq!(body["data"]["alert"]["kind"], "query_drift");
}

#[test]
fn a_message_tells_what_changed() {
    let mut fixture = plain();
    let term = |term: &str| TermChange {
        term: term.to_owned(),
        is_word: true,
        z: 9.0,
        share_then: 0.0,
        share_now: 0.2,
    };
    fixture.report.explanation = Some(Explanation {
        rates: Vec::new(),
        outcomes: Vec::new(),
        streams: vec![StreamExplanation {
            stream: Stream::Query,
            replaced_share: Some(0.123),
            changed: Some(ChangeTime { at: AT, or_earlier: false, share: 0.9 }),
            cells: vec![CellChange {
                cell: 3,
                trend: Trend::Fading,
                share_then: 0.08,
                share_now: 0.02,
                contribution: -0.03,
                z: -4.0,
                terms: vec!["airtime".to_owned()],
                exemplars: Vec::new(),
            }],
            new_clusters: vec![NewTopic {
                share: 0.11,
                terms: vec![term("fibre"), term("bundle")],
                exemplars: Vec::new(),
                at: None,
            }],
            rising: vec![term("fibre")],
            falling: Vec::new(),
            map: None,
        }],
        split: None,
        segments: Vec::new(),
    });
    for kind in ReceiverKind::ALL {
        let text = fixture.body(kind, EventKind::Firing);
        for part in
            ["12 % of the traffic", "New topic, 11 %: fibre, bundle", "Less: airtime, from 8.0 %"]
        {
            assert!(
                text.replace('\\', "").contains(part),
                "{}: {part} is missing in {text}",
                kind.as_str()
            );
        }
    }
}

#[test]
fn every_kind_leads_to_the_runbook() {
    for kind in ReceiverKind::ALL {
        let text = plain().body(kind, EventKind::Firing);
        assert!(text.contains("https://wiki.example/drift"), "{}: {text}", kind.as_str());
    }
}

#[test]
fn a_mail_says_the_same_in_both_forms_and_fetches_nothing() {
    let fixture = plain();
    let body: Value =
        serde_json::from_str(&fixture.body(ReceiverKind::Email, EventKind::Firing)).unwrap();
    assert_eq!(body["subject"], "Firing: Query drift in support");
    for part in [
        "Firing: Query drift in support",
        "differs from the reference in what users ask",
        "Since: 2023-11-14T22:13:20Z",
        "MMD² on window short: 0.01230, 2.4 times its threshold 0.005100",
        "how do I get the new fibre bundle",
        "https://seamark.example/v1/reports/1",
        "for at most 1 false alarm(s) in 30 days",
    ] {
        for form in ["text", "html"] {
            assert!(body[form].as_str().unwrap().contains(part), "{part} is missing in {body}");
        }
    }
    for body in every(ReceiverKind::Email) {
        assert!((1..=200).contains(&length(&body["subject"])));
        assert!(!body["subject"].as_str().unwrap().contains(char::is_control), "{body}");
        assert!(length(&body["text"]) < 20_000 && length(&body["html"]) < 40_000);
        let html = body["html"].as_str().unwrap();
        for tag in html.split('<').skip(1) {
            let tag = tag.split(['>', ' ']).next().unwrap().trim_start_matches('/');
            let known =
                ["!DOCTYPE", "html", "head", "meta", "body", "h2", "h3", "p", "ul", "li", "a"];
            assert!(known.contains(&tag), "{tag} in {html}");
        }
        for link in html.split("href=\"").skip(1) {
            assert!(
                link.starts_with("https://seamark.example/")
                    || link.starts_with("https://wiki.example/")
            );
        }
    }
}

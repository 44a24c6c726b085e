//! From a document and what the daemon has to a plan, and from what the daemon has to a document.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::daemon::State;
use super::document::{Document, Format};
use super::export::export;
use super::kind::KINDS;
use super::plan::{Action, Plan, Wishes, plan};
use super::secret::Source;
use crate::model::monitor::MonitorSpec;

const NOTHING: Wishes = Wishes { prune: false, update_secrets: false };
const PRUNE: Wishes = Wishes { prune: true, update_secrets: false };

fn id(i: usize) -> String {
    format!("0000000{i}-aaaa-7000-8000-000000000000")
}

fn receiver(i: usize, name: &str, kind: &str, target: &str) -> Value {
    json!({"id": id(i), "project_id": id(9), "name": name, "kind": kind, "settings": {},
        "target": target, "disabled": false, "created_at": "2026-01-01T00:00:00Z"})
}

fn monitor(spec: &Value) -> Value {
    let mut typed: MonitorSpec = serde_json::from_value(spec.clone()).unwrap();
    typed.name = spec["name"].as_str().unwrap().to_owned();
    let mut answer = serde_json::to_value(typed).unwrap();
    answer["id"] = json!(id(8));
    answer["reference_id"] = json!(id(7));
    answer["created_at"] = json!("2026-01-01T00:00:00Z");
    answer
}

/// A routing that tells the first receiver, in a tree with everything in it or in its root alone.
fn routing(receivers: &[Value], is_rich: bool) -> Value {
    let first: Vec<&Value> = receivers.iter().take(1).map(|receiver| &receiver["id"]).collect();
    let mut routing = json!({"route": {"receivers": first, "matchers": [], "continue": false,
        "routes": []}, "inhibitions": [], "mute_times": []});
    if is_rich {
        routing["route"]["group_by"] = json!(["..."]);
        routing["route"]["routes"] = json!([
            {"matchers": ["severity=\"critical\"", "a=~\"b|c\""], "continue": true, "routes": [
                {"mute": ["nights"], "receivers": [], "escalate":
                    {"after_seconds": 60, "receivers": first}}]},
            {"repeat_interval_seconds": 3600}]);
        routing["inhibitions"] = json!([{"source": ["a=b"], "target": ["c!=d"], "equal": ["e"]}]);
        routing["mute_times"] = json!([{"name": "nights", "days": ["friday"], "from_minute": 60}]);
    }
    routing
}

/// The daemon with these receivers, monitors and rules.
fn state(receivers: &[Value], monitors: &[Value], rules: &[Value]) -> State {
    routed(receivers, monitors, rules, &routing(receivers, false))
}

fn routed(receivers: &[Value], monitors: &[Value], rules: &[Value], routing: &Value) -> State {
    let budget = json!({"false_alarms_per_30d": 1.0, "confidence": 0.99, "monitors": [],
        "expected_per_30d": 0.1});
    let lists = [receivers, monitors, rules, std::slice::from_ref(routing), &[budget]];
    let fields = |list: &[Value]| list.iter().map(|v| v.as_object().unwrap().clone()).collect();
    State::of(KINDS.into_iter().zip(lists).map(|(kind, list)| (kind, fields(list))).collect())
        .unwrap()
}

fn usual() -> State {
    let receivers = [
        receiver(1, "pager", "pagerduty", "https://events.pagerduty.com"),
        receiver(2, "chat", "slack", "https://hooks.slack.com"),
    ];
    let monitors = [monitor(&json!({"name": "bot", "receivers": [id(1)]}))];
    state(
        &receivers,
        &monitors,
        &[
            json!({"id": id(6), "name": "r", "when": {"figure": "alerts", "above": 2.0}, "state": {"phase": "firing"}}),
        ],
    )
}

fn document(text: &str) -> Document {
    let mut document = Document::default();
    document.add("f", text, Format::Toml).unwrap();
    document
}

fn read(source: &Source) -> Result<String, String> {
    match source {
        Source::Variable(name) if name == "CHAT" => Ok("https://hooks.slack.com/x".to_owned()),
        Source::Variable(name) if name == "MOVED" => Ok("https://chat.example/x".to_owned()),
        Source::Variable(name) if name == "KEY" => Ok("k".repeat(32)),
        Source::Literal(text) => Ok(text.clone()),
        _ => Err("the environment variable is not set".to_owned()),
    }
}

fn planned(text: &str, wishes: Wishes) -> Plan {
    plan(&document(text), &usual(), wishes, &read).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn problems(text: &str, wishes: Wishes) -> Vec<String> {
    plan(&document(text), &usual(), wishes, &read).err().unwrap()
}

fn lines(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().flat_map(|step| &step.lines).map(String::as_str).collect()
}

fn body(plan: &Plan) -> Value {
    match &plan.steps[0].action {
        Action::Change(_, body) => Value::Object(body.clone()),
        Action::Create(bodies) => Value::Object(bodies[0].clone()),
        Action::Delete(_) => Value::Null,
    }
}

#[test]
fn a_changed_field_is_a_line_and_nothing_else_is_sent() {
    let text = "[[monitors]]\nname = \"bot\"\nreceivers = [\"pager\"]\nalert = { severity = \"critical\" }";
    let plan = planned(text, NOTHING);
    assert_eq!(lines(&plan), ["~ monitors.\"bot\" alert.severity: warning -> critical"]);
    assert_eq!(body(&plan), json!({"alert": {"severity": "critical"}}));
}

#[test]
fn a_new_calibration_is_said_and_a_fixed_segment_refused() {
    let text = "[[monitors]]\nname = \"bot\"\nreceivers = [\"pager\"]\nstreams = [\"query\"]";
    let plan = planned(text, NOTHING);
    assert!(lines(&plan)[1].contains("is calibrated anew"), "{:?}", lines(&plan));
    let text = "[[monitors]]\nname = \"bot\"\nsegment = { channel = \"x\" }";
    assert!(problems(text, NOTHING)[0].starts_with("monitors.\"bot\": /segment is what"));
}

#[test]
fn receivers_come_first_and_deletions_last_and_backwards() {
    let text = "monitors = []\nrules = []\n[[receivers]]\nname = \"chat\"\nkind = \"slack\"\n\
                url = { env = \"CHAT\" }\n[[receivers]]\nname = \"new\"\nkind = \"opsgenie\"\n\
                secret = { env = \"KEY\" }\n[routing.route]\nreceivers = [\"new\"]";
    let wanted = [
        "+ receivers.\"new\" (opsgenie)",
        "~ routing route.receivers: [\"pager\"] -> [\"new\"]",
        "- rules.\"r\" (with its history and alerts)",
        "- monitors.\"bot\" (with its references, reports and alerts)",
        "- receivers.\"pager\"",
    ];
    assert_eq!(lines(&planned(text, PRUNE)), wanted);
    let kept = planned(text, NOTHING);
    assert_eq!(lines(&kept), wanted[..2]);
    assert!(kept.text().contains("  monitors.\"bot\" is not in the file\n"), "{}", kept.text());
    assert!(kept.text().ends_with("1 to create, 1 to change, 0 to delete."), "{}", kept.text());
}

#[test]
fn only_kinds_of_the_document_are_pruned() {
    assert!(planned("receivers = []", NOTHING).steps.is_empty());
    let plan = planned("rules = []", PRUNE);
    assert_eq!(lines(&plan), ["- rules.\"r\" (with its history and alerts)"]);
}

#[test]
fn secrets_are_sent_when_a_receiver_is_made_and_when_asked_for() {
    let text = "[[receivers]]\nname = \"pager\"\nkind = \"pagerduty\"\nsecret = { env = \"KEY\" }";
    assert!(planned(text, NOTHING).steps.is_empty());
    let again = planned(text, Wishes { update_secrets: true, ..NOTHING });
    assert_eq!(lines(&again), ["~ receivers.\"pager\" secret: sent again"]);
    assert_eq!(body(&again), json!({"secret": "k".repeat(32)}));
    let made = planned(&text.replace("\"pager\"", "\"second\""), NOTHING);
    assert_eq!(
        body(&made),
        json!({"name": "second", "kind": "pagerduty", "settings": {},
        "secret": "k".repeat(32)})
    );
    let text = text.replace("KEY", "NO").replace("\"pager\"", "\"second\"");
    let wanted = "receivers.\"second\": /secret the environment variable is not set";
    assert_eq!(problems(&text, NOTHING), [wanted]);
}

#[test]
fn a_moved_url_is_seen_by_its_host_and_then_sent() {
    let text = "[[receivers]]\nname = \"chat\"\nkind = \"slack\"\nurl = { env = \"CHAT\" }";
    assert!(planned(text, NOTHING).steps.is_empty());
    let moved = planned(&text.replace("CHAT", "MOVED"), NOTHING);
    let wanted = "~ receivers.\"chat\" target: https://hooks.slack.com -> https://chat.example";
    assert_eq!(lines(&moved), [wanted]);
    assert_eq!(body(&moved), json!({"url": "https://chat.example/x"}));
    let unset = planned(&text.replace("CHAT", "NO"), NOTHING);
    assert!(unset.steps.is_empty() && unset.notes[0].contains("not compared"), "{:?}", unset.notes);
}

#[test]
fn what_the_daemon_switched_off_stays_off_unless_the_document_says() {
    let mut off = receiver(1, "chat", "slack", "https://hooks.slack.com");
    off["disabled"] = json!(true);
    let state = state(&[off], &[], &[]);
    let text = "[[receivers]]\nname = \"chat\"\nkind = \"slack\"\nurl = { env = \"CHAT\" }\n";
    let of = |text: &str| plan(&document(text), &state, NOTHING, &read).ok().unwrap();
    assert!(of(text).steps.is_empty());
    let on = of(&format!("{text}disabled = false"));
    assert_eq!(lines(&on), ["~ receivers.\"chat\" disabled: true -> false"]);
}

#[test]
fn what_cannot_be_is_refused_with_its_item_and_place() {
    let text = "[[receivers]]\nname = \"a\"\nkind = \"slack\"\nurl = \"https://hooks.slack.com/x\"\n\
        [[receivers]]\nname = \"b\"\nkind = \"pagerduty\"\nsecret = \"x\"\n\
        [[receivers]]\nname = \"c\"\nkind = \"pager\"\n\
        [[receivers]]\nname = \"d\"\nkind = \"webhook\"\nurl = \"https://a.example\"\n\
        [[receivers]]\nname = \"chat\"\nkind = \"teams\"\n\
        [[monitors]]\nname = \"m\"\nreceivers = [\"nobody\"]\n\
        [[monitors]]\nname = \"n\"\nwindow = []\n\
        [routing.route]\nmute = [\"nights\"]";
    let wanted = [
        "receivers.\"a\": /url of slack is a secret",
        "receivers.\"b\": /secret must not stand in the file",
        "receivers.\"c\": /kind unknown variant `pager`",
        "receivers.\"d\": /secret is needed",
        "receivers.\"chat\": /kind cannot be changed",
        "monitors.\"m\": /receivers/0 there is no receiver \"nobody\"",
        "monitors.\"n\": /window unknown field `window`",
        "routing: /route/mute \"nights\" is no name",
    ];
    let found = problems(text, NOTHING);
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.starts_with(wanted), "{found}");
    }
    let pruned = "receivers = []\n[[monitors]]\nname = \"m\"\nreceivers = [\"pager\"]";
    assert!(problems(pruned, PRUNE)[0].contains("would be deleted"));
}

#[test]
fn a_condition_is_one_field_and_is_judged_before_it_is_sent() {
    let rule =
        |when: &str| format!("[[rules]]\nname = \"r\"\nwhen = {{ figure = \"alerts\"{when} }}");
    assert!(planned(&rule(", above = 2"), NOTHING).steps.is_empty());
    let plan = planned(&rule(", above = 3"), NOTHING);
    assert_eq!(lines(&plan), ["~ rules.\"r\" when.above: 2.0 -> 3.0"]);
    assert_eq!(body(&plan), json!({"when": {"figure": "alerts", "above": 3.0}}));
    let found = problems(&rule(", minutes = 3"), NOTHING);
    assert!(found[0].starts_with("rules.\"r\": /when/minutes"), "{found:?}");
    let rate = |days: u32| {
        format!(
            "[[rules]]\nname = \"failures\"\nwhen = {{ figure = \"rate\", signal = \"error_text\", \
             side = \"response\", days = {days}, above = 0.05 }}"
        )
    };
    let wanted = json!({"figure": "rate", "signal": "error_text", "side": "response", "days": 2,
        "above": 0.05});
    assert_eq!(body(&planned(&rate(2), NOTHING))["when"], wanted);
    let found = problems(&rate(99), NOTHING);
    assert!(found[0].starts_with("rules.\"failures\": /when/days"), "{found:?}");
}

#[test]
fn a_receiver_that_is_gone_is_left_out_of_an_export() {
    let state = state(&[], &[monitor(&json!({"name": "bot", "receivers": [id(5)]}))], &[]);
    let (text, notes) = export(&state, Format::Toml).unwrap();
    assert!(!text.contains(&id(5)) && notes[0].contains("is gone"), "{text} {notes:?}");
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z][a-z -]{0,8}[a-z]", "[^\\p{C} ][^\\p{C}]{0,10}", "(yes|null|~|1e3|0x1f|# a)"]
}

/// A monitor with some fields away from their defaults, told to some of `count` receivers.
fn any_monitor(count: usize) -> impl Strategy<Value = Value> {
    let labels = || prop::collection::btree_map("[a-z_]{1,6}", name(), 0..3);
    let thresholds = prop_oneof![
        Just(json!("budget")),
        (1_u8..90).prop_map(|n| json!({"false_alarms_per_30d": f64::from(n) / 7.0})),
        (1_u8..90).prop_map(|n| json!({"fixed": {"mmd": f64::from(n) / 1000.0}})),
    ];
    let segments = prop_oneof![Just(json!("auto")), Just(json!("off")), Just(json!({"by": ["a"]}))];
    let receivers = prop::collection::vec(1..=count, 0..=count);
    (name(), labels(), labels(), thresholds, segments, receivers, any::<bool>(), 1_u64..2000)
        .prop_map(|(name, segment, labels, thresholds, segments, receivers, paused, late)| {
            let receivers: Vec<String> = receivers.into_iter().map(id).collect();
            json!({"name": name, "segment": segment, "alert": {"labels": labels,
                "severity": if paused { "critical" } else { "warning" }},
                "thresholds": thresholds, "segments": segments, "receivers": receivers,
                "paused": paused, "lateness_seconds": late, "windows": [
                    {"name": "w", "events": 100, "stride": 20},
                    {"name": "day", "minutes": 60, "stride_minutes": 10, "min_events": 5}]})
        })
}

fn any_state() -> impl Strategy<Value = State> {
    let kinds = ["pagerduty", "slack", "webhook", "opsgenie"];
    let target = prop_oneof![Just("https://a.example"), Just("https://events.pagerduty.com")];
    let receivers = prop::collection::btree_map(name(), (0..kinds.len(), target), 1..5);
    receivers.prop_flat_map(move |receivers| {
        let count = receivers.len();
        let receivers: Vec<Value> = receivers
            .into_iter()
            .enumerate()
            .map(|(i, (name, (kind, target)))| receiver(i + 1, &name, kinds[kind], target))
            .collect();
        let monitors = prop::collection::vec(any_monitor(count), 0..4);
        (monitors, any::<bool>()).prop_map(move |(mut specs, is_rich)| {
            specs.sort_by_key(|spec| spec["name"].to_string());
            specs.dedup_by_key(|spec| spec["name"].to_string());
            let monitors: Vec<Value> = specs.iter().map(monitor).collect();
            routed(&receivers, &monitors, &[], &routing(&receivers, is_rich))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_exported_changes_nothing(state in any_state()) {
        for format in [Format::Toml, Format::Yaml] {
            let (text, _) = export(&state, format).unwrap();
            let mut document = Document::default();
            let added = document.add("f", &text, format);
            prop_assert!(added.is_ok(), "{added:?} in\n{text}");
            let plan = plan(&document, &state, PRUNE, &read);
            let plan = plan.map_err(|problems| TestCaseError::fail(format!("{problems:?}\n{text}")))?;
            prop_assert!(plan.steps.is_empty(), "{}\n{text}", plan.text());
            let kinds: Vec<bool> = KINDS.iter().map(|kind| document.has(*kind)).collect();
            prop_assert_eq!(kinds, [true; 5]);
        }
    }
}

#[test]
fn nothing_of_the_daemon_alone_is_exported() {
    let (text, _) = export(&usual(), Format::Toml).unwrap();
    let wanted = r#"# Written by `seamark export`. URLs and secrets are never shown: set the variables.
[[receivers]]
name = "chat"
kind = "slack"
url = { env = "SEAMARK_RECEIVER_CHAT_URL" }

[[receivers]]
name = "pager"
kind = "pagerduty"
secret = { env = "SEAMARK_RECEIVER_PAGER_SECRET" }

[[monitors]]
name = "bot"
receivers = ["pager"]

[[rules]]
name = "r"
when = { above = 2.0, figure = "alerts" }

[routing]

[routing.route]
receivers = ["pager"]

[budget]
confidence = 0.99
false_alarms_per_30d = 1.0
"#;
    assert_eq!(text, wanted);
}

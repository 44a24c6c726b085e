//! Each rule once, and any order of events against what must always hold.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::id::{MonitorId, ProjectId, ReportId, SilenceId};
use crate::model::interaction::Attributes;
use crate::model::monitor::Severity;
use crate::model::stream::Stream;

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn at(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn receiver(n: u64) -> ReceiverId {
    ReceiverId::new(START, &mut ChaCha8Rng::seed_from_u64(n))
}

fn alert(n: u64, state: AlertState, severity: Severity) -> Routed {
    let rng = &mut ChaCha8Rng::seed_from_u64(n);
    let alert = Alert {
        id: AlertId::new(START, rng),
        project_id: ProjectId::new(START, rng),
        monitor_id: Some(MonitorId::new(START, rng)),
        rule_id: None,
        stream: Some(if n.is_multiple_of(2) { Stream::Query } else { Stream::Response }),
        segment: Attributes::from([("channel".to_owned(), format!("c{}", n % 3))]),
        kind: "query_drift".to_owned(),
        severity,
        state,
        streak: 0,
        started_at: START,
        fired_at: Some(START),
        resolved_at: None,
        report_id: Some(ReportId::new(START, rng)),
        reasons: Vec::new(),
        findings: Vec::new(),
        annotations: BTreeMap::new(),
        acknowledged_at: None,
        acknowledged_by: None,
    };
    Routed {
        labels: labels(&alert, Origin::Monitor(&MonitorSpec::named("support"))),
        alert,
        own_receivers: Vec::new(),
    }
}

fn firing(n: u64) -> Routed {
    alert(n, AlertState::Firing, Severity::Warning)
}

fn resolved(n: u64) -> Routed {
    alert(n, AlertState::Resolved, Severity::Warning)
}

fn routing(json: &str) -> Routing {
    let text = json.replace("R1", &receiver(1).to_string()).replace("R2", &receiver(2).to_string());
    serde_json::from_str(&text).unwrap()
}

/// Runs decisions one after the other, each with the groups of the last.
struct Run {
    routing: Routing,
    silences: Vec<Silence>,
    groups: BTreeMap<String, Group>,
}

impl Run {
    fn new(json: &str) -> Self {
        Self { routing: routing(json), silences: Vec::new(), groups: BTreeMap::new() }
    }

    fn at(&mut self, seconds: u64, alerts: &[Routed]) -> Decision {
        let decision = dispatch(&self.routing, &self.silences, alerts, &self.groups, at(seconds));
        self.groups.clone_from(&decision.groups);
        decision
    }

    fn events(&mut self, seconds: u64, alerts: &[Routed]) -> Vec<EventKind> {
        let notices = self.at(seconds, alerts).notices;
        notices.into_iter().flat_map(|notice| notice.events).map(|(_, event)| event).collect()
    }
}

use EventKind::{Escalated, Firing, Reminder, Resolved};

#[test]
fn an_alert_is_told_once_and_so_is_its_end() {
    let mut run = Run::new(r#"{"route": {"receivers": ["R1"]}}"#);
    assert_eq!(run.events(0, &[firing(0)]), [Firing]);
    assert_eq!(run.events(5, &[firing(0)]), []);
    let end = run.at(9, &[resolved(0)]);
    assert_eq!(end.notices[0].events, [(resolved(0).alert.id, Resolved)]);
    assert_eq!(end.settled, [resolved(0).alert.id]);
    assert!(end.groups.is_empty());
}

#[test]
fn what_began_and_ended_unseen_is_told_whole() {
    let mut run = Run::new(r#"{"route": {"receivers": ["R1"]}}"#);
    assert_eq!(run.events(0, &[resolved(0)]), [Firing, Resolved]);
}

#[test]
fn the_first_matching_route_takes_it_and_continue_lets_others_too() {
    let tree = |goes_on: bool| {
        format!(
            r#"{{"route": {{"receivers": ["R1"], "routes": [
                {{"matchers": ["stream=query"], "receivers": ["R2"], "continue": {goes_on}}},
                {{"matchers": ["severity=warning"]}}]}}}}"#
        )
    };
    let told = |json: &str, n| {
        let notices = Run::new(json).at(0, &[firing(n)]).notices;
        notices.into_iter().flat_map(|notice| notice.receivers).collect::<Vec<_>>()
    };
    assert_eq!(told(&tree(false), 0), [receiver(2)]);
    assert_eq!(told(&tree(true), 0), [receiver(2), receiver(1)]);
    assert_eq!(told(&tree(false), 1), [receiver(1)]);
}

#[test]
fn a_group_waits_and_then_tells_all_together() {
    let mut run = Run::new(
        r#"{"route": {"receivers": ["R1"], "group_by": ["monitor"], "group_wait_seconds": 30,
            "group_interval_seconds": 300}}"#,
    );
    assert_eq!(run.events(0, &[firing(0)]), []);
    assert_eq!(run.events(29, &[firing(0), firing(1)]), []);
    let notices = run.at(30, &[firing(0), firing(1)]).notices;
    assert_eq!((notices.len(), notices[0].events.len()), (1, 2));
    assert_eq!(run.events(40, &[firing(0), firing(1), firing(2)]), []);
    assert_eq!(run.events(330, &[firing(0), resolved(1), firing(2)]), [Resolved, Firing]);
}

#[test]
fn an_end_within_the_wait_is_not_settled_before_it_is_told() {
    let mut run = Run::new(r#"{"route": {"receivers": ["R1"], "group_wait_seconds": 30}}"#);
    assert!(run.at(0, &[firing(0)]).settled.is_empty());
    assert!(run.at(10, &[resolved(0)]).settled.is_empty());
    let end = run.at(30, &[resolved(0)]);
    assert_eq!((end.notices[0].events.len(), end.settled.len()), (2, 1));
}

#[test]
fn reminders_come_until_someone_acknowledges() {
    let mut run = Run::new(r#"{"route": {"receivers": ["R1"], "repeat_interval_seconds": 3600}}"#);
    assert_eq!(run.events(0, &[firing(0)]), [Firing]);
    assert_eq!(run.events(3599, &[firing(0)]), []);
    assert_eq!(run.events(3600, &[firing(0)]), [Reminder]);
    let mut known = firing(0);
    known.alert.acknowledged_at = Some(at(4000));
    assert_eq!(run.events(9000, &[known.clone()]), []);
    let mut group = Run::new(
        r#"{"route": {"receivers": ["R1"], "group_by": ["monitor"], "repeat_interval_seconds": 60}}"#,
    );
    group.at(0, &[known.clone(), firing(1)]);
    let told = group.at(60, &[known, firing(1)]).notices.remove(0).events;
    assert_eq!(told, [(firing(1).alert.id, Reminder)], "only what nobody has taken on");
}

#[test]
fn nobodys_alert_goes_up_once() {
    let mut run = Run::new(
        r#"{"route": {"receivers": ["R1"], "escalate": {"after_seconds": 900, "receivers": ["R2"]}}}"#,
    );
    assert_eq!(run.events(0, &[firing(0)]), [Firing]);
    let notices = run.at(900, &[firing(0)]).notices;
    assert_eq!(notices[0].receivers, [receiver(2)]);
    assert_eq!(notices[0].events[0].1, Escalated);
    assert_eq!(run.events(1800, &[firing(0)]), []);
}

fn silence(matchers: &[&str], from: u64, until: u64) -> Silence {
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    Silence {
        id: SilenceId::new(START, rng),
        project_id: ProjectId::new(START, rng),
        matchers: matchers.iter().map(|m| m.parse().unwrap()).collect(),
        starts_at: at(from),
        ends_at: at(until),
        comment: String::new(),
        created_by: String::new(),
        created_at: START,
    }
}

#[test]
fn a_silence_holds_back_and_its_end_tells() {
    let mut run = Run::new(r#"{"route": {"receivers": ["R1"]}}"#);
    run.silences = vec![silence(&["monitor=support"], 0, 60)];
    assert_eq!(run.events(0, &[firing(0)]), []);
    assert_eq!(run.events(60, &[firing(0)]), [Firing]);
    run.silences = vec![silence(&["monitor=support"], 0, 600)];
    let quiet = run.at(90, &[firing(0), resolved(2)]);
    assert!(quiet.notices.is_empty(), "what began and ended in silence stays there");
    assert_eq!(quiet.settled.len(), 1);
    assert_eq!(run.events(95, &[resolved(0)]), [Resolved], "its begin was told");
}

#[test]
fn a_critical_alert_keeps_its_warnings_silent() {
    let mut run = Run::new(
        r#"{"route": {"receivers": ["R1"]}, "inhibitions": [
            {"source": ["severity=critical"], "target": ["severity=warning"], "equal": ["channel"]}]}"#,
    );
    let critical = alert(3, AlertState::Firing, Severity::Critical);
    let told = run.at(0, &[critical.clone(), firing(0), firing(1)]).notices;
    let ids: Vec<AlertId> = told.iter().flat_map(|n| &n.events).map(|(id, _)| *id).collect();
    assert!(ids.contains(&critical.alert.id) && ids.contains(&firing(1).alert.id));
    assert!(!ids.contains(&firing(0).alert.id), "the same channel");
}

#[test]
fn a_mute_time_holds_its_route_back() {
    // 2023-11-14T22:13:20Z is a Tuesday.
    let mut run = Run::new(
        r#"{"route": {"receivers": ["R1"], "mute": ["evening"]}, "mute_times": [
            {"name": "evening", "days": ["tuesday"], "from_minute": 1320, "until_minute": 1350}]}"#,
    );
    assert_eq!(run.events(0, &[firing(0)]), []);
    assert_eq!(run.events(20 * 60, &[firing(0)]), [Firing]);
}

#[test]
fn a_monitors_own_receivers_are_told_beside_the_routes() {
    let mut own = firing(0);
    own.own_receivers = vec![receiver(7)];
    let notices = Run::new(r#"{"route": {"receivers": ["R1"]}}"#).at(0, &[own.clone()]).notices;
    let told: Vec<ReceiverId> = notices.into_iter().flat_map(|notice| notice.receivers).collect();
    assert_eq!(told, [receiver(7), receiver(1)]);
    assert_eq!(Run::new("{}").at(0, &[own]).notices.len(), 1);
}

proptest! {
    /// Alerts begin and end in any order, silences come and go, decisions are made or missed: each
    /// alert's messages are a begin, perhaps reminders, and an end; none comes while it is silenced;
    /// and where nothing was silenced, every alert that began was told and every end too.
    #[test]
    fn what_must_always_hold(
        steps in prop::collection::vec((0u64..6, any::<bool>(), 0u64..4, any::<bool>()), 1..60),
        grouped in any::<bool>(),
    ) {
        let group = if grouped { r#""group_by": ["stream"], "group_wait_seconds": 20,"# } else { "" };
        let mut run = Run::new(&format!(
            r#"{{"route": {{"receivers": ["R1"], {group} "repeat_interval_seconds": 60}}}}"#
        ));
        let mut alerts: BTreeMap<u64, Routed> = BTreeMap::new();
        let mut told: BTreeMap<(ReceiverId, AlertId), Vec<EventKind>> = BTreeMap::new();
        let (mut begun, mut silenced) = (0u64, false);
        let mut seconds = 0;
        for (which, begins, wait, mute) in steps {
            seconds += 7 * wait;
            match alerts.get_mut(&which) {
                Some(routed) if !begins => routed.alert.state = AlertState::Resolved,
                None if begins => {
                    begun += 1;
                    // In two groups, of which one waits.
                    let own_receivers = vec![receiver(3)];
                    alerts.insert(which, Routed { own_receivers, ..firing(which + 6 * begun) });
                }
                _ => {}
            }
            run.silences = if mute { vec![silence(&["stream=query"], 0, 1_000_000)] } else { Vec::new() };
            silenced |= mute;
            let all: Vec<Routed> = alerts.values().cloned().collect();
            let decision = run.at(seconds, &all);
            for notice in &decision.notices {
                for (id, event) in &notice.events {
                    let routed = all.iter().find(|routed| routed.alert.id == *id).unwrap();
                    let heard = !mute || routed.alert.stream != Some(Stream::Query);
                    prop_assert!(heard || *event == Resolved);
                    told.entry((notice.receivers[0], *id)).or_default().push(*event);
                }
            }
            alerts.retain(|_, routed| !decision.settled.contains(&routed.alert.id));
        }
        run.silences.clear();
        let all: Vec<Routed> = alerts.values().cloned().collect();
        for notice in run.at(seconds + 1000, &all).notices {
            for (id, event) in notice.events {
                told.entry((notice.receivers[0], id)).or_default().push(event);
            }
        }
        for events in told.values() {
            prop_assert_eq!(events[0], Firing);
            prop_assert_eq!(events.iter().filter(|event| **event == Firing).count(), 1);
            let ends = events.iter().filter(|event| **event == Resolved).count();
            prop_assert!(ends == 0 || (ends == 1 && events.last() == Some(&Resolved)));
        }
        if !silenced {
            prop_assert_eq!(told.len() as u64, 2 * begun, "every begin was told to both");
        }
    }
}

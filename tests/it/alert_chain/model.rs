//! What a daemon keeps of its alerts, what its receivers heard, and what must hold between the two.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::alert::{EventKind, Group, Origin, Routed, dispatch, labels, step};
use seamark::clock::Timestamp;
use seamark::id::{
    AlertId, DeliveryId, MonitorId, ProjectId, ReceiverId, ReferenceId, ReportId, SilenceId,
};
use seamark::model::alert::{Alert, AlertState};
use seamark::model::interaction::Attributes;
use seamark::model::matcher::all_match;
use seamark::model::monitor::{AlertPolicy, MonitorSpec, Severity};
use seamark::model::report::Report;
use seamark::model::routing::{Routing, Silence};
use seamark::model::stream::Stream;

const START: Timestamp = Timestamp::from_micros(1_795_422_600_000_000);

/// A monitor's stream each; the last one is critical.
pub(super) const PLACES: usize = 4;

/// Told by routes to `R1` (and `R2`, whom nobody's acknowledgement calls), beside the monitor's own `R3`.
pub(super) const ROUTINGS: [&str; 5] = [
    r#"{"route": {"receivers": ["R1"]}}"#,
    r#"{"route": {"receivers": ["R1"], "group_by": ["stream"], "group_wait_seconds": 40,
        "group_interval_seconds": 90}}"#,
    r#"{"route": {"receivers": ["R1"], "group_by": ["severity"], "group_wait_seconds": 20,
        "repeat_interval_seconds": 60}}"#,
    r#"{"route": {"receivers": ["R1"], "repeat_interval_seconds": 100,
        "escalate": {"after_seconds": 120, "receivers": ["R2"]}}}"#,
    r#"{"route": {"receivers": ["R1"], "group_interval_seconds": 60}, "inhibitions": [
        {"source": ["severity=critical"], "target": ["severity=warning"]}]}"#,
];

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// One evaluation of a place.
    Evaluate {
        place: usize,
        ratio: Option<f64>,
    },
    /// The dispatcher decides, and stores what it decided.
    Decide,
    /// It decides, and the process dies before the commit.
    DecideAndDie,
    /// Everything in memory is gone; what was stored is read again.
    Restart,
    Forward(u64),
    Back(u64),
    Silence {
        place: usize,
        seconds: u64,
    },
    EndSilences,
    Acknowledge {
        place: usize,
    },
}

/// What is in the database, as JSON where the database holds JSON.
#[derive(Default)]
struct Stored {
    /// Pending and firing, by place.
    open: BTreeMap<usize, String>,
    /// Fired, and something remains to be told.
    unsettled: BTreeMap<AlertId, (usize, String)>,
    groups: BTreeMap<String, String>,
}

pub(super) struct Chain {
    routing: Routing,
    specs: Vec<MonitorSpec>,
    ids: Vec<MonitorId>,
    stored: Stored,
    /// In the worker's memory: the open alerts of each place.
    open: BTreeMap<usize, Alert>,
    silences: Vec<Silence>,
    now: Timestamp,
    latest: Timestamp,
    sequence: i64,
    rng: ChaCha8Rng,
    fired: BTreeMap<AlertId, usize>,
    ended: BTreeSet<AlertId>,
    /// Kept silent at some decision.
    hushed: BTreeSet<AlertId>,
    told: BTreeMap<(ReceiverId, AlertId), Vec<EventKind>>,
    deliveries: BTreeSet<DeliveryId>,
}

fn receiver(n: u64) -> ReceiverId {
    ReceiverId::new(START, &mut ChaCha8Rng::seed_from_u64(n))
}

fn stream(place: usize) -> Stream {
    if place.is_multiple_of(2) { Stream::Query } else { Stream::Response }
}

impl Chain {
    pub(super) fn new(routing: &str) -> Self {
        let named = |text: String, n: u64| text.replace(&format!("R{n}"), &receiver(n).to_string());
        let routing = named(named(routing.to_owned(), 1), 2);
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let specs = (0..PLACES).map(|place| {
            let mut spec = MonitorSpec::named(&format!("m{place}"));
            let severity = if place + 1 == PLACES { Severity::Critical } else { Severity::Warning };
            spec.alert = AlertPolicy {
                for_evaluations: 1 + place as u32 % 2,
                keep_firing_evaluations: 2,
                severity,
                ..AlertPolicy::default()
            };
            spec.receivers = vec![receiver(3)];
            spec
        });
        Self {
            routing: serde_json::from_str(&routing).unwrap(),
            specs: specs.collect(),
            ids: (0..PLACES).map(|_| MonitorId::new(START, &mut rng)).collect(),
            stored: Stored::default(),
            open: BTreeMap::new(),
            silences: Vec::new(),
            now: START,
            latest: START,
            sequence: 0,
            rng,
            fired: BTreeMap::new(),
            ended: BTreeSet::new(),
            hushed: BTreeSet::new(),
            told: BTreeMap::new(),
            deliveries: BTreeSet::new(),
        }
    }

    /// What each receiver heard of each alert, in order.
    pub(super) const fn told(&self) -> &BTreeMap<(ReceiverId, AlertId), Vec<EventKind>> {
        &self.told
    }

    pub(super) fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Evaluate { place, ratio } => self.evaluate(place, ratio),
            Step::Decide => return self.decide(true),
            Step::DecideAndDie => {
                self.decide(false)?;
                self.restart();
            }
            Step::Restart => self.restart(),
            Step::Forward(seconds) => self.set(self.now.plus(Duration::from_secs(seconds))),
            Step::Back(seconds) => self.set(self.now.minus(Duration::from_secs(seconds))),
            Step::Silence { place, seconds } => self.silence(place, seconds),
            Step::EndSilences => self.silences.clear(),
            Step::Acknowledge { place } => self.acknowledge(place),
        }
        Ok(())
    }

    fn set(&mut self, now: Timestamp) {
        self.now = now;
        self.latest = self.latest.max(now);
    }

    fn restart(&mut self) {
        let read = |text: &String| serde_json::from_str(text).unwrap();
        self.open = self.stored.open.iter().map(|(place, text)| (*place, read(text))).collect();
    }

    fn report(&mut self, place: usize) -> Report {
        self.sequence += 1;
        let rng = &mut self.rng;
        let fixed = &mut ChaCha8Rng::seed_from_u64(1);
        Report {
            id: ReportId::new(self.now, rng),
            project_id: ProjectId::new(START, fixed),
            monitor_id: self.ids[place],
            reference_id: ReferenceId::new(START, fixed),
            sequence: self.sequence,
            evaluated_at: self.now,
            position: self.sequence,
            segment: Attributes::new(),
            is_drift: false,
            verdicts: Vec::new(),
            examples: Vec::new(),
            explanation: None,
            late_events: 0,
        }
    }

    fn evaluate(&mut self, place: usize, ratio: Option<f64>) {
        let report = self.report(place);
        let policy = &self.specs[place].alert;
        let open = self.open.get(&place);
        let change = step(policy, open, ratio, &report, stream(place), self.now, &mut self.rng);
        let Some(change) = change else { return };
        let alert = change.alert;
        if change.transition.is_some_and(|transition| transition.to == AlertState::Firing) {
            self.fired.insert(alert.id, place);
        }
        let text = serde_json::to_string(&alert).unwrap();
        if alert.fired_at.is_some() {
            // Who acknowledged stands in columns that an evaluation leaves as they are.
            let mut stored = alert.clone();
            if let Some((_, before)) = self.stored.unsettled.get(&alert.id) {
                let before: Alert = serde_json::from_str(before).unwrap();
                stored.acknowledged_at = before.acknowledged_at;
            }
            let stored = serde_json::to_string(&stored).unwrap();
            self.stored.unsettled.insert(alert.id, (place, stored));
        }
        if alert.state == AlertState::Resolved {
            self.stored.open.remove(&place);
            self.open.remove(&place);
            if self.fired.contains_key(&alert.id) {
                self.ended.insert(alert.id);
            }
        } else {
            self.stored.open.insert(place, text);
            self.open.insert(place, alert);
        }
    }

    fn silence(&mut self, place: usize, seconds: u64) {
        let rng = &mut self.rng;
        self.silences.push(Silence {
            id: SilenceId::new(self.now, rng),
            project_id: ProjectId::new(START, rng),
            matchers: vec![format!("monitor=m{place}").parse().unwrap()],
            starts_at: self.now,
            ends_at: self.now.plus(Duration::from_secs(seconds)),
            comment: String::new(),
            created_by: String::new(),
            created_at: self.now,
        });
    }

    fn acknowledge(&mut self, place: usize) {
        for (at, text) in self.stored.unsettled.values_mut().filter(|(at, _)| *at == place) {
            let mut alert: Alert = serde_json::from_str(text).unwrap();
            alert.acknowledged_at = alert.acknowledged_at.or(Some(self.now));
            (*at, *text) = (place, serde_json::to_string(&alert).unwrap());
        }
    }

    fn routed(&self) -> Vec<Routed> {
        let of = |(place, text): &(usize, String)| {
            let alert: Alert = serde_json::from_str(text).unwrap();
            let spec = &self.specs[*place];
            let labels = labels(&alert, Origin::Monitor(spec));
            Routed { labels, own_receivers: spec.receivers.clone(), alert }
        };
        self.stored.unsettled.values().map(of).collect()
    }

    /// Whether a silence, or a critical alert, keeps it silent now: read off the rules as they are
    /// written for people.
    fn is_hushed(&self, routed: &Routed, all: &[Routed]) -> bool {
        let silenced = self
            .silences
            .iter()
            .any(|silence| silence.holds(self.now) && all_match(&silence.matchers, &routed.labels));
        let is_critical = |r: &Routed| r.alert.severity == Severity::Critical;
        let inhibited = !self.routing.inhibitions.is_empty()
            && !is_critical(routed)
            && all.iter().any(|r| is_critical(r) && r.alert.state == AlertState::Firing);
        silenced || inhibited
    }

    fn decide(&mut self, commits: bool) -> Result<(), TestCaseError> {
        let all = self.routed();
        let groups: BTreeMap<String, Group> = self
            .stored
            .groups
            .iter()
            .map(|(key, text)| (key.clone(), serde_json::from_str(text).unwrap()))
            .collect();
        let decision = dispatch(&self.routing, &self.silences, &all, &groups, self.now);
        let hushed: BTreeSet<AlertId> = all
            .iter()
            .filter(|routed| self.is_hushed(routed, &all))
            .map(|routed| routed.alert.id)
            .collect();
        self.hushed.extend(&hushed);
        if !commits {
            return Ok(());
        }
        for notice in &decision.notices {
            for (id, event) in &notice.events {
                let of_it = all.iter().find(|routed| routed.alert.id == *id);
                let alert = &of_it.expect("what is told is not settled").alert;
                let is_end = *event == EventKind::Resolved;
                prop_assert!(is_end || !hushed.contains(id), "{event:?} in a silence");
                let asks = matches!(event, EventKind::Reminder | EventKind::Escalated);
                prop_assert!(!asks || alert.acknowledged_at.is_none(), "{event:?} of a known one");
                prop_assert!(!is_end || alert.state == AlertState::Resolved);
                for receiver in &notice.receivers {
                    let delivery = DeliveryId::new(self.now, &mut self.rng);
                    prop_assert!(self.deliveries.insert(delivery), "an id was used twice");
                    self.told.entry((*receiver, *id)).or_default().push(*event);
                }
            }
        }
        let text = |group: &Group| serde_json::to_string(group).unwrap();
        self.stored.groups =
            decision.groups.iter().map(|(key, group)| (key.clone(), text(group))).collect();
        self.stored.unsettled.retain(|id, _| !decision.settled.contains(id));
        Ok(())
    }

    /// Lets everything that waits come to its end, and checks what was told.
    pub(super) fn finish(mut self) -> Result<(), TestCaseError> {
        self.silences.clear();
        self.now = self.latest;
        for _ in 0..6 {
            self.set(self.now.plus(Duration::from_mins(20)));
            self.decide(true)?;
        }
        for (id, place) in &self.fired {
            for to in [1, 3] {
                let events = self.told.get(&(receiver(to), *id)).cloned().unwrap_or_default();
                let of = |kind| events.iter().filter(|event| **event == kind).count();
                let was_told = of(EventKind::Firing);
                prop_assert!(was_told <= 1, "R{to} heard {events:?}");
                if !self.hushed.contains(id) {
                    prop_assert_eq!(was_told, 1, "lost at R{} of m{}: {:?}", to, place, events);
                }
                prop_assert!(events.is_empty() || events[0] == EventKind::Firing, "{events:?}");
                let is_over = was_told == 1 && self.ended.contains(id);
                prop_assert_eq!(of(EventKind::Resolved), usize::from(is_over), "{:?}", events);
                prop_assert!(!is_over || events.last() == Some(&EventKind::Resolved));
            }
        }
        let known = self.told.keys().all(|(_, id)| self.fired.contains_key(id));
        prop_assert!(known, "told of what never fired");
        let open = self.fired.keys().filter(|id| !self.ended.contains(id)).count();
        prop_assert_eq!(self.stored.unsettled.len(), open, "what is over is settled");
        Ok(())
    }
}

//! Which receivers hear of which alerts, and when: routes, groups, silences, reminders, escalation.
//!
//! A function of the routing, the alerts that are not settled, what was told so far, and the time. It
//! is asked again and again; what it has decided is stored with the messages, in one commit, so that a
//! restart at any moment tells nothing twice and forgets nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::EventKind;
use crate::clock::Timestamp;
use crate::id::{AlertId, ReceiverId};
use crate::model::alert::{Alert, AlertState};
use crate::model::matcher::{Labels, all_match};
use crate::model::monitor::MonitorSpec;
use crate::model::routing::{Escalation, MuteTime, Route, Routing, Silence};
use crate::model::rule::RuleSpec;

/// A label in `group_by` that stands for all of them.
const ALL_LABELS: &str = "...";

/// An alert as routes see it.
#[derive(Debug, Clone)]
pub struct Routed {
    /// The alert: firing, or resolved after it fired.
    pub alert: Alert,
    /// Its labels.
    pub labels: Labels,
    /// The receivers that its monitor names itself.
    pub own_receivers: Vec<ReceiverId>,
}

/// Where an alert comes from.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// A monitor.
    Monitor(&'a MonitorSpec),
    /// A rule, with the monitor that its figures come from, if it is one.
    Rule(&'a RuleSpec, Option<&'a MonitorSpec>),
}

impl Origin<'_> {
    /// The receivers that it names itself.
    pub fn own_receivers(&self) -> &[ReceiverId] {
        match self {
            Self::Monitor(spec) => &spec.receivers,
            Self::Rule(spec, _) => &spec.receivers,
        }
    }
}

/// The labels that routes, silences and inhibitions see of an alert.
pub fn labels(alert: &Alert, origin: Origin<'_>) -> Labels {
    let (mut labels, monitor) = match origin {
        Origin::Monitor(spec) => (spec.alert.labels.clone(), Some(spec)),
        Origin::Rule(spec, monitor) => {
            let mut labels = spec.labels.clone();
            labels.insert("rule".to_owned(), spec.name.clone());
            (labels, monitor)
        }
    };
    for (key, value) in &alert.segment {
        labels.insert(key.clone(), value.clone());
    }
    let segment: Vec<String> = alert.segment.iter().map(|(k, v)| format!("{k}={v}")).collect();
    labels.insert("segment".to_owned(), segment.join(","));
    if let Some(monitor) = monitor {
        labels.insert("monitor".to_owned(), monitor.name.clone());
    }
    if let Some(stream) = alert.stream {
        labels.insert("stream".to_owned(), stream.as_str().to_owned());
    }
    labels.insert("kind".to_owned(), alert.kind.clone());
    labels.insert("severity".to_owned(), alert.severity.as_str().to_owned());
    labels
}

/// What a group of alerts on one route was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Nothing is told before.
    pub due_at: Timestamp,
    /// The first message, of the alerts that fire now.
    pub first_at: Option<Timestamp>,
    /// The last message.
    pub sent_at: Option<Timestamp>,
    /// What was told last of each alert: whether it had ended.
    pub told: BTreeMap<AlertId, Told>,
    /// Whether someone else was told too, because nobody acknowledged.
    pub escalated: bool,
}

/// What was told last of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// That it fires.
    Firing,
    /// That it ended; or it ended while nothing was to be told of it.
    Ended,
}

/// A message that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Who is told.
    pub receivers: Vec<ReceiverId>,
    /// What became of which alerts, the begin of each before its end.
    pub events: Vec<(AlertId, EventKind)>,
}

/// What is to be stored and sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    /// Messages that are due.
    pub notices: Vec<Notice>,
    /// Every group that goes on; others are forgotten.
    pub groups: BTreeMap<String, Group>,
    /// Resolved alerts of which nothing remains to be told.
    pub settled: Vec<AlertId>,
}

/// Decides at `now` what is told of `alerts`, all that are not settled. `groups` are those of the last
/// decision.
pub fn dispatch(
    routing: &Routing,
    silences: &[Silence],
    alerts: &[Routed],
    groups: &BTreeMap<String, Group>,
    now: Timestamp,
) -> Decision {
    let mut decision = Decision::default();
    let mut members: BTreeMap<String, (Target, Vec<&Routed>)> = BTreeMap::new();
    for routed in alerts {
        for target in targets(routing, routed) {
            members
                .entry(target.key.clone())
                .or_insert_with(|| (target, Vec::new()))
                .1
                .push(routed);
        }
    }
    let mut due: Vec<(String, Target, Vec<&Routed>, Group)> = Vec::new();
    let mut waiting = BTreeSet::new();
    for (key, (target, members)) in members {
        let known = groups.get(&key).cloned();
        let group = known.unwrap_or_else(|| Group::new(now.plus(target.wait)));
        if now < group.due_at {
            waiting.extend(members.iter().map(|routed| routed.alert.id));
            decision.groups.insert(key, group);
        } else {
            due.push((key, target, members, group));
        }
    }
    for (key, target, members, mut group) in due {
        let is_mute = |time: &MuteTime| target.mute.contains(&time.name) && time.holds(now);
        let muted = routing.mute_times.iter().any(is_mute);
        // Who was told of a begin is told of its end, whatever has been silenced since.
        let heard = |routed: &&Routed| {
            let was_told = group.told.get(&routed.alert.id) == Some(&Told::Firing);
            (is_over(routed) && was_told)
                || !(muted || is_kept_silent(routing, silences, alerts, routed, now))
        };
        let audible: Vec<&Routed> = members.iter().copied().filter(heard).collect();
        decision.notices.extend(group.advance(&target, &audible, now));
        group.told.retain(|id, _| members.iter().any(|routed| routed.alert.id == *id));
        for routed in members.iter().filter(|routed| is_over(routed)) {
            group.told.insert(routed.alert.id, Told::Ended);
        }
        if members.iter().any(|routed| !is_over(routed) || waiting.contains(&routed.alert.id)) {
            decision.groups.insert(key, group);
        }
    }
    let over = alerts.iter().filter(|routed| is_over(routed)).map(|routed| routed.alert.id);
    decision.settled = over.filter(|id| !waiting.contains(id)).collect();
    decision
}

fn is_over(routed: &Routed) -> bool {
    routed.alert.state == AlertState::Resolved
}

impl Group {
    fn new(due_at: Timestamp) -> Self {
        Self { due_at, first_at: None, sent_at: None, told: BTreeMap::new(), escalated: false }
    }

    /// What is told of the `audible` members now.
    fn advance(&mut self, target: &Target, audible: &[&Routed], now: Timestamp) -> Vec<Notice> {
        let is_unheeded = |r: &&&Routed| !is_over(r) && r.alert.acknowledged_at.is_none();
        let unheeded: Vec<AlertId> =
            audible.iter().filter(is_unheeded).map(|routed| routed.alert.id).collect();
        let mut events = Vec::new();
        for routed in audible {
            let id = routed.alert.id;
            let told = *self.told.entry(id).or_insert_with(|| {
                events.push((id, EventKind::Firing));
                Told::Firing
            });
            if is_over(routed) && told == Told::Firing {
                events.push((id, EventKind::Resolved));
            }
        }
        let mut notices = Vec::new();
        let has_passed =
            |at: Option<Timestamp>, wait: Duration| at.is_some_and(|at| at.plus(wait) <= now);
        if events.is_empty()
            && let Some(repeat) = target.repeat
            && has_passed(self.sent_at, repeat)
        {
            events.extend(unheeded.iter().map(|id| (*id, EventKind::Reminder)));
        }
        if !events.is_empty() {
            self.sent_at = Some(now);
            self.first_at = self.first_at.or(Some(now));
            self.due_at = now.plus(target.interval);
            notices.push(Notice { receivers: target.receivers.clone(), events });
        }
        if let Some(escalation) = &target.escalate
            && !unheeded.is_empty()
            && !self.escalated
            && has_passed(self.first_at, Duration::from_secs(escalation.after_seconds.into()))
        {
            self.escalated = true;
            let events = unheeded.iter().map(|id| (*id, EventKind::Escalated)).collect();
            notices.push(Notice { receivers: escalation.receivers.clone(), events });
        }
        notices
    }
}

/// Where an alert goes: a route with everything that its parents say, and the group there.
struct Target {
    key: String,
    receivers: Vec<ReceiverId>,
    wait: Duration,
    interval: Duration,
    repeat: Option<Duration>,
    mute: Vec<String>,
    escalate: Option<Escalation>,
}

fn targets(routing: &Routing, routed: &Routed) -> Vec<Target> {
    let mut targets = Vec::new();
    if !routed.own_receivers.is_empty() {
        let own = Route {
            receivers: Some(routed.own_receivers.clone()),
            repeat_interval_seconds: routing.route.repeat_interval_seconds,
            ..Route::default()
        };
        targets.push(target("monitor", &own, routed));
    }
    descend(&routing.route, "", &routing.route, routed, &mut targets);
    targets.retain(|target| !target.receivers.is_empty());
    targets
}

/// Adds the targets below `route`, whose settings with those of its parents are `inherited`.
fn descend(
    route: &Route,
    path: &str,
    inherited: &Route,
    routed: &Routed,
    targets: &mut Vec<Target>,
) {
    let mut taken = false;
    for (i, child) in route.routes.iter().enumerate() {
        if !all_match(&child.matchers, &routed.labels) {
            continue;
        }
        taken = true;
        descend(child, &format!("{path}/{i}"), &inherit(inherited, child), routed, targets);
        if !child.goes_on {
            break;
        }
    }
    if !taken {
        targets.push(target(&format!("route{path}"), inherited, routed));
    }
}

fn inherit(parent: &Route, child: &Route) -> Route {
    Route {
        receivers: child.receivers.clone().or_else(|| parent.receivers.clone()),
        group_by: child.group_by.clone().or_else(|| parent.group_by.clone()),
        group_wait_seconds: child.group_wait_seconds.or(parent.group_wait_seconds),
        group_interval_seconds: child.group_interval_seconds.or(parent.group_interval_seconds),
        repeat_interval_seconds: child.repeat_interval_seconds.or(parent.repeat_interval_seconds),
        mute: if child.mute.is_empty() { parent.mute.clone() } else { child.mute.clone() },
        escalate: child.escalate.clone().or_else(|| parent.escalate.clone()),
        ..Route::default()
    }
}

fn target(path: &str, route: &Route, routed: &Routed) -> Target {
    let seconds = |value: Option<u32>| Duration::from_secs(value.unwrap_or(0).into());
    let group = match &route.group_by {
        Some(names) if !names.iter().any(|name| name == ALL_LABELS) => {
            let of = |name: &String| routed.labels.get(name).cloned().unwrap_or_default();
            let values: BTreeMap<&String, String> =
                names.iter().map(|name| (name, of(name))).collect();
            format!("{values:?}")
        }
        _ => routed.alert.id.to_string(),
    };
    Target {
        key: format!("{path} {group}"),
        receivers: route.receivers.clone().unwrap_or_default(),
        wait: seconds(route.group_wait_seconds),
        interval: seconds(route.group_interval_seconds),
        repeat: route.repeat_interval_seconds.map(|value| seconds(Some(value))),
        mute: route.mute.clone(),
        escalate: route.escalate.clone(),
    }
}

/// Whether a silence or a firing alert keeps this one silent.
fn is_kept_silent(
    routing: &Routing,
    silences: &[Silence],
    alerts: &[Routed],
    routed: &Routed,
    now: Timestamp,
) -> bool {
    let silenced = silences
        .iter()
        .any(|silence| silence.holds(now) && all_match(&silence.matchers, &routed.labels));
    silenced
        || routing.inhibitions.iter().any(|inhibition| {
            all_match(&inhibition.target, &routed.labels)
                && alerts.iter().any(|source| {
                    source.alert.id != routed.alert.id
                        && source.alert.state == AlertState::Firing
                        && all_match(&inhibition.source, &source.labels)
                        && inhibition
                            .equal
                            .iter()
                            .all(|name| source.labels.get(name) == routed.labels.get(name))
                })
        })
}

#[cfg(test)]
mod tests;

//! Reads the figures that rules compare.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::alert::{Origin, Reading, Trouble, labels};
use crate::clock::Timestamp;
use crate::id::{MonitorId, ProjectId, ReportId};
use crate::model::alert::{Alert, AlertState};
use crate::model::condition::{Condition, FigureKind};
use crate::model::matcher::all_match;
use crate::model::monitor::Monitor;
use crate::model::quality::Side;
use crate::model::reference::ReferenceStatus;
use crate::model::rule::Rule;
use crate::model::verdict::Verdict;
use crate::store::{AlertFilter, Store, StoreError};
use crate::worker::rates::{Maturities, Rates};

/// Reports among which the latest verdict of every window is looked for: with twenty segments, those
/// of twenty strides.
const REPORTS: i64 = 400;
/// Firing alerts that are counted at most.
const ALERTS: i64 = 1000;

/// Verdicts of a monitor's latest reports, newest first.
type Latest = Vec<(ReportId, Vec<Verdict>)>;

/// Reads figures of one project at one moment. What several rules need is read once.
pub struct Figures<'a> {
    store: &'a Store,
    project: ProjectId,
    now: Timestamp,
    monitors: Vec<Monitor>,
    rules: Vec<Rule>,
    verdicts: HashMap<MonitorId, Latest>,
    firing: Option<Vec<Alert>>,
    rates: Rates<'a>,
}

impl<'a> Figures<'a> {
    /// The figures of `project` at `now`; `maturities` are those that are known from before.
    pub async fn new(
        store: &'a Store,
        project: ProjectId,
        now: Timestamp,
        maturities: &'a mut Maturities,
    ) -> Result<Self, StoreError> {
        let monitors = store.list_monitors(project).await?;
        let rules = store.list_rules(project).await?;
        let rates = Rates::new(store, project, now, maturities);
        let (verdicts, firing) = (HashMap::new(), None);
        Ok(Self { store, project, now, monitors, rules, verdicts, firing, rates })
    }

    /// One reading for each comparison of `condition`, in their order.
    pub async fn read(&mut self, condition: &Condition) -> Result<Vec<Reading>, StoreError> {
        let mut readings = Vec::new();
        for comparison in condition.comparisons() {
            readings.push(self.one(comparison).await?);
        }
        Ok(readings)
    }

    async fn one(&mut self, comparison: &Condition) -> Result<Reading, StoreError> {
        let figure = words(comparison);
        let plain = |value| Reading { figure: figure.clone(), value, source: None };
        Ok(match comparison.figure {
            Some(FigureKind::Events) => {
                let minutes = u64::from(comparison.minutes.unwrap_or(1));
                let since = self.now.minus(Duration::from_mins(minutes));
                let count = self.store.interactions_since(self.project, since).await?;
                plain(Ok(count as f64))
            }
            Some(FigureKind::Alerts) => plain(Ok(self.alerts(comparison).await? as f64)),
            Some(FigureKind::Rate) => plain(self.rates.rate(comparison).await?),
            Some(FigureKind::Outcome) => plain(self.rates.outcome(comparison).await?),
            Some(kind) => self.of_monitor(kind, comparison, &figure).await?,
            None => plain(Err(Trouble::error("no figure is named"))),
        })
    }

    /// How many alerts fire that match. Those of rules do not count: a rule cannot wait for itself.
    async fn alerts(&mut self, comparison: &Condition) -> Result<usize, StoreError> {
        if self.firing.is_none() {
            let (state, monitor, before) = (Some(AlertState::Firing), None, None);
            let filter = AlertFilter { state, monitor, before, limit: ALERTS };
            self.firing = Some(self.store.list_alerts(self.project, &filter).await?);
        }
        let matches = |alert: &&Alert| {
            let of_monitor = alert.monitor_id.filter(|_| alert.rule_id.is_none());
            let monitor = self.monitors.iter().find(|monitor| Some(monitor.id) == of_monitor);
            monitor.is_some_and(|monitor| {
                let labels = labels(alert, Origin::Monitor(&monitor.spec));
                all_match(&comparison.matchers, &labels)
            })
        };
        Ok(self.firing.iter().flatten().filter(matches).count())
    }

    async fn of_monitor(
        &mut self,
        kind: FigureKind,
        comparison: &Condition,
        figure: &str,
    ) -> Result<Reading, StoreError> {
        let name = comparison.monitor.as_deref().unwrap_or_default();
        let answer = |value, source| Reading { figure: figure.to_owned(), value, source };
        let Some(monitor) = self.monitors.iter().find(|monitor| monitor.spec.name == name) else {
            let trouble = Trouble::error(format!("there is no monitor called {name:?}"));
            return Ok(answer(Err(trouble), None));
        };
        let monitor = monitor.clone();
        if let Some(trouble) = self.trouble(&monitor).await? {
            return Ok(answer(Err(trouble), Some((monitor.id, None))));
        }
        let (value, report) = figure_of(self.verdicts(monitor.id).await?, kind, comparison);
        let value = value.ok_or_else(|| {
            Trouble::no_data(format!("monitor {name:?} has no such verdict with a value yet"))
        });
        Ok(answer(value, Some((monitor.id, report))))
    }

    /// Why nothing can be read of the monitor.
    async fn trouble(&self, monitor: &Monitor) -> Result<Option<Trouble>, StoreError> {
        let name = &monitor.spec.name;
        if monitor.spec.paused {
            return Ok(Some(Trouble::paused(format!("monitor {name:?} is paused"))));
        }
        let Some(reference) = monitor.reference_id else {
            return Ok(Some(Trouble::paused(format!("monitor {name:?} has no reference yet"))));
        };
        let status = self.store.find_reference(self.project, reference).await?.map(|r| r.status);
        if matches!(status, Some(ReferenceStatus::Collecting | ReferenceStatus::Computing)) {
            let detail = format!("the reference of monitor {name:?} is being calibrated");
            return Ok(Some(Trouble::paused(detail)));
        }
        let trouble = self.store.monitor_trouble(monitor.id).await?;
        Ok(trouble.map(|why| Trouble::error(format!("monitor {name:?}: {why}"))))
    }

    async fn verdicts(&mut self, monitor: MonitorId) -> Result<&Latest, StoreError> {
        Ok(match self.verdicts.entry(monitor) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let read = self.store.latest_verdicts(self.project, monitor, None, REPORTS).await?;
                new.insert(read)
            }
        })
    }

    /// The project's rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

/// The figure over the latest verdict of every stream, window and detector that matches, and the report
/// that it is from.
fn figure_of(
    latest: &Latest,
    kind: FigureKind,
    comparison: &Condition,
) -> (Option<f64>, Option<ReportId>) {
    let mut seen = BTreeMap::new();
    for (report, verdicts) in latest {
        for verdict in verdicts.iter().filter(|verdict| matches(comparison, verdict)) {
            let key = (verdict.stream, verdict.window.as_str(), verdict.detector);
            seen.entry(key).or_insert((verdict, *report));
        }
    }
    let smallest = kind == FigureKind::PValue;
    let values = seen.into_values().filter_map(|(verdict, id)| Some((value(kind, verdict)?, id)));
    let found = values.reduce(|best, one| {
        let better = if smallest { one.0 < best.0 } else { one.0 > best.0 };
        if better { one } else { best }
    });
    let newest = latest.first().map(|(report, _)| *report);
    found.map_or((None, newest), |(value, id)| (Some(value), Some(id)))
}

fn value(kind: FigureKind, verdict: &Verdict) -> Option<f64> {
    let value = match kind {
        FigureKind::Ratio => verdict.ratio(),
        FigureKind::Statistic => verdict.statistic,
        FigureKind::PValue => verdict.p_value,
        FigureKind::EffectSize => verdict.effect_size,
        FigureKind::Alerts | FigureKind::Events | FigureKind::Rate | FigureKind::Outcome => None,
    };
    value.filter(|value| value.is_finite())
}

fn matches(comparison: &Condition, verdict: &Verdict) -> bool {
    verdict.segment == comparison.segment
        && comparison.stream.is_none_or(|stream| stream == verdict.stream)
        && comparison.detector.is_none_or(|detector| detector == verdict.detector)
        && comparison.window.as_ref().is_none_or(|window| *window == verdict.window)
}

/// The figure as people read it: `ratio of support, stream query, channel web`.
fn words(comparison: &Condition) -> String {
    match comparison.figure {
        Some(FigureKind::Events) => {
            format!("interactions in {} minutes", comparison.minutes.unwrap_or(1))
        }
        Some(FigureKind::Alerts) => {
            let matchers: Vec<String> =
                comparison.matchers.iter().map(ToString::to_string).collect();
            format!("firing alerts {{{}}}", matchers.join(", "))
        }
        Some(FigureKind::Rate) => {
            let signal = comparison.signal.as_deref().unwrap_or_default();
            let side = match comparison.side {
                Some(Side::Query) => "queries",
                Some(Side::Response) | None => "responses",
            };
            format!("rate of {signal} in {side}, {}{}", span(comparison), place(comparison))
        }
        Some(FigureKind::Outcome) => {
            let name = comparison.outcome.as_deref().unwrap_or_default();
            format!("mean of {name}, {}{}", span(comparison), place(comparison))
        }
        kind => {
            let kind = kind.map_or("figure", FigureKind::as_str);
            let mut words =
                format!("{kind} of {}", comparison.monitor.as_deref().unwrap_or_default());
            let named = [
                ("stream", comparison.stream.map(|stream| stream.as_str().to_owned())),
                ("window", comparison.window.clone()),
                ("detector", comparison.detector.map(|detector| detector.to_string())),
            ];
            for (name, value) in named.into_iter().filter_map(|(n, v)| Some((n, v?))) {
                words = format!("{words}, {name} {value}");
            }
            words + &place(comparison)
        }
    }
}

/// Over which time: `60 minutes`, `3 days`, `today`.
fn span(comparison: &Condition) -> String {
    match (comparison.days, comparison.minutes) {
        (Some(1), _) => "today".to_owned(),
        (Some(days), _) => format!("{days} days"),
        (None, minutes) => format!("{} minutes", minutes.unwrap_or(1)),
    }
}

/// In which segment: `, channel web`; empty for all of the traffic.
fn place(comparison: &Condition) -> String {
    let labels = comparison.segment.iter();
    labels.fold(String::new(), |text, (label, value)| format!("{text}, {label} {value}"))
}

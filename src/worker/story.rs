//! An alert at one moment with all that a message tells of it: its report, examples, links.

use std::collections::HashMap;

use crate::alert::{EventKind, Origin};
use crate::clock::Timestamp;
use crate::model::alert::{Alert, AlertState};
use crate::model::interaction::Interaction;
use crate::model::monitor::{Monitor, ThresholdPolicy};
use crate::model::report::Report;
use crate::model::stream::Stream;
use crate::model::verdict::Verdict;
use crate::notify::{AlertMessage, ExampleText, Links};
use crate::store::{Store, StoreError};

/// Examples in one message.
const EXAMPLES: usize = 3;
/// Evaluations in the picture of the course.
const COURSE: usize = 24;
/// Reports among which those are looked for: with segments, each evaluation leaves several.
const REPORTS: i64 = 200;

/// One alert at one moment, with all that a message tells of it.
pub struct Story<'m> {
    /// What is told of it.
    pub event: EventKind,
    /// The alert as it was then.
    pub alert: Alert,
    origin: Origin<'m>,
    report: Option<Report>,
    examples: Vec<ExampleText>,
    course: Vec<f64>,
    false_alarms_per_30d: Option<f64>,
    links: Links,
}

impl Story<'_> {
    /// The message that tells it at `now`, with the titles of what is told with it.
    pub fn message<'s>(&'s self, others: &'s [String], now: Timestamp) -> AlertMessage<'s> {
        AlertMessage {
            event: self.event,
            alert: &self.alert,
            origin: self.origin,
            false_alarms_per_30d: self.false_alarms_per_30d,
            report: self.report.as_ref(),
            examples: &self.examples,
            others,
            links: &self.links,
            wording: None,
            course: &self.course,
            now,
        }
    }
}

/// Gathers stories.
#[derive(Debug, Clone, Copy)]
pub struct Stories<'a> {
    /// Where everything is read.
    pub store: &'a Store,
    /// What links begin with.
    pub public_url: &'a str,
}

impl Stories<'_> {
    /// Everything that a message about `event` needs; `None` once the report of a monitor's alert is
    /// gone.
    pub async fn story<'m>(
        &self,
        alert: &Alert,
        event: EventKind,
        origin: Origin<'m>,
        monitor: Option<&Monitor>,
    ) -> Result<Option<Story<'m>>, StoreError> {
        let store = self.store;
        let mut alert = alert.clone();
        if event != EventKind::Resolved {
            // As it was when it fired, also where it has ended meanwhile.
            let transitions = store.transitions(alert.id).await?;
            let fired = transitions.into_iter().rfind(|t| t.to == AlertState::Firing);
            alert.report_id = fired.map_or(alert.report_id, |transition| transition.report_id);
            alert.state = AlertState::Firing;
            alert.resolved_at = None;
        }
        let report = match alert.report_id {
            Some(id) => store.find_report(alert.project_id, id).await?,
            None => None,
        };
        if report.is_none() && alert.rule_id.is_none() {
            return Ok(None);
        }
        let examples = match (&report, alert.stream) {
            (Some(report), Some(stream)) => self.examples(report, stream).await?,
            _ => Vec::new(),
        };
        let false_alarms_per_30d = match (monitor, alert.rule_id) {
            (Some(monitor), None) => self.promised(monitor).await?,
            _ => None,
        };
        let links = self.links(&alert, origin);
        let course = match &report {
            Some(report) => self.course(&alert, report).await?,
            None => Vec::new(),
        };
        Ok(Some(Story {
            event,
            alert,
            origin,
            report,
            examples,
            course,
            false_alarms_per_30d,
            links,
        }))
    }

    /// How the alert's stream and segment went up to `report`, oldest first.
    async fn course(&self, alert: &Alert, report: &Report) -> Result<Vec<f64>, StoreError> {
        let Some(stream) = alert.stream else { return Ok(Vec::new()) };
        let (project, monitor, until) = (alert.project_id, report.monitor_id, report.sequence);
        let latest = self.store.latest_verdicts(project, monitor, Some(until), REPORTS).await?;
        let is_own =
            |verdict: &&Verdict| verdict.stream == stream && verdict.segment == alert.segment;
        let ratio = |verdicts: &Vec<Verdict>| {
            verdicts.iter().filter(is_own).filter_map(Verdict::ratio).reduce(f64::max)
        };
        let mut course: Vec<f64> =
            latest.iter().filter_map(|(_, verdicts)| ratio(verdicts)).take(COURSE).collect();
        course.reverse();
        Ok(course)
    }

    /// False alarms in 30 days, at most, that the monitor's thresholds keep to.
    async fn promised(&self, monitor: &Monitor) -> Result<Option<f64>, StoreError> {
        Ok(match monitor.spec.thresholds {
            ThresholdPolicy::Budget => {
                Some(self.store.budget(monitor.project_id).await?.false_alarms_per_30d)
            }
            ThresholdPolicy::FalseAlarmsPer30d(at_most) => Some(at_most),
            ThresholdPolicy::Fixed(_) => None,
        })
    }

    async fn examples(
        &self,
        report: &Report,
        stream: Stream,
    ) -> Result<Vec<ExampleText>, StoreError> {
        let chosen: Vec<_> =
            report.examples.iter().filter(|e| e.stream == stream).take(EXAMPLES).collect();
        let ids: Vec<String> = chosen.iter().map(|e| e.interaction_id.clone()).collect();
        let stored = self.store.interactions_by_id(report.project_id, &ids).await?;
        let by_id: HashMap<&str, &Interaction> =
            stored.iter().map(|interaction| (interaction.id.as_str(), interaction)).collect();
        let text = |id: &str| {
            let interaction = by_id.get(id)?;
            let text = match stream {
                Stream::Response | Stream::ResponseQuality | Stream::Privacy => {
                    interaction.response.clone()
                }
                _ => interaction.query.clone(),
            };
            Some((text?, interaction.occurred_at))
        };
        Ok(chosen
            .into_iter()
            .filter_map(|example| {
                let (text, occurred_at) = text(&example.interaction_id)?;
                Some(ExampleText { stream, text, score: example.score, occurred_at })
            })
            .collect())
    }

    fn links(&self, alert: &Alert, origin: Origin<'_>) -> Links {
        let base = self.public_url.trim_end_matches('/');
        Links {
            report_url: alert.report_id.map(|id| format!("{base}/v1/reports/{id}")),
            monitor_url: alert.monitor_id.map(|id| format!("{base}/v1/monitors/{id}")),
            rule_url: alert.rule_id.map(|id| format!("{base}/v1/rules/{id}")),
            runbook_url: match origin {
                Origin::Monitor(spec) => spec.alert.runbook_url.clone(),
                Origin::Rule(spec, _) => spec.runbook_url.clone(),
            },
        }
    }
}

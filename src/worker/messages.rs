//! What is due to be told becomes messages to receivers, with the texts of their examples.

use std::collections::HashMap;

use crate::alert::{EventKind, Notice, Routed};
use crate::id::{DeliveryId, MonitorId};
use crate::model::alert::{Alert, AlertState};
use crate::model::delivery::Delivery;
use crate::model::interaction::Interaction;
use crate::model::monitor::{Monitor, ThresholdPolicy};
use crate::model::receiver::Receiver;
use crate::model::report::Report;
use crate::model::stream::Stream;
use crate::notify::{AlertMessage, ExampleText, Links, body, groups};
use crate::worker::context::Context;
use crate::worker::driver::WorkerError;

/// Examples in one message.
const EXAMPLES: usize = 3;

/// One alert at one moment, with all that a message tells of it.
struct Story<'m> {
    event: EventKind,
    alert: Alert,
    monitor: &'m Monitor,
    report: Report,
    examples: Vec<ExampleText>,
    false_alarms_per_30d: Option<f64>,
    links: Links,
}

/// Writes messages.
pub struct Messages {
    context: Context,
}

impl Messages {
    /// A writer.
    pub fn new(context: Context) -> Self {
        Self { context }
    }

    /// The deliveries that `notice` makes due, for every receiver that is switched on.
    pub async fn of_notice(
        &self,
        notice: &Notice,
        routed: &[Routed],
        monitors: &HashMap<MonitorId, Monitor>,
    ) -> Result<Vec<Delivery>, WorkerError> {
        let receivers = self.context.store.receivers_by_id(&notice.receivers).await?;
        if receivers.iter().all(|receiver| receiver.disabled) {
            return Ok(Vec::new());
        }
        let mut stories = Vec::new();
        for (id, event) in &notice.events {
            let found = routed.iter().find(|routed| routed.alert.id == *id);
            let Some((routed, monitor)) =
                found.and_then(|r| Some((r, monitors.get(&r.alert.monitor_id)?)))
            else {
                continue;
            };
            stories.extend(self.story(&routed.alert, *event, monitor).await?);
        }
        // What fires comes before what is over: the first one heads the message of a group.
        stories.sort_by_key(|story| story.event == EventKind::Resolved);
        let each: Vec<AlertMessage<'_>> =
            stories.iter().map(|story| self.message(story, &[])).collect();
        let titles: Vec<String> = each.iter().skip(1).map(AlertMessage::title).collect();
        let together: Vec<AlertMessage<'_>> =
            stories.iter().take(1).map(|story| self.message(story, &titles)).collect();
        let mut deliveries = Vec::new();
        for receiver in receivers.iter().filter(|receiver| !receiver.disabled) {
            let messages = if groups(receiver.kind) { &together } else { &each };
            deliveries.extend(messages.iter().map(|message| self.delivery(message, receiver)));
        }
        Ok(deliveries)
    }

    /// Everything that a message about `event` needs; `None` once its report is gone.
    async fn story<'m>(
        &self,
        alert: &Alert,
        event: EventKind,
        monitor: &'m Monitor,
    ) -> Result<Option<Story<'m>>, WorkerError> {
        let store = &self.context.store;
        let mut alert = alert.clone();
        if event != EventKind::Resolved {
            // As it was when it fired, also where it has ended meanwhile.
            let transitions = store.transitions(alert.id).await?;
            let fired = transitions.into_iter().rfind(|t| t.to == AlertState::Firing);
            alert.report_id = fired.map_or(alert.report_id, |transition| transition.report_id);
            alert.state = AlertState::Firing;
            alert.resolved_at = None;
        }
        let Some(report) = store.find_report(alert.project_id, alert.report_id).await? else {
            return Ok(None);
        };
        let examples = self.examples(&report, alert.stream).await?;
        let false_alarms_per_30d = self.promised(monitor).await?;
        let links = self.links(&report, monitor);
        Ok(Some(Story { event, alert, monitor, report, examples, false_alarms_per_30d, links }))
    }

    fn message<'s>(&self, story: &'s Story<'_>, others: &'s [String]) -> AlertMessage<'s> {
        AlertMessage {
            event: story.event,
            alert: &story.alert,
            monitor_name: &story.monitor.spec.name,
            false_alarms_per_30d: story.false_alarms_per_30d,
            report: &story.report,
            examples: &story.examples,
            others,
            links: &story.links,
            now: self.context.now(),
        }
    }

    fn delivery(&self, message: &AlertMessage<'_>, receiver: &Receiver) -> Delivery {
        let now = self.context.now();
        let id = self.context.with_rng(|rng| DeliveryId::new(now, rng));
        let (alert, event) = (Some(message.alert.id), message.event.as_str());
        Delivery::new(id, receiver, alert, event, body(receiver, message), now)
    }

    /// False alarms in 30 days, at most, that the monitor's thresholds keep to.
    async fn promised(&self, monitor: &Monitor) -> Result<Option<f64>, WorkerError> {
        Ok(match monitor.spec.thresholds {
            ThresholdPolicy::Budget => {
                Some(self.context.store.budget(monitor.project_id).await?.false_alarms_per_30d)
            }
            ThresholdPolicy::FalseAlarmsPer30d(at_most) => Some(at_most),
            ThresholdPolicy::Fixed(_) => None,
        })
    }

    async fn examples(
        &self,
        report: &Report,
        stream: Stream,
    ) -> Result<Vec<ExampleText>, WorkerError> {
        let chosen: Vec<_> =
            report.examples.iter().filter(|e| e.stream == stream).take(EXAMPLES).collect();
        let ids: Vec<String> = chosen.iter().map(|e| e.interaction_id.clone()).collect();
        let stored = self.context.store.interactions_by_id(report.project_id, &ids).await?;
        let by_id: HashMap<&str, &Interaction> =
            stored.iter().map(|interaction| (interaction.id.as_str(), interaction)).collect();
        let text = |id: &str| {
            let interaction = by_id.get(id)?;
            let text = match stream {
                Stream::Query | Stream::Relevance | Stream::Duplicates => interaction.query.clone(),
                Stream::Response => interaction.response.clone(),
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

    fn links(&self, report: &Report, monitor: &Monitor) -> Links {
        let base = self.context.config.public_url.trim_end_matches('/');
        Links {
            report_url: format!("{base}/v1/reports/{}", report.id),
            monitor_url: format!("{base}/v1/monitors/{}", monitor.id),
            runbook_url: monitor.spec.alert.runbook_url.clone(),
        }
    }
}

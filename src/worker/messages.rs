//! Alert changes become messages to receivers, with the texts of their examples.

use std::collections::HashMap;

use crate::alert::{self, Change};
use crate::clock::Timestamp;
use crate::id::DeliveryId;
use crate::model::delivery::{Delivery, DeliveryStatus, Receiver};
use crate::model::interaction::Interaction;
use crate::model::monitor::{Monitor, ThresholdPolicy};
use crate::model::report::Report;
use crate::model::stream::Stream;
use crate::notify::{AlertMessage, ExampleText, Links, body};
use crate::worker::assess::Assessment;
use crate::worker::context::Context;
use crate::worker::driver::WorkerError;

/// Examples in one message.
const EXAMPLES: usize = 3;

/// Writes messages.
pub struct Messages {
    context: Context,
}

impl Messages {
    /// A writer.
    pub fn new(context: Context) -> Self {
        Self { context }
    }

    /// The deliveries that `assessments` make due, one per receiver of the monitor.
    pub async fn deliveries(
        &self,
        monitor: &Monitor,
        assessments: &[Assessment],
    ) -> Result<Vec<Delivery>, WorkerError> {
        let mut deliveries = Vec::new();
        let mut due: Vec<(&Report, &Change)> = Vec::new();
        for assessment in assessments {
            due.extend(assessment.changes.iter().map(|change| (&assessment.report, change)));
        }
        for (report, change) in due {
            let Some(event) = change.transition.as_ref().and_then(alert::notifies) else {
                continue;
            };
            let store = &self.context.store;
            let receivers = store.receivers_by_id(&monitor.spec.receivers).await?;
            if receivers.iter().all(|receiver| receiver.disabled) {
                continue;
            }
            let examples = self.examples(report, change.alert.stream).await?;
            let false_alarms_per_30d = self.promised(monitor).await?;
            let message = AlertMessage {
                event,
                alert: &change.alert,
                monitor_name: &monitor.spec.name,
                false_alarms_per_30d,
                report,
                examples: &examples,
                links: &self.links(report, change),
            };
            let active = receivers.iter().filter(|receiver| !receiver.disabled);
            deliveries.extend(active.map(|receiver| self.delivery(&message, receiver)));
        }
        Ok(deliveries)
    }

    fn delivery(&self, message: &AlertMessage<'_>, receiver: &Receiver) -> Delivery {
        let now: Timestamp = self.context.now();
        Delivery {
            id: self.context.with_rng(|rng| DeliveryId::new(now, rng)),
            project_id: message.alert.project_id,
            receiver_id: receiver.id,
            alert_id: Some(message.alert.id),
            event_type: message.event.as_str().to_owned(),
            body: body(receiver.kind, message),
            status: DeliveryStatus::Pending,
            attempts: 0,
            created_at: now,
            next_attempt_at: now,
            delivered_at: None,
        }
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

    fn links(&self, report: &Report, change: &Change) -> Links {
        let base = self.context.config.public_url.trim_end_matches('/');
        Links {
            report_url: format!("{base}/v1/reports/{}", report.id),
            monitor_url: format!("{base}/v1/monitors/{}", change.alert.monitor_id),
        }
    }
}

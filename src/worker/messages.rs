//! What is due to be told becomes messages to receivers, with the texts of their examples.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;

use crate::alert::{EventKind, Notice, Origin, Routed};
use crate::clock::Timestamp;
use crate::id::{DeliveryId, RetrainId};
use crate::model::alert::{Alert, AlertState};
use crate::model::delivery::Delivery;
use crate::model::interaction::Interaction;
use crate::model::monitor::{Monitor, ThresholdPolicy};
use crate::model::receiver::{Receiver, ReceiverKind};
use crate::model::report::Report;
use crate::model::retrain::{Retrain, RetrainStatus};
use crate::model::stream::Stream;
use crate::notify::{AlertMessage, ExampleText, Links, RetrainLinks, body, groups, retrain_body};
use crate::worker::context::Context;
use crate::worker::driver::WorkerError;
use crate::worker::origins::Origins;

/// Examples in one message.
const EXAMPLES: usize = 3;

/// One alert at one moment, with all that a message tells of it.
struct Story<'m> {
    event: EventKind,
    alert: Alert,
    origin: Origin<'m>,
    report: Option<Report>,
    examples: Vec<ExampleText>,
    false_alarms_per_30d: Option<f64>,
    links: Links,
}

/// What a notice makes due.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// Messages.
    pub deliveries: Vec<Delivery>,
    /// Workflows that are asked for.
    pub retrains: Vec<Retrain>,
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
        origins: &Origins,
    ) -> Result<Outgoing, WorkerError> {
        let mut receivers = self.context.store.receivers_by_id(&notice.receivers).await?;
        receivers.retain(|receiver| !receiver.disabled);
        if receivers.is_empty() {
            return Ok(Outgoing::default());
        }
        let mut stories = Vec::new();
        for (id, event) in &notice.events {
            let found = routed.iter().find(|routed| routed.alert.id == *id);
            let Some((routed, origin)) = found.and_then(|r| Some((r, origins.of(&r.alert)?)))
            else {
                continue;
            };
            let monitor = origins.monitor(&routed.alert);
            stories.extend(self.story(&routed.alert, *event, origin, monitor).await?);
        }
        // What fires comes before what is over: the first one heads the message of a group.
        stories.sort_by_key(|story| story.event == EventKind::Resolved);
        let each: Vec<AlertMessage<'_>> =
            stories.iter().map(|story| self.message(story, &[])).collect();
        let titles: Vec<String> = each.iter().skip(1).map(AlertMessage::title).collect();
        let together: Vec<AlertMessage<'_>> =
            stories.iter().take(1).map(|story| self.message(story, &titles)).collect();
        let mut outgoing = Outgoing::default();
        for receiver in &receivers {
            if receiver.kind == ReceiverKind::Retrain {
                let firing = stories.iter().filter(|story| story.event != EventKind::Resolved);
                outgoing.retrains.extend(firing.map(|story| self.retrain(story, receiver)));
                continue;
            }
            let messages = if groups(receiver.kind) { &together } else { &each };
            outgoing
                .deliveries
                .extend(messages.iter().map(|message| self.delivery(message, receiver)));
        }
        Ok(outgoing)
    }

    /// Everything that a message about `event` needs; `None` once the report of a monitor's alert is
    /// gone.
    async fn story<'m>(
        &self,
        alert: &Alert,
        event: EventKind,
        origin: Origin<'m>,
        monitor: Option<&Monitor>,
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
        Ok(Some(Story { event, alert, origin, report, examples, false_alarms_per_30d, links }))
    }

    fn message<'s>(&self, story: &'s Story<'_>, others: &'s [String]) -> AlertMessage<'s> {
        AlertMessage {
            event: story.event,
            alert: &story.alert,
            origin: story.origin,
            false_alarms_per_30d: story.false_alarms_per_30d,
            report: story.report.as_ref(),
            examples: &story.examples,
            others,
            links: &story.links,
            now: self.context.now(),
        }
    }

    /// A workflow that `story` asks for; whether it starts is decided by its guard.
    fn retrain(&self, story: &Story<'_>, receiver: &Receiver) -> Retrain {
        let now = self.context.now();
        let mut token = [0; 32];
        let id = self.context.with_rng(|rng| {
            rng.fill_bytes(&mut token);
            RetrainId::new(now, rng)
        });
        Retrain {
            id,
            project_id: receiver.project_id,
            receiver_id: receiver.id,
            alert_id: story.alert.id,
            monitor_id: story.alert.monitor_id,
            report_id: story.alert.report_id,
            status: RetrainStatus::Waiting,
            detail: "its guard has not been asked yet".to_owned(),
            token: URL_SAFE_NO_PAD.encode(token),
            delivery_id: None,
            decided_by: None,
            run_url: None,
            model_version: None,
            reference_id: None,
            created_at: now,
            updated_at: now,
            started_at: None,
            deployed_at: None,
        }
    }

    /// The document that starts `retrain` for `alert`; `None` once what it would tell of is gone.
    pub async fn retrain_body(
        &self,
        retrain: &Retrain,
        alert: &Alert,
        dataset_until: Timestamp,
        origins: &Origins,
    ) -> Result<Option<String>, WorkerError> {
        let Some(origin) = origins.of(alert) else { return Ok(None) };
        let monitor = origins.monitor(alert);
        let story = self.story(alert, EventKind::Firing, origin, monitor).await?;
        let base = self.context.config.public_url.trim_end_matches('/');
        let links = RetrainLinks {
            dataset_url: format!("{base}{}", retrain.dataset_path(dataset_until)),
            callback_url: format!("{base}/v1/retrains/{}/status", retrain.id),
        };
        Ok(story.map(|story| retrain_body(retrain, &self.message(&story, &[]), &links)))
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

    fn links(&self, alert: &Alert, origin: Origin<'_>) -> Links {
        let base = self.context.config.public_url.trim_end_matches('/');
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

//! What is due to be told becomes messages to receivers, with the texts of their examples.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;

use crate::alert::{EventKind, Notice, Routed};
use crate::clock::Timestamp;
use crate::id::{DeliveryId, RetrainId};
use crate::model::alert::Alert;
use crate::model::delivery::Delivery;
use crate::model::receiver::Receiver;
use crate::model::retrain::{Retrain, RetrainStatus};
use crate::notify::{AlertMessage, RetrainLinks, body, groups, retrain_body};
use crate::worker::context::Context;
use crate::worker::driver::WorkerError;
use crate::worker::origins::Origins;
use crate::worker::story::{Stories, Story};

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

    fn stories(&self) -> Stories<'_> {
        Stories { store: &self.context.store, public_url: &self.context.config.public_url }
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
            stories.extend(self.stories().story(&routed.alert, *event, origin, monitor).await?);
        }
        let now = self.context.now();
        let each: Vec<AlertMessage<'_>> =
            stories.iter().map(|story| story.message(&[], now)).collect();
        // Begins and ends are told apart, begins first: an alert that came and went is told as both.
        let (over, begun): (Vec<&Story<'_>>, Vec<&Story<'_>>) =
            stories.iter().partition(|story| story.event == EventKind::Resolved);
        let titles = [&begun, &over].map(|part| titles(part, now));
        let heads = [begun.first(), over.first()].into_iter().zip(&titles);
        let together: Vec<AlertMessage<'_>> =
            heads.filter_map(|(head, titles)| Some(head?.message(titles, now))).collect();
        let mut outgoing = Outgoing::default();
        for receiver in &receivers {
            if !receiver.kind.is_told() {
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
        let story = self.stories().story(alert, EventKind::Firing, origin, monitor).await?;
        let base = self.context.config.public_url.trim_end_matches('/');
        let links = RetrainLinks {
            dataset_url: format!("{base}{}", retrain.dataset_path(dataset_until)),
            callback_url: format!("{base}/v1/retrains/{}/status", retrain.id),
        };
        Ok(story
            .map(|story| retrain_body(retrain, &story.message(&[], self.context.now()), &links)))
    }

    fn delivery(&self, message: &AlertMessage<'_>, receiver: &Receiver) -> Delivery {
        let now = self.context.now();
        let id = self.context.with_rng(|rng| DeliveryId::new(now, rng));
        let (alert, event) = (Some(message.alert.id), message.event.as_str());
        Delivery::new(id, receiver, alert, event, body(receiver, message), now)
    }
}

/// The titles of all but the first.
fn titles(stories: &[&Story<'_>], now: Timestamp) -> Vec<String> {
    stories.iter().skip(1).map(|story| story.message(&[], now).title()).collect()
}

//! Brings messages from the outbox to their receivers.
//!
//! Attempts run side by side, each in its task. What came of them is recorded by the worker itself,
//! all that has ended since in one commit, before it claims more: a place is free again only when
//! its attempt is on record, so a crash leaves no more messages in doubt than there are places. A
//! picture follows its message only when that is on record: it may get lost, and repeats nothing.

mod pictures;
mod places;

use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use crate::alert::EventKind;
use crate::id::{DeliveryId, ReceiverId};
use crate::model::delivery::Delivery;
use crate::model::receiver::Receiver;
use crate::notify::{AttemptOutcome, Next, Notifier, Showing, disabled_body, showing};
use crate::store::{AttemptResult, ClaimShare, ClaimedDelivery, DeliveryNext, StoreError};
use crate::telemetry::ResultLabels;
use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};
use places::Places;

/// Claims due deliveries and makes one attempt at each.
pub struct DeliveryWorker {
    context: Context,
    notifier: Notifier,
    places: Places,
    under_way: JoinSet<()>,
    /// Pictures on their way below messages.
    pictures: JoinSet<()>,
    to_worker: mpsc::UnboundedSender<Ended>,
    ended: mpsc::UnboundedReceiver<Ended>,
    /// What has ended and is not on record yet.
    unrecorded: Vec<Told>,
}

/// An attempt that came to its end; `told` is missing where its task broke off.
struct Ended {
    receiver: ReceiverId,
    told: Option<Told>,
}

/// An attempt and what came of it.
struct Told {
    receiver: Receiver,
    result: AttemptResult,
    picture: Option<pictures::Due>,
}

/// Reports the end of an attempt, whatever becomes of its task: what the receiver is still due comes
/// then.
struct Report {
    receiver: ReceiverId,
    told: Option<Told>,
    to_worker: mpsc::UnboundedSender<Ended>,
    waker: Arc<Notify>,
}

impl Drop for Report {
    fn drop(&mut self) {
        let ended = Ended { receiver: self.receiver, told: self.told.take() };
        // Nobody listens any more once the worker has stopped.
        let _ = self.to_worker.send(ended);
        self.waker.notify_one();
    }
}

impl DeliveryWorker {
    /// A worker that sends through `notifier`.
    pub fn new(context: Context, notifier: Notifier) -> Self {
        let (to_worker, ended) = mpsc::unbounded_channel();
        let places = Places::new(context.config.delivery_concurrency.into());
        let (under_way, pictures) = (JoinSet::new(), JoinSet::new());
        let unrecorded = Vec::new();
        Self { context, notifier, places, under_way, pictures, to_worker, ended, unrecorded }
    }

    /// Puts on record what has ended. Where the database is away it is kept for the next time: it was
    /// told, and forgetting that would tell it again.
    async fn record(&mut self) -> Result<(), WorkerError> {
        while let Ok(Ended { receiver, told }) = self.ended.try_recv() {
            match told {
                Some(told) => self.unrecorded.push(told),
                // Its claim ends with its lease.
                None => self.places.give_back(receiver),
            }
        }
        if self.unrecorded.is_empty() {
            return Ok(());
        }
        for told in &mut self.unrecorded {
            if told.result.disable_receiver && told.result.farewells.is_empty() {
                match farewells(&self.context, told).await {
                    Ok(farewells) => told.result.farewells = farewells,
                    Err(error @ StoreError::Unavailable(_)) => return Err(error.into()),
                    Err(error) => tracing::error!(%error, "the others cannot be told"),
                }
            }
        }
        let results: Vec<AttemptResult> =
            self.unrecorded.iter().map(|told| told.result.clone()).collect();
        let recorded = match self.context.store.record_attempts(&results).await {
            Ok(recorded) => recorded,
            Err(error @ StoreError::Unavailable(_)) => return Err(error.into()),
            Err(_) => self.record_singly(&results).await?,
        };
        crate::fault::point("delivery.recorded");
        for (told, recorded) in self.unrecorded.drain(..).zip(recorded) {
            self.places.give_back(told.receiver.id);
            if recorded {
                if let Some(due) = told.picture {
                    let (context, notifier) = (self.context.clone(), self.notifier.clone());
                    self.pictures.spawn(pictures::attach(context, notifier, due));
                }
            } else {
                let delivery = told.result.delivery_id;
                tracing::warn!(%delivery, "claim lost: another daemon tries this delivery");
            }
        }
        Ok(())
    }

    /// One of them spoils the whole: the others go without it.
    async fn record_singly(&self, results: &[AttemptResult]) -> Result<Vec<bool>, WorkerError> {
        let mut recorded = Vec::with_capacity(results.len());
        for result in results {
            match self.context.store.record_attempts(std::slice::from_ref(result)).await {
                Ok(one) => recorded.extend(one),
                Err(error @ StoreError::Unavailable(_)) => return Err(error.into()),
                Err(error) => {
                    tracing::error!(delivery = %result.delivery_id, %error, "attempt not recorded");
                    recorded.push(false);
                }
            }
        }
        Ok(recorded)
    }

    /// Claims what there is room for, and starts the attempts; whether there were any.
    async fn send(&mut self) -> Result<bool, WorkerError> {
        let context = &self.context;
        let now = context.now();
        let room = self.places.room(now);
        let share = ClaimShare { limit: room.limit, per_receiver: 1, room: &room.of_receivers };
        let claimed = context
            .store
            .claim_deliveries(&context.holder, &share, now, context.config.lease())
            .await?;
        if claimed.is_empty() {
            self.places.forget_idle(now);
            return Ok(false);
        }
        for delivery in claimed {
            let receiver = &delivery.receiver;
            self.places.take(receiver.id, self.notifier.rate(receiver.kind), now);
            let report = Report {
                receiver: receiver.id,
                told: None,
                to_worker: self.to_worker.clone(),
                waker: Arc::clone(&context.wakers.delivery),
            };
            let (context, notifier) = (context.clone(), self.notifier.clone());
            self.under_way.spawn(attempt(context, notifier, delivery, report));
        }
        Ok(true)
    }
}

impl Worker for DeliveryWorker {
    const NAME: &'static str = "delivery";

    /// A slow receiver has its own few places and a limited one its own rate; the others go on being
    /// served.
    async fn tick(&mut self) -> Result<bool, WorkerError> {
        while self.under_way.try_join_next().is_some() {}
        while self.pictures.try_join_next().is_some() {}
        self.record().await?;
        self.send().await
    }

    async fn release(&mut self) {
        // Finish what is on the wire: its receiver may already have it.
        while self.under_way.join_next().await.is_some() {}
        if let Err(error) = self.record().await {
            tracing::warn!(%error, "attempts not recorded: their messages will be sent again");
        }
        if let Err(error) = self.context.store.release_deliveries(&self.context.holder).await {
            tracing::warn!(%error, "could not give back claimed deliveries; their lease will");
        }
        while self.pictures.join_next().await.is_some() {}
    }
}

async fn attempt(
    context: Context,
    notifier: Notifier,
    claimed: ClaimedDelivery,
    mut report: Report,
) {
    let ClaimedDelivery { delivery, receiver, remembered, token } = claimed;
    crate::fault::point("delivery.claimed");
    let mut rng = context.with_rng(ChaCha8Rng::from_rng);
    let remembered = remembered.as_deref();
    let now = context.now();
    let showing = showing(&receiver, &delivery, remembered);
    let picture = match delivery.alert_id.filter(|_| showing == Showing::Inside) {
        Some(alert) => pictures::of_alert(&context, delivery.project_id, alert).await,
        None => None,
    };
    let picture = picture.as_ref();
    let outcome = notifier.deliver(&delivery, &receiver, remembered, picture, now, &mut rng).await;
    crate::fault::point("delivery.sent");
    let AttemptOutcome { attempt, remember, next } = outcome;
    let (next, disable_receiver) = match next {
        Next::Delivered => (DeliveryNext::Delivered, false),
        Next::RetryAt(at) => (DeliveryNext::RetryAt(at), false),
        Next::Exhausted { disable_receiver } => (DeliveryNext::Exhausted, disable_receiver),
    };
    publish(&context, &next, attempt.duration_ms);
    if let Some(error) = &attempt.error {
        let number = attempt.number;
        tracing::warn!(delivery = %delivery.id, receiver = %receiver.name, number, %error, "attempt went wrong");
    }
    let farewells = Vec::new();
    let delivery_id = delivery.id;
    let place = remember.clone().filter(|_| showing == Showing::Below);
    let picture =
        place.and_then(|place| pictures::Due::new(&delivery, attempt.number, &receiver, place));
    let result =
        AttemptResult { delivery_id, token, attempt, next, remember, disable_receiver, farewells };
    report.told = Some(Told { receiver, result, picture });
}

/// What the project's other receivers are told when one is switched off.
async fn farewells(context: &Context, told: &Told) -> Result<Vec<Delivery>, StoreError> {
    let lost = &told.receiver;
    let reason = told.result.attempt.error.as_deref().unwrap_or("it said that it is gone");
    tracing::error!(receiver = %lost.name, reason, "receiver switched off");
    let now = context.now();
    let others = context.store.list_receivers(lost.project_id).await?;
    let farewell = |receiver: &Receiver| {
        let id = context.with_rng(|rng| DeliveryId::new(now, rng));
        let body = disabled_body(receiver, &lost.name, reason, now);
        Delivery::new(id, receiver, None, EventKind::ReceiverDisabled.as_str(), body, now)
    };
    let hears = |other: &&Receiver| other.id != lost.id && !other.disabled && other.kind.is_told();
    Ok(others.iter().filter(hears).map(farewell).collect())
}

fn publish(context: &Context, next: &DeliveryNext, duration_ms: i64) {
    let result = match next {
        DeliveryNext::Delivered => "delivered",
        DeliveryNext::RetryAt(_) => "retry",
        DeliveryNext::Exhausted => "exhausted",
    };
    context.metrics.webhook_deliveries.get_or_create(&ResultLabels { result }).inc();
    context.metrics.webhook_attempt_duration.observe(duration_ms as f64 / 1000.0);
}

//! Brings messages from the outbox to their receivers.

use std::collections::HashMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;

use crate::alert::EventKind;
use crate::id::{DeliveryId, ReceiverId};
use crate::model::delivery::{Attempt, Delivery, DeliveryStatus};
use crate::model::receiver::Receiver;
use crate::notify::{Next, Notifier, disabled_body};
use crate::store::{AttemptResult, ClaimShare, ClaimedDelivery, DeliveryNext};
use crate::telemetry::ResultLabels;
use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};

/// Attempts at one receiver at a time.
const PER_RECEIVER: i64 = 4;

/// Claims due deliveries and makes one attempt at each.
pub struct DeliveryWorker {
    context: Context,
    notifier: Notifier,
    under_way: JoinSet<Result<ReceiverId, WorkerError>>,
    /// Attempts under way at each receiver.
    busy: HashMap<ReceiverId, i64>,
}

impl DeliveryWorker {
    /// A worker that sends through `notifier`.
    pub fn new(context: Context, notifier: Notifier) -> Self {
        Self { context, notifier, under_way: JoinSet::new(), busy: HashMap::new() }
    }

    fn finished(&mut self, receiver: ReceiverId) {
        if let Some(count) = self.busy.get_mut(&receiver) {
            *count -= 1;
        }
        self.busy.retain(|_, count| *count > 0);
    }
}

impl Worker for DeliveryWorker {
    const NAME: &'static str = "delivery";

    /// A slow receiver has its own few slots; the others go on being served.
    async fn tick(&mut self) -> Result<bool, WorkerError> {
        while let Some(done) = self.under_way.try_join_next() {
            let receiver = done??;
            self.finished(receiver);
        }
        let context = &self.context;
        let free = context.config.delivery_concurrency as usize - self.under_way.len();
        let but: Vec<ReceiverId> = self.busy.keys().copied().collect();
        let share = ClaimShare { limit: free as i64, per_receiver: PER_RECEIVER, but: &but };
        let claimed = context
            .store
            .claim_deliveries(&context.holder, &share, context.now(), context.config.lease())
            .await?;
        let more = !claimed.is_empty();
        for delivery in claimed {
            *self.busy.entry(delivery.receiver.id).or_insert(0) += 1;
            let (context, notifier) = (context.clone(), self.notifier.clone());
            self.under_way.spawn(async move {
                let receiver = attempt(&context, &notifier, delivery).await;
                // What its receiver is still due comes now that it is no longer busy.
                context.wakers.delivery.notify_one();
                receiver
            });
        }
        if free == 0
            && let Some(done) = self.under_way.join_next().await
        {
            let receiver = done??;
            self.finished(receiver);
        }
        Ok(more)
    }

    async fn release(&mut self) {
        // Finish what is on the wire: its receiver may already have it.
        while let Some(done) = self.under_way.join_next().await {
            if let Ok(Err(error)) = done {
                tracing::warn!(%error, "attempt not recorded");
            }
        }
        if let Err(error) = self.context.store.release_deliveries(&self.context.holder).await {
            tracing::warn!(%error, "could not give back claimed deliveries; their lease will");
        }
    }
}

async fn attempt(
    context: &Context,
    notifier: &Notifier,
    claimed: ClaimedDelivery,
) -> Result<ReceiverId, WorkerError> {
    let ClaimedDelivery { delivery, receiver, remembered, token } = claimed;
    crate::fault::point("delivery.claimed");
    let mut rng = context.with_rng(ChaCha8Rng::from_rng);
    let remembered = remembered.as_deref();
    let now = context.now();
    let outcome = notifier.deliver(&delivery, &receiver, remembered, now, &mut rng).await;
    crate::fault::point("delivery.sent");
    let (next, disable_receiver) = match outcome.next {
        Next::Delivered => (DeliveryNext::Delivered, false),
        Next::RetryAt(at) => (DeliveryNext::RetryAt(at), false),
        Next::Exhausted { disable_receiver } => (DeliveryNext::Exhausted, disable_receiver),
    };
    let Attempt { number, ref error, .. } = outcome.attempt;
    publish(context, &next, outcome.attempt.duration_ms);
    if let Some(error) = error {
        tracing::warn!(delivery = %delivery.id, receiver = %receiver.name, number, %error, "attempt failed");
    }
    let result = AttemptResult {
        delivery_id: delivery.id,
        token,
        attempt: outcome.attempt,
        next,
        remember: outcome.remember,
        disable_receiver,
    };
    let recorded = context.store.record_attempt(&result).await?;
    crate::fault::point("delivery.recorded");
    if recorded && disable_receiver {
        let reason = result.attempt.error.as_deref().unwrap_or("it said that it is gone");
        tell_others(context, &receiver, reason).await?;
    }
    if !recorded {
        tracing::warn!(delivery = %delivery.id, "claim lost: another daemon tries this delivery");
    }
    Ok(receiver.id)
}

/// Tells the project's other receivers that `lost` hears of nothing any more.
async fn tell_others(context: &Context, lost: &Receiver, reason: &str) -> Result<(), WorkerError> {
    tracing::error!(receiver = %lost.name, reason, "receiver switched off");
    let now = context.now();
    let others = context.store.list_receivers(lost.project_id).await?;
    for receiver in others.iter().filter(|other| other.id != lost.id && !other.disabled) {
        let delivery = Delivery {
            id: context.with_rng(|rng| DeliveryId::new(now, rng)),
            project_id: receiver.project_id,
            receiver_id: receiver.id,
            alert_id: None,
            event_type: EventKind::ReceiverDisabled.as_str().to_owned(),
            body: disabled_body(receiver, &lost.name, reason, now),
            status: DeliveryStatus::Pending,
            attempts: 0,
            created_at: now,
            next_attempt_at: now,
            delivered_at: None,
        };
        context.store.insert_delivery(&delivery).await?;
    }
    context.wakers.delivery.notify_one();
    Ok(())
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

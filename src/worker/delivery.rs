//! Brings messages from the outbox to their receivers.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;

use crate::model::delivery::Attempt;
use crate::notify::{Next, Notifier};
use crate::store::{AttemptResult, ClaimedDelivery, DeliveryNext};
use crate::telemetry::ResultLabels;
use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};

/// Claims due deliveries and makes one attempt at each.
pub struct DeliveryWorker {
    context: Context,
    notifier: Notifier,
    under_way: JoinSet<Result<(), WorkerError>>,
}

impl DeliveryWorker {
    /// A worker that sends through `notifier`.
    pub fn new(context: Context, notifier: Notifier) -> Self {
        Self { context, notifier, under_way: JoinSet::new() }
    }
}

impl Worker for DeliveryWorker {
    const NAME: &'static str = "delivery";

    /// A slow receiver occupies one slot; the others go on being served.
    async fn tick(&mut self) -> Result<bool, WorkerError> {
        while let Some(done) = self.under_way.try_join_next() {
            done??;
        }
        let context = &self.context;
        let free = context.config.delivery_concurrency as usize - self.under_way.len();
        let claimed = context
            .store
            .claim_deliveries(&context.holder, free as i64, context.now(), context.config.lease())
            .await?;
        let more = !claimed.is_empty();
        for delivery in claimed {
            let (context, notifier) = (context.clone(), self.notifier.clone());
            self.under_way.spawn(async move { attempt(&context, &notifier, delivery).await });
        }
        if free == 0
            && let Some(done) = self.under_way.join_next().await
        {
            done??;
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
) -> Result<(), WorkerError> {
    let ClaimedDelivery { delivery, receiver, token } = claimed;
    crate::fault::point("delivery.claimed");
    let mut rng = context.with_rng(ChaCha8Rng::from_rng);
    let outcome = notifier.deliver(&delivery, &receiver, context.now(), &mut rng).await;
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
        disable_receiver,
    };
    let recorded = context.store.record_attempt(&result).await?;
    crate::fault::point("delivery.recorded");
    if !recorded {
        tracing::warn!(delivery = %delivery.id, "claim lost: another daemon tries this delivery");
    }
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

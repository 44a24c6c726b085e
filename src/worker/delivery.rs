//! Brings messages from the outbox to their receivers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::alert::EventKind;
use crate::id::{DeliveryId, ReceiverId};
use crate::model::delivery::{Attempt, Delivery};
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
    under_way: JoinSet<Result<(), WorkerError>>,
    busy: Busy,
}

/// Attempts under way at each receiver.
type Busy = Arc<Mutex<HashMap<ReceiverId, usize>>>;

/// One attempt's place at its receiver. It is given back whatever becomes of the attempt, and before
/// the worker is told to look again: what the receiver is still due comes then.
struct Slot {
    busy: Busy,
    receiver: ReceiverId,
    waker: Arc<Notify>,
}

impl Slot {
    fn take(busy: &Busy, receiver: ReceiverId, waker: Arc<Notify>) -> Self {
        *held(busy).entry(receiver).or_insert(0) += 1;
        Self { busy: Arc::clone(busy), receiver, waker }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut busy = held(&self.busy);
        if let Entry::Occupied(mut count) = busy.entry(self.receiver) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        drop(busy);
        self.waker.notify_one();
    }
}

fn held(busy: &Busy) -> MutexGuard<'_, HashMap<ReceiverId, usize>> {
    busy.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DeliveryWorker {
    /// A worker that sends through `notifier`.
    pub fn new(context: Context, notifier: Notifier) -> Self {
        Self { context, notifier, under_way: JoinSet::new(), busy: Busy::default() }
    }
}

impl Worker for DeliveryWorker {
    const NAME: &'static str = "delivery";

    /// A slow receiver has its own few slots; the others go on being served.
    async fn tick(&mut self) -> Result<bool, WorkerError> {
        while let Some(done) = self.under_way.try_join_next() {
            done??;
        }
        let context = &self.context;
        let free = context.config.delivery_concurrency as usize - self.under_way.len();
        let but: Vec<ReceiverId> = held(&self.busy).keys().copied().collect();
        let share = ClaimShare { limit: free as i64, per_receiver: PER_RECEIVER, but: &but };
        let claimed = context
            .store
            .claim_deliveries(&context.holder, &share, context.now(), context.config.lease())
            .await?;
        let more = !claimed.is_empty();
        for delivery in claimed {
            let waker = Arc::clone(&context.wakers.delivery);
            let slot = Slot::take(&self.busy, delivery.receiver.id, waker);
            let (context, notifier) = (context.clone(), self.notifier.clone());
            self.under_way.spawn(async move {
                let _slot = slot;
                attempt(&context, &notifier, delivery).await
            });
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
        tracing::warn!(delivery = %delivery.id, receiver = %receiver.name, number, %error, "attempt went wrong");
    }
    let farewells = match (disable_receiver, error) {
        (true, error) => farewells(context, &receiver, error.as_deref()).await?,
        (false, _) => Vec::new(),
    };
    let result = AttemptResult {
        delivery_id: delivery.id,
        token,
        attempt: outcome.attempt,
        next,
        remember: outcome.remember,
        disable_receiver,
        farewells,
    };
    let recorded = context.store.record_attempt(&result).await?;
    crate::fault::point("delivery.recorded");
    if !recorded {
        tracing::warn!(delivery = %delivery.id, "claim lost: another daemon tries this delivery");
    }
    Ok(())
}

/// What the project's other receivers are told when `lost` is switched off.
async fn farewells(
    context: &Context,
    lost: &Receiver,
    error: Option<&str>,
) -> Result<Vec<Delivery>, WorkerError> {
    let reason = error.unwrap_or("it said that it is gone");
    tracing::error!(receiver = %lost.name, reason, "receiver switched off");
    let now = context.now();
    let others = context.store.list_receivers(lost.project_id).await?;
    let farewell = |receiver: &Receiver| {
        let id = context.with_rng(|rng| DeliveryId::new(now, rng));
        let body = disabled_body(receiver, &lost.name, reason, now);
        Delivery::new(id, receiver, None, EventKind::ReceiverDisabled.as_str(), body, now)
    };
    Ok(others.iter().filter(|o| o.id != lost.id && !o.disabled).map(farewell).collect())
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

//! Decides on retrainings and starts them: the guard's conditions, one workflow of a receiver at a time.

use std::time::Duration;

use crate::alert::{Evidence, Origin, decide_retrain, labels};
use crate::id::DeliveryId;
use crate::model::alert::{Alert, AlertState};
use crate::model::delivery::{Delivery, DeliveryStatus};
use crate::model::matcher::{Matcher, all_match};
use crate::model::receiver::Receiver;
use crate::model::retrain::{Retrain, RetrainSettings, RetrainStatus};
use crate::notify::RETRAIN_EVENT;
use crate::store::RetrainCommit;
use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};
use crate::worker::leases::Leases;
use crate::worker::messages::Messages;
use crate::worker::origins::Origins;

/// What is said of a workflow whose server has taken the request.
const STARTED: &str = "the workflow's server has taken the request; its run has not reported yet";

/// Decides on the retrainings of every project that this daemon holds the lease of.
pub struct RetrainWorker {
    context: Context,
    messages: Messages,
    leases: Leases,
}

impl RetrainWorker {
    /// A worker.
    pub fn new(context: Context) -> Self {
        Self { messages: Messages::new(context.clone()), context, leases: Leases::default() }
    }

    /// Decides on one retraining; where nothing changes, nothing is written.
    async fn decide(&mut self, retrain: &Retrain, origins: &Origins) -> Result<(), WorkerError> {
        if self.next(retrain, origins).await?.is_none() {
            return Ok(());
        }
        let name = format!("retrain/{}", retrain.project_id);
        let lease = self.leases.acquire(&self.context, name).await?;
        let Some(lease) = lease else { return Ok(()) };
        // Another daemon may have decided meanwhile: only what is seen under the lease counts.
        let store = &self.context.store;
        let Some(retrain) = store.find_retrain(retrain.id).await? else { return Ok(()) };
        let Some((next, delivery)) = self.next(&retrain, origins).await? else { return Ok(()) };
        let starts = delivery.is_some();
        tracing::info!(retrain = %next.id, status = next.status.as_str(), detail = %next.detail, "retrain");
        let now = self.context.now();
        let expected = retrain.updated_at;
        let commit = RetrainCommit { lease, retrain: next, expected, delivery, now };
        crate::fault::point("retrain.before_commit");
        if store.commit_retrain(&commit).await? && starts {
            self.context.wakers.delivery.notify_one();
        }
        Ok(())
    }

    /// The retraining as it becomes, with the request that starts it; `None` where it stays.
    async fn next(
        &self,
        retrain: &Retrain,
        origins: &Origins,
    ) -> Result<Option<(Retrain, Option<Delivery>)>, WorkerError> {
        if retrain.status == RetrainStatus::Requested {
            return self.follow(retrain).await;
        }
        if !retrain.status.waits() {
            return Ok(None);
        }
        let store = &self.context.store;
        let found = store.receivers_by_id(&[retrain.receiver_id]).await?;
        let receiver = found.first();
        let settings = receiver.and_then(|one| Some((one, one.settings.retrain.as_ref()?)));
        let alert = store.find_alert(retrain.project_id, retrain.alert_id).await?;
        let (Some((receiver, settings)), Some(alert)) = (settings, alert) else {
            let gone = "its alert or its receiver is gone".to_owned();
            return Ok(Some((self.moved(retrain, RetrainStatus::Cancelled, gone), None)));
        };
        let (status, detail) = self.judge(retrain, settings, &alert, origins).await?;
        if (status, detail.as_str()) == (retrain.status, retrain.detail.as_str()) {
            return Ok(None);
        }
        let mut next = self.moved(retrain, status, detail);
        let delivery = match status {
            RetrainStatus::Requested => {
                self.request(&mut next, receiver, settings, &alert, origins).await?
            }
            _ => None,
        };
        Ok(Some((next, delivery)))
    }

    async fn judge(
        &self,
        retrain: &Retrain,
        settings: &RetrainSettings,
        alert: &Alert,
        origins: &Origins,
    ) -> Result<(RetrainStatus, String), WorkerError> {
        let (last_start, is_busy) =
            self.context.store.retrain_activity(retrain.receiver_id).await?;
        let companion_fires = self.companion(alert, &settings.guard.only_while, origins).await?;
        let evidence = Evidence {
            alert,
            companion_fires,
            last_start,
            is_busy,
            is_approved: retrain.decided_by.is_some(),
            now: self.context.now(),
        };
        Ok(decide_retrain(&settings.guard, &evidence))
    }

    /// Whether an alert other than `alert` fires that matches.
    async fn companion(
        &self,
        alert: &Alert,
        matchers: &[Matcher],
        origins: &Origins,
    ) -> Result<bool, WorkerError> {
        if matchers.is_empty() {
            return Ok(false);
        }
        let unsettled = self.context.store.unsettled_alerts(alert.project_id).await?;
        let mut others =
            unsettled.iter().filter(|o| o.id != alert.id && o.state == AlertState::Firing);
        let matches = |origin: Origin<'_>, one: &Alert| all_match(matchers, &labels(one, origin));
        Ok(others.any(|one| origins.of(one).is_some_and(|o| matches(o, one))))
    }

    /// The request that starts the workflow; it becomes part of `next`.
    async fn request(
        &self,
        next: &mut Retrain,
        receiver: &Receiver,
        settings: &RetrainSettings,
        alert: &Alert,
        origins: &Origins,
    ) -> Result<Option<Delivery>, WorkerError> {
        let now = self.context.now();
        let until = now.plus(Duration::from_secs(settings.dataset_seconds.into()));
        next.report_id = alert.report_id;
        let Some(body) = self.messages.retrain_body(next, alert, until, origins).await? else {
            next.status = RetrainStatus::Cancelled;
            "its report is gone".clone_into(&mut next.detail);
            return Ok(None);
        };
        let id = self.context.with_rng(|rng| DeliveryId::new(now, rng));
        next.started_at = Some(now);
        next.delivery_id = Some(id);
        Ok(Some(Delivery::new(id, receiver, Some(alert.id), RETRAIN_EVENT, body, now)))
    }

    /// What became of the request: one that cannot be delivered is a workflow that failed to start.
    async fn follow(
        &self,
        retrain: &Retrain,
    ) -> Result<Option<(Retrain, Option<Delivery>)>, WorkerError> {
        let Some(id) = retrain.delivery_id else { return Ok(None) };
        let delivery = self.context.store.find_delivery(retrain.project_id, id).await?;
        Ok(match delivery.map(|delivery| delivery.status) {
            Some(DeliveryStatus::Exhausted) => {
                let detail = format!("it could not be started: see delivery {id}");
                Some((self.moved(retrain, RetrainStatus::Failed, detail), None))
            }
            Some(DeliveryStatus::Delivered) if retrain.detail != STARTED => {
                Some((self.moved(retrain, RetrainStatus::Requested, STARTED.to_owned()), None))
            }
            _ => None,
        })
    }

    fn moved(&self, retrain: &Retrain, status: RetrainStatus, detail: String) -> Retrain {
        Retrain { status, detail, updated_at: self.context.now(), ..retrain.clone() }
    }
}

impl Worker for RetrainWorker {
    const NAME: &'static str = "retrain";

    async fn tick(&mut self) -> Result<bool, WorkerError> {
        let open = self.context.store.open_retrains().await?;
        if open.is_empty() {
            return Ok(false);
        }
        let origins = Origins::read(&self.context.store).await?;
        for retrain in &open {
            self.decide(retrain, &origins).await?;
        }
        Ok(false)
    }

    async fn release(&mut self) {
        self.leases.release(&self.context).await;
    }
}

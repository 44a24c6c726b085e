//! Tells receivers what became of alerts: decides by routes, groups and silences, and puts the messages
//! into the outbox.

use crate::alert::{Decision, Routed, dispatch, labels};
use crate::id::ProjectId;
use crate::store::DispatchCommit;
use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};
use crate::worker::leases::Leases;
use crate::worker::messages::Messages;
use crate::worker::origins::Origins;

/// Dispatches the alerts of every project that this daemon holds the lease of.
pub struct DispatchWorker {
    context: Context,
    messages: Messages,
    leases: Leases,
}

impl DispatchWorker {
    /// A worker.
    pub fn new(context: Context) -> Self {
        Self { messages: Messages::new(context.clone()), context, leases: Leases::default() }
    }

    /// Decides once for `project` and commits what follows. Where nothing does, nothing is written: a
    /// firing alert renews no lease.
    async fn decide(&mut self, project: ProjectId, origins: &Origins) -> Result<(), WorkerError> {
        if self.look(project, origins).await?.is_none() {
            return Ok(());
        }
        let context = self.context.clone();
        let store = &context.store;
        let lease = self.leases.acquire(&context, format!("dispatch/{project}")).await?;
        let Some(lease) = lease else { return Ok(()) };
        // Another daemon may have told it meanwhile: only what is seen under the lease counts.
        let Some((routed, decision)) = self.look(project, origins).await? else { return Ok(()) };
        let Decision { notices, groups, settled } = decision;
        let (mut deliveries, mut retrains) = (Vec::new(), Vec::new());
        for notice in &notices {
            let outgoing = self.messages.of_notice(notice, &routed, origins).await?;
            deliveries.extend(outgoing.deliveries);
            retrains.extend(outgoing.retrains);
        }
        let now = context.now();
        let commit = DispatchCommit {
            project_id: project,
            lease,
            groups,
            settled,
            deliveries,
            retrains,
            now,
        };
        crate::fault::point("dispatch.before_commit");
        if !store.commit_dispatch(&commit).await? {
            return Ok(());
        }
        if !commit.deliveries.is_empty() {
            crate::fault::point("dispatch.after_commit");
            context.wakers.delivery.notify_one();
        }
        if !commit.retrains.is_empty() {
            context.wakers.retrain.notify_one();
        }
        Ok(())
    }

    /// The project's alerts and what is to be done about them; `None` where that is nothing.
    async fn look(
        &self,
        project: ProjectId,
        origins: &Origins,
    ) -> Result<Option<(Vec<Routed>, Decision)>, WorkerError> {
        let store = &self.context.store;
        let routed: Vec<Routed> = store
            .unsettled_alerts(project)
            .await?
            .into_iter()
            .filter_map(|alert| {
                let origin = origins.of(&alert)?;
                let own_receivers = origin.own_receivers().to_vec();
                Some(Routed { labels: labels(&alert, origin), own_receivers, alert })
            })
            .collect();
        let now = self.context.now();
        let groups = store.alert_groups(project).await?;
        let routing = store.routing(project).await?;
        let silences = store.silences(project, now).await?;
        let decision = dispatch(&routing, &silences, &routed, &groups, now);
        let is_idle =
            decision.groups == groups && decision.notices.is_empty() && decision.settled.is_empty();
        Ok((!is_idle).then_some((routed, decision)))
    }
}

impl Worker for DispatchWorker {
    const NAME: &'static str = "dispatch";

    async fn tick(&mut self) -> Result<bool, WorkerError> {
        let projects = self.context.store.projects_with_alerts().await?;
        if projects.is_empty() {
            return Ok(false);
        }
        let origins = Origins::read(&self.context.store).await?;
        for project in projects {
            self.decide(project, &origins).await?;
        }
        Ok(false)
    }

    async fn release(&mut self) {
        self.leases.release(&self.context).await;
    }
}

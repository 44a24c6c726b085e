//! Judges alert rules: reads their figures, steps their states, commits what changes with its alerts.

use std::collections::BTreeSet;

use crate::alert::{Judgement, RuleChange, Trouble, judge, step_rule};
use crate::id::ProjectId;
use crate::model::alert::AlertState;
use crate::model::rule::{Rule, RuleState};
use crate::store::RuleCommit;
use crate::telemetry::StateLabels;
use crate::worker::context::Context;
use crate::worker::driver::{Worker, WorkerError};
use crate::worker::figures::Figures;
use crate::worker::leases::Leases;
use crate::worker::rates::Maturities;

/// Judges the rules of every project that this daemon holds the lease of.
pub struct RuleWorker {
    context: Context,
    leases: Leases,
    maturities: Maturities,
}

impl RuleWorker {
    /// A worker.
    pub fn new(context: Context) -> Self {
        Self { context, leases: Leases::default(), maturities: Maturities::default() }
    }

    /// Judges the project's rules once and commits what changes. Where nothing does, nothing is written.
    async fn decide(&mut self, project: ProjectId) -> Result<(), WorkerError> {
        if self.look(project).await?.is_empty() {
            return Ok(());
        }
        let context = self.context.clone();
        let lease = self.leases.acquire(&context, format!("rules/{project}")).await?;
        let Some(lease) = lease else { return Ok(()) };
        // Another daemon may have judged them meanwhile: only what is seen under the lease counts.
        let changes = self.look(project).await?;
        if changes.is_empty() {
            return Ok(());
        }
        let commit = RuleCommit { lease, changes, now: context.now() };
        crate::fault::point("rules.before_commit");
        if context.store.commit_rules(&commit).await? {
            crate::fault::point("rules.after_commit");
            publish(&context, &commit.changes);
        }
        Ok(())
    }

    /// What a look at the project's rules changes now.
    async fn look(&mut self, project: ProjectId) -> Result<Vec<(Rule, RuleChange)>, WorkerError> {
        let (store, now) = (&self.context.store, self.context.now());
        let mut figures = Figures::new(store, project, now, &mut self.maturities).await?;
        let mut states = store.rule_states(project).await?;
        let mut changes = Vec::new();
        for rule in figures.rules().to_vec() {
            let stored = states.remove(&rule.id);
            let first = stored.is_none();
            let state = stored.unwrap_or_else(|| RuleState::new(now));
            let judgement = judgement(&rule, &state, &mut figures).await?;
            let open = match state.alert_id {
                Some(_) => store.open_alert_of_rule(rule.id).await?,
                None => None,
            };
            let change = self
                .context
                .with_rng(|rng| step_rule(&rule, &state, open.as_ref(), &judgement, now, rng));
            // That it was judged is stored, also where nothing holds.
            let change =
                change.or_else(|| first.then_some(RuleChange { state, event: None, alert: None }));
            changes.extend(change.map(|change| (rule, change)));
        }
        Ok(changes)
    }
}

/// What the rule's condition comes to, or that nobody asks.
async fn judgement(
    rule: &Rule,
    state: &RuleState,
    figures: &mut Figures<'_>,
) -> Result<Judgement, WorkerError> {
    if rule.spec.paused {
        let outcome = Err(Trouble::paused("the rule is paused"));
        return Ok(Judgement { outcome, findings: Vec::new(), source: None });
    }
    let readings = figures.read(&rule.spec.when).await?;
    Ok(judge(&rule.spec.when, &readings, state.phase == AlertState::Firing))
}

fn publish(context: &Context, changes: &[(Rule, RuleChange)]) {
    let mut told = false;
    for (rule, change) in changes {
        let Some(event) = &change.event else { continue };
        let (phase, health) = (event.phase.as_str(), event.health.as_str());
        tracing::info!(rule = %rule.spec.name, phase, health, detail = %event.detail, "rule");
        let transition = change.alert.as_ref().and_then(|alert| alert.transition.as_ref());
        if let Some(transition) = transition {
            let state = transition.to.as_str();
            context.metrics.alert_transitions.get_or_create(&StateLabels { state }).inc();
            told = true;
        }
    }
    if told {
        context.wakers.dispatch.notify_one();
    }
}

impl Worker for RuleWorker {
    const NAME: &'static str = "rules";

    async fn tick(&mut self) -> Result<bool, WorkerError> {
        let rules = self.context.store.all_rules().await?;
        let projects: BTreeSet<ProjectId> = rules.iter().map(|rule| rule.project_id).collect();
        for project in projects {
            self.decide(project).await?;
        }
        Ok(false)
    }

    async fn release(&mut self) {
        self.leases.release(&self.context).await;
    }
}

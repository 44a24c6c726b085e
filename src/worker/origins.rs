//! Where alerts come from: the monitors and rules by id.

use std::collections::HashMap;

use crate::alert::Origin;
use crate::id::{MonitorId, RuleId};
use crate::model::alert::Alert;
use crate::model::monitor::Monitor;
use crate::model::rule::Rule;
use crate::store::{Store, StoreError};

/// Monitors and rules by id.
pub struct Origins {
    monitors: HashMap<MonitorId, Monitor>,
    rules: HashMap<RuleId, Rule>,
}

impl Origins {
    /// All that are stored now.
    pub async fn read(store: &Store) -> Result<Self, StoreError> {
        let monitors = store.all_monitors().await?;
        let rules = store.all_rules().await?;
        Ok(Self {
            monitors: monitors.into_iter().map(|monitor| (monitor.id, monitor)).collect(),
            rules: rules.into_iter().map(|rule| (rule.id, rule)).collect(),
        })
    }

    /// What `alert` comes from and nothing else.
    pub async fn about(store: &Store, alert: &Alert) -> Result<Self, StoreError> {
        let project = alert.project_id;
        let monitor = match alert.monitor_id {
            Some(id) => store.find_monitor(project, id).await?,
            None => None,
        };
        let rule = match alert.rule_id {
            Some(id) => store.find_rule(project, id).await?,
            None => None,
        };
        Ok(Self {
            monitors: monitor.into_iter().map(|monitor| (monitor.id, monitor)).collect(),
            rules: rule.into_iter().map(|rule| (rule.id, rule)).collect(),
        })
    }

    /// Where `alert` comes from; `None` once that is deleted.
    pub fn of(&self, alert: &Alert) -> Option<Origin<'_>> {
        let monitor = self.monitor(alert);
        match alert.rule_id {
            Some(id) => Some(Origin::Rule(&self.rules.get(&id)?.spec, monitor.map(|m| &m.spec))),
            None => monitor.map(|monitor| Origin::Monitor(&monitor.spec)),
        }
    }

    /// The monitor that `alert` is about.
    pub fn monitor(&self, alert: &Alert) -> Option<&Monitor> {
        self.monitors.get(&alert.monitor_id?)
    }
}

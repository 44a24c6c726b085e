//! What is to be done so that the daemon has what the document says: pure, before anything is done.

use clap::Args;
use serde_json::Value;

use super::daemon::State;
use super::diff::{changes, patch};
use super::document::Document;
use super::fault::{Fault, label, lines};
use super::kind::{Fields, KINDS, Kind, Observed, Wanted};
use super::names::each;
use super::secret::Reader;
use crate::egress::Verb;

/// What was asked for beside the document.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Wishes {
    /// Delete what the files do not name, of the kinds that they have
    #[arg(long)]
    pub(super) prune: bool,
    /// Send every URL and secret again; else they are sent when a receiver is made
    #[arg(long)]
    pub(super) update_secrets: bool,
}

/// One thing to be done.
pub(super) struct Step {
    /// Of what.
    pub(super) kind: &'static dyn Kind,
    /// Of which; `None` for the only one.
    pub(super) name: Option<String>,
    /// What.
    pub(super) action: Action,
    /// As people read it.
    pub(super) lines: Vec<String>,
}

/// What is done with an item. Bodies have names in place of ids, and secrets: never print one.
pub(super) enum Action {
    /// The first body is posted, the others change what it made.
    Create(Vec<Fields>),
    /// Sent to the item of this id, or to the only one.
    Change(String, Fields),
    /// The item of this id.
    Delete(String),
}

impl Step {
    /// `receivers."pager"`.
    pub(super) fn label(&self) -> String {
        label(self.kind.key(), self.name.as_deref())
    }
}

/// Everything to be done, in order.
#[derive(Default)]
pub(super) struct Plan {
    /// In the order in which it is done.
    pub(super) steps: Vec<Step>,
    /// What the document does not name and what stays nevertheless.
    pub(super) strangers: Vec<String>,
    /// What could not be compared.
    pub(super) notes: Vec<String>,
}

impl Plan {
    /// The whole plan, a line a field.
    pub(super) fn text(&self) -> String {
        let strangers = self.strangers.iter().map(|label| format!("  {label} is not in the file"));
        let notes = self.notes.iter().map(|note| format!("  {note}"));
        let steps = self.steps.iter().flat_map(|step| step.lines.iter().cloned());
        let mut text: String =
            steps.chain(notes).chain(strangers).map(|line| line + "\n").collect();
        text.push_str(&self.summary());
        text
    }

    fn summary(&self) -> String {
        if self.steps.is_empty() {
            return "Nothing to change.".to_owned();
        }
        let count = |is: fn(&Action) -> bool| self.steps.iter().filter(|s| is(&s.action)).count();
        format!(
            "{} to create, {} to change, {} to delete.",
            count(|action| matches!(action, Action::Create(_))),
            count(|action| matches!(action, Action::Change(..))),
            count(|action| matches!(action, Action::Delete(_))),
        )
    }
}

/// Compares; every problem of the document is a line.
pub(super) fn plan(
    document: &Document,
    state: &State,
    wishes: Wishes,
    read: Reader<'_>,
) -> Result<Plan, Vec<String>> {
    let mut plan = Plan::default();
    let mut problems = Vec::new();
    for kind in KINDS.into_iter().filter(|kind| document.has(*kind)) {
        if !state.has(kind) {
            problems.push(format!("{}: the daemon has none; it may be too old", kind.key()));
            continue;
        }
        for (name, fields) in document.items(kind) {
            let now = state.items(kind).iter().find(|now| name.is_none_or(|name| now.name == name));
            let label = label(kind.key(), name);
            let wanted = kind.wanted(fields, read).and_then(|wanted| {
                let faults = strangers_among(&wanted.spec, document, state, wishes);
                if faults.is_empty() { Ok(wanted) } else { Err(faults) }
            });
            let step = wanted.and_then(|wanted| {
                plan.notes.extend(wanted.notes.iter().map(|note| format!("{label}: {note}")));
                match now {
                    Some(now) => change(kind, name, now, &wanted, wishes, read),
                    None => create(kind, name, &wanted, read).map(Some),
                }
            });
            match step {
                Ok(step) => plan.steps.extend(step),
                Err(faults) => problems.extend(lines(&label, &faults)),
            }
        }
    }
    for kind in KINDS.into_iter().rev().filter(|kind| document.has(*kind) && !kind.is_single()) {
        let named = document.names(kind);
        for now in state.items(kind).iter().filter(|now| !named.contains(&now.name.as_str())) {
            if wishes.prune {
                plan.steps.push(delete(kind, now));
            } else {
                plan.strangers.push(label(kind.key(), Some(&now.name)));
            }
        }
    }
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

/// Receivers that there are not, or not any more.
fn strangers_among(
    spec: &Fields,
    document: &Document,
    state: &State,
    wishes: Wishes,
) -> Vec<Fault> {
    let receivers = KINDS[0];
    let in_file = document.names(receivers);
    let is_pruned = wishes.prune && document.has(receivers);
    let mut faults = Vec::new();
    each(spec, &mut |pointer, name| {
        let is_there = state.items(receivers).iter().any(|now| now.name == *name);
        let detail = match (in_file.contains(&name.as_str()), is_there) {
            (true, _) => return,
            (false, true) if !is_pruned => return,
            (false, true) => format!("{name:?} is not in the file and would be deleted"),
            (false, false) => format!("there is no receiver {name:?}, here or in the file"),
        };
        faults.push(Fault::at(pointer, detail));
    });
    faults
}

/// The hidden values of `wanted` that are asked for.
fn revealed(
    wanted: &Wanted,
    is_asked: impl Fn(&str) -> bool,
    read: Reader<'_>,
) -> Result<Fields, Vec<Fault>> {
    let mut values = Fields::new();
    let mut faults = Vec::new();
    let asked = wanted.hidden.iter().filter(|(field, _)| is_asked(field));
    for (field, source) in asked {
        match read(source) {
            Ok(value) => drop(values.insert((*field).to_owned(), Value::String(value))),
            Err(reason) => faults.push(Fault::at(format!("/{field}"), reason)),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

fn create(
    kind: &'static dyn Kind,
    name: Option<&str>,
    wanted: &Wanted,
    read: Reader<'_>,
) -> Result<Step, Vec<Fault>> {
    let bodies = kind.creation(&wanted.spec, &revealed(wanted, |_| true, read)?)?;
    let hint = kind.hint(&wanted.spec).map_or_else(String::new, |hint| format!(" ({hint})"));
    let lines = vec![format!("+ {}{hint}", label(kind.key(), name))];
    Ok(Step { kind, name: name.map(str::to_owned), action: Action::Create(bodies), lines })
}

fn change(
    kind: &'static dyn Kind,
    name: Option<&str>,
    now: &Observed,
    wanted: &Wanted,
    wishes: Wishes,
    read: Reader<'_>,
) -> Result<Option<Step>, Vec<Fault>> {
    let label = label(kind.key(), name);
    let after = kind.completed(&wanted.spec, &now.spec);
    if let Some(fault) = kind.forbidden(now, &after) {
        return Err(vec![fault]);
    }
    let patch = patch(&now.spec, &after, kind.whole());
    let needed = kind.reveals(&patch);
    let is_asked = |field: &str| wishes.update_secrets || needed.contains(&field);
    let hidden = revealed(wanted, is_asked, read)?;
    if patch.is_empty() && hidden.is_empty() {
        return Ok(None);
    }
    let mut lines: Vec<String> = changes(&now.spec, &after)
        .iter()
        .map(|change| format!("~ {label} {}", change.line()))
        .collect();
    if wishes.update_secrets {
        let sent = wanted.hidden.iter();
        lines.extend(sent.map(|(field, _)| format!("~ {label} {field}: sent again")));
    }
    lines.extend(kind.remark(now, &after).map(|remark| format!("  {label}: {remark}")));
    let body = kind.update(&after, patch, hidden)?;
    let body = if kind.verb() == Verb::Put { after } else { body };
    let action = Action::Change(now.id.clone(), body);
    Ok(Some(Step { kind, name: name.map(str::to_owned), action, lines }))
}

fn delete(kind: &'static dyn Kind, now: &Observed) -> Step {
    let loss = kind.loss().map_or_else(String::new, |loss| format!(" ({loss})"));
    let lines = vec![format!("- {}{loss}", label(kind.key(), Some(&now.name)))];
    let action = Action::Delete(now.id.clone());
    Step { kind, name: Some(now.name.clone()), action, lines }
}

//! Does what was planned, one request after the other, and says how far it came.

use serde_json::Value;

use super::daemon::{explained, refusal};
use super::fault::{Fault, lines};
use super::kind::Fields;
use super::names::Names;
use super::plan::{Action, Plan, Step};
use crate::cli::print;
use crate::egress::{DaemonClient, DaemonError, Verb};

/// Carries out `plan`; the first failure ends it. Everything that is done is safe to do again, so a
/// second run goes on where the first one stopped.
pub(super) async fn carry_out(
    client: &DaemonClient,
    plan: &Plan,
    mut names: Names,
) -> anyhow::Result<()> {
    for (done, step) in plan.steps.iter().enumerate() {
        if let Err(problem) = carry_out_one(client, step, &mut names).await {
            let left = &plan.steps[done + 1..];
            left.iter().for_each(|step| print(&format!("not done: {}", step.label())));
            let total = plan.steps.len();
            anyhow::bail!("{problem} ({done} of {total} done; run it again to go on)");
        }
        let word = match step.action {
            Action::Create(_) => "created",
            Action::Change(..) => "changed",
            Action::Delete(_) => "deleted",
        };
        print(&format!("{word} {}", step.label()));
    }
    Ok(())
}

async fn carry_out_one(
    client: &DaemonClient,
    step: &Step,
    names: &mut Names,
) -> Result<(), String> {
    let path = step.kind.path();
    let of_item = |id: &str| {
        if step.kind.is_single() { path.to_owned() } else { format!("{path}/{id}") }
    };
    match &step.action {
        Action::Create(bodies) => {
            let made = send(client, step, Verb::Post, path, bodies.first(), names).await?;
            let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
            if step.kind.key() == "receivers" {
                names.insert(step.name.as_deref().unwrap_or_default(), id);
            }
            for body in bodies.iter().skip(1) {
                send(client, step, Verb::Patch, &of_item(id), Some(body), names).await?;
            }
        }
        Action::Change(id, body) => {
            send(client, step, step.kind.verb(), &of_item(id), Some(body), names).await?;
        }
        Action::Delete(id) => {
            send(client, step, Verb::Delete, &of_item(id), None, names).await?;
        }
    }
    Ok(())
}

async fn send(
    client: &DaemonClient,
    step: &Step,
    verb: Verb,
    path: &str,
    body: Option<&Fields>,
    names: &Names,
) -> Result<Value, String> {
    let said = |faults: &[Fault]| lines(&step.label(), faults).join("; ");
    let body = body.map(|body| names.resolved(body)).transpose();
    let body = body.map_err(|faults| said(&faults))?.map(Value::Object);
    match client.send(verb, path, body.as_ref()).await {
        Ok(answer) => Ok(answer),
        // Somebody else was quicker: it is gone, as it should be.
        Err(DaemonError::Refused { status: 404, .. }) if verb == Verb::Delete => Ok(Value::Null),
        Err(error) => Err(match refusal(&error) {
            Some(faults) => said(&faults),
            None => format!("{}: {}", step.label(), explained(client, &error)),
        }),
    }
}

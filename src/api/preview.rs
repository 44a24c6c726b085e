//! What a receiver would be sent: its message about an alert, as it would go out.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::alert::EventKind;
use crate::api::auth::Principal;
use crate::api::error::{ApiError, Fault, Problem};
use crate::api::extract::{Document, Id};
use crate::api::state::AppState;
use crate::id::{AlertId, ReceiverId};
use crate::model::alert::AlertState;
use crate::model::receiver::{MessageTemplate, Receiver};
use crate::notify::{self, Sample};
use crate::worker::origins::Origins;
use crate::worker::story::Stories;

/// What is to be previewed.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PreviewInput {
    /// The alert; without it one that never happened.
    alert_id: Option<AlertId>,
    /// Whether its end is told instead of its begin.
    resolved: bool,
    /// Templates to try in place of the receiver's own.
    template: Option<MessageTemplate>,
}

/// A message as it would go out.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Preview {
    /// The event's type.
    event_type: String,
    /// The body: what is sent, but for what is added at the last moment, such as ids and secrets.
    body: Value,
    /// Whether the alert never happened.
    is_sample: bool,
}

/// Shows what the receiver would be sent; nothing goes out.
#[utoipa::path(post, path = "/v1/receivers/{id}/preview", tag = "alerts",
    params(("id" = ReceiverId, Path, description = "The receiver")),
    request_body = PreviewInput,
    responses(
        (status = 200, description = "The message", body = Preview),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn preview(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<ReceiverId>,
    Document(input): Document<PreviewInput>,
) -> Result<Json<Preview>, ApiError> {
    let found = state.store.find_receiver(caller.project, id).await?;
    let mut receiver = found.ok_or_else(|| ApiError::not_found("receiver"))?;
    if input.template.is_some() {
        receiver.settings.template.clone_from(&input.template);
        check(&receiver)?;
    }
    let event = if input.resolved { EventKind::Resolved } else { EventKind::Firing };
    let body = match input.alert_id {
        Some(alert) => of_alert(&state, &caller, &receiver, alert, event).await?,
        None => notify::body(&receiver, &Sample::new(state.now()).message(event)),
    };
    // It may quote texts.
    let payload = serde_json::json!({ "alert_id": input.alert_id });
    state.audit(&caller, "receiver.preview", id, payload).await?;
    Ok(Json(Preview {
        event_type: event.as_str().to_owned(),
        body: serde_json::from_str(&body).unwrap_or(Value::String(body)),
        is_sample: input.alert_id.is_none(),
    }))
}

/// That the templates to try can be rendered.
fn check(receiver: &Receiver) -> Result<(), ApiError> {
    let problems = notify::template_problems(receiver.kind, &receiver.settings);
    let below = |pointer: &str| pointer.replacen("/settings", "", 1);
    let fault = |(pointer, detail): (&str, String)| Fault::at(below(pointer), detail);
    let faults: Vec<Fault> = problems.into_iter().map(fault).collect();
    ApiError::refuse(faults, "such a template cannot be rendered; see errors")
}

async fn of_alert(
    state: &AppState,
    caller: &Principal,
    receiver: &Receiver,
    id: AlertId,
    event: EventKind,
) -> Result<String, ApiError> {
    let found = state.store.find_alert(caller.project, id).await?;
    let mut alert = found.ok_or_else(|| ApiError::not_found("alert"))?;
    if event == EventKind::Resolved {
        alert.state = AlertState::Resolved;
        alert.resolved_at = alert.resolved_at.or(Some(state.now()));
    }
    let origins = Origins::about(&state.store, &alert).await?;
    let gone = || ApiError::not_found("alert's report");
    let origin = origins.of(&alert).ok_or_else(gone)?;
    let stories = Stories { store: &state.store, public_url: &state.public_url };
    let story = stories.story(&alert, event, origin, origins.monitor(&alert)).await?;
    let story = story.ok_or_else(gone)?;
    Ok(notify::body(receiver, &story.message(&[], state.now())))
}

//! Receivers of alerts: made, changed, tried out.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::alert::EventKind;
use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id};
use crate::api::monitors::created;
use crate::api::page::Page;
use crate::api::state::AppState;
use crate::id::{DeliveryId, ProjectId, ReceiverId};
use crate::model::delivery::Delivery;
use crate::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use crate::notify::{self, Notifier, Secret, SecretUse};

const NAME_BYTES: usize = 200;
const URL_BYTES: usize = 2048;
const REFUSED: &str = "such a receiver cannot be; see errors";

/// A receiver to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiverInput {
    /// Unique within the project.
    name: String,
    /// What it is.
    kind: ReceiverKind,
    /// Where it listens; https, or smtps for mail. Never shown again. Some kinds have a place of their
    /// own.
    url: Option<String>,
    /// A token, key or routing key that the receiver's owner gave out; or a webhook's own signing
    /// secret; or the password of the user in a mail server's URL. Never shown again.
    secret: Option<String>,
    /// What only some kinds have.
    #[serde(default)]
    settings: ReceiverSettings,
}

/// What to change of a receiver.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiverPatch {
    /// A new name.
    name: Option<String>,
    /// A new place; its secret stays.
    url: Option<String>,
    /// A new token or key; for a webhook a new signing secret. With `rotate` it is made.
    secret: Option<String>,
    /// `webhook`: makes a new signing secret and goes on signing with the old one too, until the next
    /// rotation.
    #[serde(default)]
    rotate: bool,
    /// New settings as a whole.
    settings: Option<ReceiverSettings>,
    /// Whether it is left out of new alerts.
    disabled: Option<bool>,
}

/// A new receiver: the only answer that ever holds its secret.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct NewReceiver {
    /// The receiver as it is stored.
    #[serde(flatten)]
    receiver: Receiver,
    /// The signing secret of a webhook, `whsec_…`; keep it, it is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// Every receiver of the project.
#[utoipa::path(get, path = "/v1/receivers", tag = "alerts",
    responses(
        (status = 200, description = "All of them on one page", body = Page<Receiver>),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<Page<Receiver>>, ApiError> {
    let items = state.store.list_receivers(caller.project).await?;
    Ok(Json(Page { items, next_cursor: None }))
}

/// Makes a receiver; the signing secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/receivers", tag = "alerts", request_body = ReceiverInput,
    responses(
        (status = 201, description = "The receiver", body = NewReceiver),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Principal,
    Document(input): Document<ReceiverInput>,
) -> Result<Response, ApiError> {
    let mut faults = Vec::new();
    check_name(&input.name, &mut faults);
    let own = notify::default_url(input.kind).map(str::to_owned);
    let url = input.url.or(own).unwrap_or_default();
    let target = check_url(&state, input.kind, &url, &mut faults);
    check_kind(input.kind, &url, &input.settings, input.secret.as_deref(), &mut faults);
    ApiError::refuse(faults, REFUSED)?;
    let now = state.now();
    let (id, made) =
        state.random(|rng| (ReceiverId::new(now, rng), Secret::generate(rng).reveal()));
    let is_made = input.secret.is_none() && notify::secret_use(input.kind) == SecretUse::Signing;
    let secret = if is_made { Some(made) } else { input.secret };
    let receiver = Receiver {
        id,
        project_id: caller.project,
        name: input.name,
        kind: input.kind,
        url,
        secret: secret.clone(),
        settings: input.settings,
        target,
        disabled: false,
        created_at: now,
    };
    state.store.insert_receiver(&receiver).await?;
    state.audit(&caller, "receiver.create", id, json!({ "after": receiver })).await?;
    let secret = secret.filter(|_| is_made);
    Ok(created(&format!("/v1/receivers/{id}"), Json(NewReceiver { receiver, secret })))
}

/// That settings and secret are what the kind needs, and no more.
fn check_kind(
    kind: ReceiverKind,
    url: &str,
    settings: &ReceiverSettings,
    secret: Option<&str>,
    faults: &mut Vec<Fault>,
) {
    if notify::secret_use(kind) == SecretUse::None && secret.is_some() {
        faults.push(Fault::at("/secret", format!("{} has none: leave it out", kind.as_str())));
    }
    let problems = notify::problems(kind, url, settings, secret);
    faults.extend(problems.into_iter().map(|(pointer, detail)| Fault::at(pointer, detail)));
}

fn check_name(name: &str, faults: &mut Vec<Fault>) {
    if name.trim().is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
        let detail = format!("must hold 1 to {NAME_BYTES} bytes without control characters");
        faults.push(Fault::at("/name", detail));
    }
}

/// The URL's scheme and host, for people; its problem goes to `faults`.
fn check_url(state: &AppState, kind: ReceiverKind, text: &str, faults: &mut Vec<Fault>) -> String {
    match target(&state.notifier, kind, text) {
        Ok(target) => target,
        Err(detail) => {
            faults.push(Fault::at("/url", detail));
            String::new()
        }
    }
}

/// The scheme and host of a URL that the notifier would send to.
fn target(notifier: &Notifier, kind: ReceiverKind, text: &str) -> Result<String, String> {
    if text.len() > URL_BYTES {
        return Err(format!("is longer than {URL_BYTES} bytes"));
    }
    notifier.check_url(kind, text).map_err(|error| error.to_string())
}

/// That the project has every one of `ids`, which stand at `/receivers`.
pub(crate) async fn check_known(
    state: &AppState,
    project: ProjectId,
    ids: &[ReceiverId],
    faults: &mut Vec<Fault>,
) -> Result<(), ApiError> {
    for (i, id) in ids.iter().enumerate() {
        if state.store.find_receiver(project, *id).await?.is_none() {
            faults.push(Fault::at(format!("/receivers/{i}"), "this project has no such receiver"));
        }
    }
    Ok(())
}

async fn find(state: &AppState, project: ProjectId, id: ReceiverId) -> Result<Receiver, ApiError> {
    let found = state.store.find_receiver(project, id).await?;
    found.ok_or_else(|| ApiError::not_found("receiver"))
}

async fn find_enabled(
    state: &AppState,
    project: ProjectId,
    id: ReceiverId,
) -> Result<Receiver, ApiError> {
    let receiver = find(state, project, id).await?;
    if receiver.disabled {
        let detail = "the receiver is disabled; enable it first with PATCH {\"disabled\": false}";
        return Err(ApiError::new(Code::Conflict, detail));
    }
    Ok(receiver)
}

/// One receiver, without its URL and secret.
#[utoipa::path(get, path = "/v1/receivers/{id}", tag = "alerts",
    params(("id" = ReceiverId, Path, description = "The receiver")),
    responses(
        (status = 200, description = "The receiver", body = Receiver),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<ReceiverId>,
) -> Result<Json<Receiver>, ApiError> {
    find(&state, caller.project, id).await.map(Json)
}

/// Changes a receiver.
#[utoipa::path(patch, path = "/v1/receivers/{id}", tag = "alerts",
    params(("id" = ReceiverId, Path, description = "The receiver")),
    request_body = ReceiverPatch,
    responses(
        (status = 200, description = "The receiver as it is now, with a secret that was made", body = NewReceiver),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn update(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<ReceiverId>,
    Document(patch): Document<ReceiverPatch>,
) -> Result<Json<NewReceiver>, ApiError> {
    let before = find(&state, caller.project, id).await?;
    let mut receiver = before.clone();
    let mut faults = Vec::new();
    if let Some(name) = patch.name {
        check_name(&name, &mut faults);
        receiver.name = name;
    }
    if let Some(url) = patch.url {
        receiver.target = check_url(&state, receiver.kind, &url, &mut faults);
        receiver.url = url;
    }
    if let Some(settings) = patch.settings {
        receiver.settings = settings;
    }
    let made = rotate(&state, &mut receiver, patch.secret, patch.rotate, &mut faults);
    let secret = receiver.secret.as_deref();
    check_kind(receiver.kind, &receiver.url, &receiver.settings, secret, &mut faults);
    ApiError::refuse(faults, REFUSED)?;
    receiver.disabled = patch.disabled.unwrap_or(receiver.disabled);
    state.store.update_receiver(&receiver).await?;
    let payload = json!({
        "before": before, "after": receiver, "url_changed": before.url != receiver.url,
        "secret_changed": before.secret != receiver.secret,
    });
    state.audit(&caller, "receiver.update", id, payload).await?;
    Ok(Json(NewReceiver { receiver, secret: made }))
}

/// Puts a new secret in; a webhook's new one stands before the old, and both sign. Returns one that
/// was made.
fn rotate(
    state: &AppState,
    receiver: &mut Receiver,
    given: Option<String>,
    wanted: bool,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    let signs = notify::secret_use(receiver.kind) == SecretUse::Signing;
    if wanted && !signs {
        faults.push(Fault::at("/rotate", "only a webhook's signing secret can be made anew"));
    }
    let made = (wanted && signs && given.is_none())
        .then(|| state.random(|rng| Secret::generate(rng).reveal()));
    let new = given.or_else(|| made.clone())?;
    let old = receiver.secret.take().filter(|_| signs && wanted);
    let old = old.and_then(|old| old.split(' ').next().map(str::to_owned));
    receiver.secret = Some(old.map_or_else(|| new.clone(), |old| format!("{new} {old}")));
    made
}

/// Deletes a receiver; monitors that name it tell it nothing more.
#[utoipa::path(delete, path = "/v1/receivers/{id}", tag = "alerts",
    params(("id" = ReceiverId, Path, description = "The receiver")),
    responses(
        (status = 204, description = "It is gone"),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<ReceiverId>,
) -> Result<StatusCode, ApiError> {
    let before = find(&state, caller.project, id).await?;
    if !state.store.delete_receiver(caller.project, id).await? {
        return Err(ApiError::not_found("receiver"));
    }
    state.audit(&caller, "receiver.delete", id, json!({ "before": before })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How many messages are sent again.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Replayed {
    /// So many were given up and are due now.
    replayed: u64,
}

/// Sends again everything to this receiver that was given up: the same bodies under the same ids.
#[utoipa::path(post, path = "/v1/receivers/{id}/replay", tag = "alerts", operation_id = "replay_all",
    params(("id" = ReceiverId, Path, description = "The receiver")),
    responses(
        (status = 202, description = "They are due now", body = Replayed),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn replay(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<ReceiverId>,
) -> Result<(StatusCode, Json<Replayed>), ApiError> {
    let receiver = find_enabled(&state, caller.project, id).await?;
    let replayed = state.store.replay_exhausted(caller.project, receiver.id, state.now()).await?;
    state.audit(&caller, "receiver.replay", id, json!({ "replayed": replayed })).await?;
    state.wakers.delivery.notify_one();
    Ok((StatusCode::ACCEPTED, Json(Replayed { replayed })))
}

/// Sends a test message through the outbox, like any alert.
#[utoipa::path(post, path = "/v1/receivers/{id}/test", tag = "alerts",
    params(("id" = ReceiverId, Path, description = "The receiver")),
    responses(
        (status = 202, description = "It is due now; look at the delivery", body = Delivery),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn test(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<ReceiverId>,
) -> Result<Response, ApiError> {
    let receiver = find_enabled(&state, caller.project, id).await?;
    let now = state.now();
    let id = state.random(|rng| DeliveryId::new(now, rng));
    let body = notify::test_body(&receiver, now);
    let delivery = Delivery::new(id, &receiver, None, EventKind::Test.as_str(), body, now);
    state.store.insert_delivery(&delivery).await?;
    state.audit(&caller, "receiver.test", receiver.id, json!({ "delivery_id": id })).await?;
    state.wakers.delivery.notify_one();
    let place = [(hyper::header::LOCATION, format!("/v1/deliveries/{}", delivery.id))];
    Ok((StatusCode::ACCEPTED, place, Json(delivery)).into_response())
}

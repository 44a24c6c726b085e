//! API keys: made, listed without their secrets, rotated, revoked.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::auth::{Principal, generate_key};
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id};
use crate::api::monitors::created;
use crate::api::page::Page;
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::model::key::{ApiKey, Role};

const NAME_BYTES: usize = 200;
/// The highest limit of bytes that a key can have.
const MAX_BYTES: u64 = 1 << 50;
/// The longest that a key may go on beside its successor: 30 days.
const MAX_GRACE_S: u64 = 30 * 24 * 60 * 60;

/// A key to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyInput {
    /// A name for people.
    name: String,
    /// What it allows.
    role: Role,
    /// From this moment on it opens nothing; without it the key has no end.
    expires_at: Option<Timestamp>,
    /// Requests that it may make in a minute; without it the limit of the settings.
    #[schema(minimum = 1)]
    requests_per_minute: Option<u32>,
    /// Bytes of bodies, as sent, that it may send in a minute; without it the limit of the settings.
    #[schema(minimum = 1)]
    bytes_per_minute: Option<u64>,
}

/// How a key is rotated.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// Seconds for which the old key goes on: a day where it is missing, 0 to 2,592,000 (30 days).
    #[serde(default = "day")]
    #[schema(minimum = 0, maximum = 2_592_000)]
    grace_s: u64,
    /// When the new key ends; without it, it lives as long as the old one was meant to.
    expires_at: Option<Timestamp>,
}

const fn day() -> u64 {
    24 * 60 * 60
}

/// A new key: the only answer that ever holds its text.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct NewKey {
    /// The key as it is stored.
    #[serde(flatten)]
    stored: ApiKey,
    /// The text to send; keep it, it is not shown again.
    key: String,
}

/// The project's keys, the revoked ones too.
#[utoipa::path(get, path = "/v1/keys", tag = "keys",
    responses(
        (status = 200, description = "All of them on one page", body = Page<ApiKey>),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<Page<ApiKey>>, ApiError> {
    let items = state.store.list_keys(caller.project).await?;
    Ok(Json(Page { items, next_cursor: None }))
}

/// Makes a key; its text is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = KeyInput,
    responses(
        (status = 201, description = "The key, with its text", body = NewKey),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Principal,
    Document(input): Document<KeyInput>,
) -> Result<Response, ApiError> {
    let now = state.now();
    check(&input, now)?;
    let (key, made) =
        state.random(|rng| generate_key(caller.project, &input.name, input.role, now, rng));
    let stored = ApiKey {
        expires_at: input.expires_at,
        requests_per_minute: input.requests_per_minute,
        bytes_per_minute: input.bytes_per_minute,
        ..made
    };
    state.store.insert_key(&stored).await?;
    state.audit(&caller, "key.create", stored.id, json!({ "after": stored })).await?;
    let place = format!("/v1/keys/{}", stored.id);
    Ok(created(&place, Json(NewKey { stored, key })))
}

fn check(input: &KeyInput, now: Timestamp) -> Result<(), ApiError> {
    let mut faults = Vec::new();
    if input.name.trim().is_empty() || input.name.len() > NAME_BYTES {
        faults.push(Fault::at("/name", "must hold 1 to 200 bytes, a name that people can read"));
    }
    faults.extend(wrong_end(input.expires_at, now));
    if input.requests_per_minute == Some(0) {
        faults.push(Fault::at("/requests_per_minute", "must be at least 1; leave it out for none"));
    }
    if !input.bytes_per_minute.is_none_or(|bytes| (1..=MAX_BYTES).contains(&bytes)) {
        let detail = format!("must be 1 to {MAX_BYTES}; leave it out for none");
        faults.push(Fault::at("/bytes_per_minute", detail));
    }
    ApiError::refuse(faults, "such a key cannot be; see errors")
}

fn wrong_end(end: Option<Timestamp>, now: Timestamp) -> Option<Fault> {
    let wrong = end.is_some_and(|end| end <= now);
    wrong.then(|| Fault::at("/expires_at", "must lie in the future; leave it out for no end"))
}

/// Makes a key of the same name, role and limits in the place of this one, which goes on for a grace
/// period. Each key is rotated once; the new one can be rotated in its turn.
#[utoipa::path(post, path = "/v1/keys/{id}/rotate", tag = "keys",
    params(("id" = KeyId, Path, description = "The key to be replaced")),
    request_body = Rotation,
    responses(
        (status = 201, description = "The new key, with its text", body = NewKey),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn rotate(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<KeyId>,
    Document(input): Document<Rotation>,
) -> Result<Response, ApiError> {
    let now = state.now();
    let found = state.store.find_key(id).await?.filter(|key| key.project_id == caller.project);
    let old = found.ok_or_else(|| ApiError::not_found("key"))?;
    let mut faults: Vec<Fault> = wrong_end(input.expires_at, now).into_iter().collect();
    if input.grace_s > MAX_GRACE_S {
        faults.push(Fault::at("/grace_s", format!("must be 0 to {MAX_GRACE_S}")));
    }
    ApiError::refuse(faults, "the key cannot be rotated so; see errors")?;
    let (key, made) =
        state.random(|rng| generate_key(caller.project, &old.name, old.role, now, rng));
    let heir = old.succeeded_by(made, now);
    let stored = ApiKey { expires_at: input.expires_at.or(heir.expires_at), ..heir };
    let end = now.plus(Duration::from_secs(input.grace_s));
    let rotated = state.store.rotate_key(id, &stored, end, now).await?;
    state.forget_key(id);
    if !rotated {
        let detail = "it is revoked, has expired or was rotated before: make a new key instead";
        return Err(ApiError::new(Code::Conflict, detail));
    }
    let payload = json!({ "before": old, "after": stored, "grace_s": input.grace_s });
    state.audit(&caller, "key.rotate", id, payload).await?;
    let place = format!("/v1/keys/{}", stored.id);
    Ok(created(&place, Json(NewKey { stored, key })))
}

/// Revokes a key: it stays in the list and opens nothing.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "keys",
    params(("id" = KeyId, Path, description = "The key")),
    responses(
        (status = 204, description = "It opens nothing from now on"),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn revoke(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<KeyId>,
) -> Result<StatusCode, ApiError> {
    let revoked = state.store.revoke_key(caller.project, id, state.now()).await?;
    state.forget_key(id);
    if !revoked {
        return Err(ApiError::not_found("key"));
    }
    state.audit(&caller, "key.revoke", id, json!({})).await?;
    Ok(StatusCode::NO_CONTENT)
}

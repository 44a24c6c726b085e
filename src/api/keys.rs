//! API keys: made, listed without their secrets, revoked.

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
use crate::id::KeyId;
use crate::model::key::{ApiKey, Role};

const NAME_BYTES: usize = 200;

/// A key to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyInput {
    /// A name for people.
    name: String,
    /// What it allows.
    role: Role,
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
    if input.name.trim().is_empty() || input.name.len() > NAME_BYTES {
        let fault = Fault::at("/name", "must hold 1 to 200 bytes");
        let error = ApiError::new(Code::Invalid, "the key needs a name that people can read");
        return Err(error.with_errors(vec![fault]));
    }
    let now = state.now();
    let (key, stored) =
        state.random(|rng| generate_key(caller.project, &input.name, input.role, now, rng));
    state.store.insert_key(&stored).await?;
    state.audit(&caller, "key.create", stored.id, json!({ "after": stored })).await?;
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

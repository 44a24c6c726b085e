//! How texts are sealed at rest, and the rotation of the key that seals them.

use axum::Json;
use axum::extract::State;
use hyper::StatusCode;
use serde_json::json;

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Problem};
use crate::api::state::AppState;
use crate::model::encryption::Encryption;

/// How the project's texts are sealed at rest, and how far a rotation has come.
#[utoipa::path(get, path = "/v1/encryption", tag = "encryption",
    responses(
        (status = 200, description = "The keys, and rows by key", body = Encryption),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<Encryption>, ApiError> {
    Ok(Json(state.store.encryption(caller.project).await?))
}

/// Makes the next data key: it seals new texts from now on, and in the background those that there are.
#[utoipa::path(post, path = "/v1/encryption/keys", tag = "encryption",
    responses(
        (status = 201, description = "The keys, and rows by key; `remaining` falls to 0",
            body = Encryption),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn rotate(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<(StatusCode, Json<Encryption>), ApiError> {
    let Some(key) = state.store.rotate_text_key(caller.project, state.now()).await? else {
        let detail =
            "texts are not sealed here; set store.secret_key, and store.encrypt_texts to true";
        return Err(ApiError::new(Code::Conflict, detail));
    };
    let payload = json!({ "key": key });
    state.audit(&caller, "text_key.create", key, payload).await?;
    state.wakers.encryption.notify_one();
    Ok((StatusCode::CREATED, Json(state.store.encryption(caller.project).await?)))
}

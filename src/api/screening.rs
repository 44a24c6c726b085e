//! What a project does with personal data, and its keys for pseudonyms.

pub(crate) mod screen;

use axum::Json;
use axum::extract::State;
use hyper::StatusCode;
use rand::RngCore;
use serde::Serialize;
use serde_json::json;

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id};
use crate::api::state::AppState;
use crate::model::screening::{PseudonymKey, Screening};
use crate::screen::VERSION;

/// The settings in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ScreeningView {
    /// How often they or the keys were changed; 0 for the defaults.
    version: i64,
    /// Version of the recognisers.
    recognisers_version: u32,
    /// The sha256 of the model of names that this server has, which is asked where `screen.names` is on.
    names_model: Option<String>,
    /// `enabled`, `screen` (regions and what is looked for), `policy` (what is done with it),
    /// `store_text`, `fail` and `deadline_ms`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    settings: Screening,
    /// The keys for pseudonyms, oldest first; the latest that is not destroyed is the current one.
    keys: Vec<PseudonymKey>,
}

/// What the project does with personal data and secrets.
#[utoipa::path(get, path = "/v1/screening", tag = "screening",
    responses(
        (status = 200, description = "The settings", body = ScreeningView),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<ScreeningView>, ApiError> {
    Ok(Json(view(&state, caller).await?))
}

/// Sets what is done with texts that come from now on; what is missing gets its default.
#[utoipa::path(put, path = "/v1/screening", tag = "screening",
    request_body(content = Object,
        description = "`enabled`, `screen`, `policy`, `store_text`, `fail`, `deadline_ms`"),
    responses(
        (status = 200, description = "The settings", body = ScreeningView),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn set(
    State(state): State<AppState>,
    caller: Principal,
    Document(settings): Document<Screening>,
) -> Result<Json<ScreeningView>, ApiError> {
    let has_key = state.store.pseudonym_keys(caller.project).await?.is_some();
    let names = state.names.clone();
    let (settings, problems) = tokio::task::spawn_blocking(move || {
        let problems = settings.problems(has_key, names);
        (settings, problems)
    })
    .await
    .map_err(ApiError::internal)?;
    let faults = problems.into_iter().map(|(pointer, detail)| Fault::at(pointer, detail)).collect();
    ApiError::refuse(faults, "such a screening is not possible; see errors")?;
    let (_, before) = state.store.screening(caller.project).await?;
    let version = state.store.set_screening(caller.project, &settings, state.now()).await?;
    state.guards.forget(caller.project);
    let payload = json!({ "version": version, "before": before, "after": settings });
    state.audit(&caller, "screening.set", caller.project, payload).await?;
    Ok(Json(view(&state, caller).await?))
}

async fn view(state: &AppState, caller: Principal) -> Result<ScreeningView, ApiError> {
    let (version, mut settings) = state.store.screening(caller.project).await?;
    settings.policy.version = u32::try_from(version).unwrap_or(u32::MAX);
    let keys = state.store.list_pseudonym_keys(caller.project).await?;
    let names_model = state.names.as_ref().map(|names| names.digest().to_owned());
    Ok(ScreeningView { version, recognisers_version: VERSION, names_model, settings, keys })
}

/// Makes a key for pseudonyms, which is the current one from now on.
#[utoipa::path(post, path = "/v1/screening/keys", tag = "screening",
    responses(
        (status = 201, description = "The key's id; the key itself is shown to nobody",
            body = PseudonymKey),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn rotate(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<(StatusCode, Json<PseudonymKey>), ApiError> {
    if !state.store.keeps_subjects() {
        let detail =
            "without store.secret_key the key would lie open in the database; set that first";
        return Err(ApiError::new(Code::Conflict, detail));
    }
    let mut key = [0; 32];
    state.random(|rng| rng.fill_bytes(&mut key));
    let made = state.store.add_pseudonym_key(caller.project, &key, state.now()).await?;
    state.guards.forget(caller.project);
    state.audit(&caller, "screening_key.create", &made.id, json!({})).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Destroys a key: tokens made with it can no longer be linked with any value. It cannot be undone.
#[utoipa::path(delete, path = "/v1/screening/keys/{id}", tag = "screening",
    params(("id" = String, Path, description = "The key's id: `k1`")),
    responses(
        (status = 204, description = "It is destroyed"),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn destroy(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<String>,
) -> Result<StatusCode, ApiError> {
    if !state.store.destroy_pseudonym_key(caller.project, &id, state.now()).await? {
        return Err(ApiError::not_found("pseudonym key that is not destroyed"));
    }
    state.guards.forget(caller.project);
    state.audit(&caller, "screening_key.destroy", &id, json!({})).await?;
    Ok(StatusCode::NO_CONTENT)
}

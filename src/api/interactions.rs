//! Interactions as the API shows them.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Problem};
use crate::api::extract::Id;
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::model::interaction::{Attributes, Interaction};

/// An interaction to be sent.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the schema of what `ingest::item` reads field by field")]
pub(crate) struct InteractionInput {
    /// Your id of it, 1 to 200 bytes: sending it again is harmless. Made where it is missing.
    id: Option<String>,
    /// When it happened, RFC 3339; the moment it is received where it is missing. `timestamp` is
    /// read as the same field.
    occurred_at: Option<Timestamp>,
    /// What the application was asked; may be blank.
    query: String,
    /// What it answered.
    response: Option<String>,
    /// The conversation it belongs to.
    session_id: Option<String>,
    /// At most 32 labels for segments, all values strings.
    #[schema(value_type = Option<std::collections::HashMap<String, String>>)]
    attributes: Option<Attributes>,
    /// The model that answered.
    model: Option<String>,
    /// Anything else; kept, never interpreted.
    #[schema(value_type = Option<Object>)]
    metadata: Option<String>,
    /// Who asked, 1 to 200 bytes: stored as a pseudonym only, so that outcomes of a person find their
    /// interactions. Needs `store.secret_key`.
    subject: Option<String>,
    /// How long the answer took; stored as the outcome `latency_ms`.
    latency_ms: Option<f64>,
    /// Tokens read; with `output_tokens` the outcome `tokens`.
    input_tokens: Option<f64>,
    /// Tokens written.
    output_tokens: Option<f64>,
    /// What it cost, in a currency of yours; the outcome `cost`.
    cost: Option<f64>,
    /// Whether it failed, as a boolean or the text of the error, which is not kept; the outcome `error`.
    #[schema(value_type = Option<bool>)]
    error: Option<bool>,
}

/// A stored interaction.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct InteractionView {
    id: String,
    /// When it happened.
    occurred_at: Timestamp,
    /// When it was stored.
    received_at: Timestamp,
    /// Null once the retention of texts has passed.
    query: Option<String>,
    response: Option<String>,
    session_id: Option<String>,
    #[schema(value_type = std::collections::HashMap<String, String>)]
    attributes: Attributes,
    model: Option<String>,
    /// `pending`, `embedded` or `quarantined`.
    state: &'static str,
}

impl From<Interaction> for InteractionView {
    fn from(interaction: Interaction) -> Self {
        Self {
            id: interaction.id,
            occurred_at: interaction.occurred_at,
            received_at: interaction.received_at,
            query: interaction.query,
            response: interaction.response,
            session_id: interaction.session_id,
            attributes: interaction.attributes,
            model: interaction.model,
            state: interaction.state.as_str(),
        }
    }
}

/// One interaction by the caller's id.
#[utoipa::path(
    get,
    path = "/v1/interactions/{id}",
    tag = "interactions",
    params(("id" = String, Path, description = "Your id of it, or the one that was made")),
    responses(
        (status = 200, description = "The interaction", body = InteractionView),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<String>,
) -> Result<Json<InteractionView>, ApiError> {
    let found = state.store.find_interaction(caller.project, &id).await?;
    let found = found.ok_or_else(|| ApiError::not_found("interaction"))?;
    let payload = serde_json::json!({ "interaction_id": id });
    state.audit_read(&caller, "interaction.read", payload, id).await?;
    Ok(Json(found.into()))
}

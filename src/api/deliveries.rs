//! Deliveries: every message to a receiver, every attempt, and another try on request.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hyper::{StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Problem};
use crate::api::extract::{Id, Params};
use crate::api::page::{self, Page, PageRequest};
use crate::api::state::AppState;
use crate::id::{AlertId, DeliveryId, ProjectId, ReceiverId};
use crate::model::delivery::{Attempt, Delivery, DeliveryStatus};
use crate::notify::{RETRAIN_EVENT, without_capabilities};
use crate::store::DeliveryFilter;

/// Query parameters of the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Only those of this alert.
    alert_id: Option<AlertId>,
    /// Only those to this receiver.
    receiver_id: Option<ReceiverId>,
    /// Only those of this status.
    status: Option<DeliveryStatus>,
    /// Rows of a page, 1 to 200; 50 where it is missing.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The project's deliveries, newest first.
#[utoipa::path(get, path = "/v1/deliveries", tag = "alerts", params(ListParams),
    responses(
        (status = 200, description = "A page of them", body = Page<Delivery>),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Principal,
    Params(params): Params<ListParams>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let request = PageRequest::new(params.limit, params.cursor.as_deref())?;
    let filter = DeliveryFilter {
        alert: params.alert_id,
        receiver: params.receiver_id,
        status: params.status,
        before: request.before,
        limit: request.fetch(),
    };
    let mut rows = state.store.list_deliveries(caller.project, &filter).await?;
    rows.iter_mut().for_each(redact);
    if !rows.is_empty() {
        state.audit(&caller, "delivery.list", "", json!({ "rows": rows.len() })).await?;
    }
    Ok(page::respond(&request, rows, |delivery| (delivery.created_at, delivery.id), &uri))
}

/// A delivery with its attempts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct DeliveryDetail {
    /// The delivery.
    #[serde(flatten)]
    delivery: Delivery,
    /// Every attempt, first to last.
    attempt_log: Vec<Attempt>,
}

async fn find(state: &AppState, project: ProjectId, id: DeliveryId) -> Result<Delivery, ApiError> {
    let mut found = state.store.find_delivery(project, id).await?;
    found.iter_mut().for_each(redact);
    found.ok_or_else(|| ApiError::not_found("delivery"))
}

/// Takes out what only the receiver may see.
fn redact(delivery: &mut Delivery) {
    if delivery.event_type == RETRAIN_EVENT {
        delivery.body = without_capabilities(&delivery.body);
    }
}

/// One delivery, with its attempts.
#[utoipa::path(get, path = "/v1/deliveries/{id}", tag = "alerts",
    params(("id" = DeliveryId, Path, description = "The delivery")),
    responses(
        (status = 200, description = "The delivery", body = DeliveryDetail),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<DeliveryId>,
) -> Result<Json<DeliveryDetail>, ApiError> {
    let delivery = find(&state, caller.project, id).await?;
    let attempt_log = state.store.attempts(id).await?;
    // Its body may quote texts.
    state.audit(&caller, "delivery.read", id, json!({})).await?;
    Ok(Json(DeliveryDetail { delivery, attempt_log }))
}

/// Sends a delivery again: the same body under the same `webhook-id`.
#[utoipa::path(post, path = "/v1/deliveries/{id}/replay", tag = "alerts",
    params(("id" = DeliveryId, Path, description = "The delivery")),
    responses(
        (status = 202, description = "It is due now", body = Delivery),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn replay(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<DeliveryId>,
) -> Result<(StatusCode, Json<Delivery>), ApiError> {
    find(&state, caller.project, id).await?;
    if !state.store.replay_delivery(caller.project, id, state.now()).await? {
        let detail = "the delivery cannot be sent again at present; look at its status";
        return Err(ApiError::new(Code::Conflict, detail));
    }
    state.audit(&caller, "delivery.replay", id, json!({})).await?;
    state.wakers.delivery.notify_one();
    let delivery = find(&state, caller.project, id).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery)))
}

//! Monitors: made, listed, changed, deleted.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{HeaderValue, LOCATION};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id, wrong_document};
use crate::api::page::Page;
use crate::api::receivers;
use crate::api::state::AppState;
use crate::id::{MonitorId, ProjectId};
use crate::model::monitor::{Monitor, MonitorSpec};
use crate::telemetry::DetectorLabels;

/// Every monitor of the project.
#[utoipa::path(get, path = "/v1/monitors", tag = "monitors",
    responses(
        (status = 200, description = "All of them on one page", body = Page<Monitor>),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<Page<Monitor>>, ApiError> {
    let items = state.store.list_monitors(caller.project).await?;
    Ok(Json(Page { items, next_cursor: None }))
}

/// Makes a monitor; only `name` is needed.
#[utoipa::path(post, path = "/v1/monitors", tag = "monitors", request_body = MonitorSpec,
    responses(
        (status = 201, description = "The monitor; it waits for a reference", body = Monitor),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Principal,
    Document(spec): Document<MonitorSpec>,
) -> Result<Response, ApiError> {
    check(&state, caller.project, &spec).await?;
    let now = state.now();
    let monitor = Monitor {
        id: state.random(|rng| MonitorId::new(now, rng)),
        project_id: caller.project,
        spec,
        reference_id: None,
        created_at: now,
        updated_at: now,
    };
    state.store.insert_monitor(&monitor).await?;
    state.audit(&caller, "monitor.create", monitor.id, json!({ "after": monitor.spec })).await?;
    Ok(created(&format!("/v1/monitors/{}", monitor.id), Json(monitor)))
}

/// 201 with the place of what was made.
pub(crate) fn created(place: &str, body: impl IntoResponse) -> Response {
    let mut response = (StatusCode::CREATED, body).into_response();
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// The monitor of this id in this project.
pub(crate) async fn find(
    state: &AppState,
    project: ProjectId,
    id: MonitorId,
) -> Result<Monitor, ApiError> {
    let found = state.store.find_monitor(project, id).await?;
    found.ok_or_else(|| ApiError::not_found("monitor"))
}

/// One monitor.
#[utoipa::path(get, path = "/v1/monitors/{id}", tag = "monitors",
    params(("id" = MonitorId, Path, description = "The monitor")),
    responses(
        (status = 200, description = "The monitor", body = Monitor),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<MonitorId>,
) -> Result<Json<Monitor>, ApiError> {
    find(&state, caller.project, id).await.map(Json)
}

/// Changes a monitor: a JSON merge patch (RFC 7396) of its specification.
///
/// `thresholds` and lists are replaced as a whole.
#[utoipa::path(patch, path = "/v1/monitors/{id}", tag = "monitors",
    params(("id" = MonitorId, Path, description = "The monitor")),
    request_body(content = Object, description = "The fields to change; null resets one"),
    responses(
        (status = 200, description = "The monitor as it is now", body = Monitor),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn update(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<MonitorId>,
    Document(patch): Document<Value>,
) -> Result<Json<Monitor>, ApiError> {
    let mut monitor = find(&state, caller.project, id).await?;
    let spec = merged(&monitor.spec, &patch, "thresholds")?;
    check(&state, caller.project, &spec).await?;
    if monitor.reference_id.is_some() && spec.segment != monitor.spec.segment {
        let fault = Fault::at("/segment", "is what its reference was made of; make a new monitor");
        return Err(ApiError::new(Code::Invalid, "the segment is fixed by the reference")
            .with_errors(vec![fault]));
    }
    let recompute = spec.needs_recalibration(&monitor.spec);
    let before = std::mem::replace(&mut monitor.spec, spec);
    monitor.updated_at = state.now();
    state.store.update_monitor(&monitor, recompute).await?;
    let payload = json!({ "before": before, "after": monitor.spec, "recalibrates": recompute });
    state.audit(&caller, "monitor.update", id, payload).await?;
    state.wakers.reference.notify_one();
    state.wakers.evaluation.notify_one();
    Ok(Json(monitor))
}

/// `spec` with a merge patch laid over it; what is at `whole` is replaced, not merged.
pub(crate) fn merged<T: Serialize + DeserializeOwned>(
    spec: &T,
    patch: &Value,
    whole: &str,
) -> Result<T, ApiError> {
    let Value::Object(fields) = patch else {
        let fault = Fault::at("", "must be an object with the fields to change");
        return Err(ApiError::new(Code::Invalid, "not a merge patch").with_errors(vec![fault]));
    };
    let mut document = serde_json::to_value(spec).map_err(ApiError::internal)?;
    // Its variants exclude each other: one must not be merged into the other.
    if fields.contains_key(whole)
        && let Value::Object(document) = &mut document
    {
        document.remove(whole);
    }
    merge(&mut document, patch);
    serde_json::from_value(document).map_err(|error| wrong_document(&error))
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(target) = target {
        for (key, value) in patch {
            if value.is_null() {
                target.remove(key);
            } else {
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
    }
}

/// Deletes a monitor with its references, reports and alerts; deliveries stay until their retention.
#[utoipa::path(delete, path = "/v1/monitors/{id}", tag = "monitors",
    params(("id" = MonitorId, Path, description = "The monitor")),
    responses(
        (status = 204, description = "It is gone"),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<MonitorId>,
) -> Result<StatusCode, ApiError> {
    let monitor = find(&state, caller.project, id).await?;
    if !state.store.delete_monitor(caller.project, id).await? {
        return Err(ApiError::not_found("monitor"));
    }
    state.audit(&caller, "monitor.delete", id, json!({ "before": monitor.spec })).await?;
    state.metrics.forget_monitor(&id.to_string(), &series(&monitor));
    Ok(StatusCode::NO_CONTENT)
}

/// The labels of everything that is measured of a monitor.
fn series(monitor: &Monitor) -> Vec<DetectorLabels> {
    let spec = &monitor.spec;
    let mut series = Vec::new();
    for stream in &spec.streams {
        for window in &spec.windows {
            for detector in &spec.detectors {
                series.push(DetectorLabels {
                    monitor: monitor.id.to_string(),
                    stream: stream.as_str(),
                    window: window.name.clone(),
                    detector: detector.as_str(),
                });
            }
        }
    }
    series
}

async fn check(state: &AppState, project: ProjectId, spec: &MonitorSpec) -> Result<(), ApiError> {
    let problems = spec.problems().into_iter();
    let mut faults: Vec<_> = problems.map(|(pointer, detail)| Fault::at(pointer, detail)).collect();
    receivers::check_known(state, project, &spec.receivers, &mut faults).await?;
    ApiError::refuse(faults, "the monitor's specification does not hold together; see errors")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_null_resets() {
        let spec = MonitorSpec::named("m");
        let patch = json!({"alert": {"severity": "critical"}, "lateness_seconds": 60});
        let changed = merged(&spec, &patch, "thresholds").unwrap();
        assert_eq!(changed.lateness_seconds, 60);
        assert_eq!(changed.alert.for_evaluations, spec.alert.for_evaluations);
        assert_ne!(changed.alert, spec.alert);
        let reset = json!({"alert": null, "lateness_seconds": null});
        assert_eq!(merged(&changed, &reset, "thresholds").unwrap(), spec);
    }

    #[test]
    fn thresholds_are_replaced_and_unknown_fields_named() {
        let spec = MonitorSpec::named("m");
        let changed =
            merged(&spec, &json!({"thresholds": {"fixed": {"mmd": 0.1}}}), "thresholds").unwrap();
        assert_ne!(changed.thresholds, spec.thresholds);
        let error = merged(&spec, &json!({"stream": []}), "thresholds").unwrap_err();
        assert_eq!(error.errors[0].pointer, "/stream");
        assert!(merged(&spec, &json!(7), "thresholds").is_err());
    }
}

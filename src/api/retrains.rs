//! Retrainings: listed, approved, reported on by their runs, and the slice of traffic that they train on.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use hyper::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::api::auth::{Principal, bearer};
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id, Params};
use crate::api::page::{self, Page, PageRequest};
use crate::api::references;
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::id::{ProjectId, RetrainId};
use crate::model::alert::Alert;
use crate::model::interaction::{Attributes, Interaction};
use crate::model::reference::Reference;
use crate::model::report::Report;
use crate::model::retrain::{NextReference, Retrain, RetrainSettings, RetrainStatus};
use crate::store::StoreError;

/// Interactions read at a time.
const CHUNK: i64 = 500;
/// Interactions of a slice at most.
const SLICE: u64 = 100_000;
/// Bytes of what a run says of itself.
const TEXT_BYTES: usize = 1000;

/// Query parameters of the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Rows of a page, 1 to 200; 50 where it is missing.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A retraining and what came of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct RetrainDetail {
    /// The retraining.
    #[serde(flatten)]
    retrain: Retrain,
    /// When the drift ended, in event time; absent while it goes on, and before the deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    drift_ended_at: Option<Timestamp>,
    /// What the workflow's server answered to the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    /// Whether the next reference waits for someone to accept it: `POST /v1/retrains/{id}/reference`.
    reference_proposed: bool,
}

/// The project's retrainings, newest first.
#[utoipa::path(get, path = "/v1/retrains", tag = "retraining", params(ListParams),
    responses(
        (status = 200, description = "A page of them", body = Page<Retrain>),
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
    let rows = state.store.list_retrains(caller.project, request.before, request.fetch()).await?;
    Ok(page::respond(&request, rows, |retrain| (retrain.created_at, retrain.id), &uri))
}

async fn find(state: &AppState, project: ProjectId, id: RetrainId) -> Result<Retrain, ApiError> {
    let found = state.store.find_retrain(id).await?;
    let own = found.filter(|retrain| retrain.project_id == project);
    own.ok_or_else(|| ApiError::not_found("retraining"))
}

async fn settings(
    state: &AppState,
    retrain: &Retrain,
) -> Result<Option<RetrainSettings>, ApiError> {
    let mut found = state.store.receivers_by_id(&[retrain.receiver_id]).await?;
    Ok(found.pop().and_then(|receiver| receiver.settings.retrain))
}

async fn detail(state: &AppState, retrain: Retrain) -> Result<RetrainDetail, ApiError> {
    let alert = state.store.find_alert(retrain.project_id, retrain.alert_id).await?;
    let ended = alert.and_then(|alert| alert.resolved_at);
    let answer = match retrain.delivery_id {
        Some(id) => state.store.answer_kept(id).await?,
        None => None,
    };
    let wanted = settings(state, &retrain).await?.map(|settings| settings.next_reference);
    Ok(RetrainDetail {
        drift_ended_at: ended.filter(|_| retrain.deployed_at.is_some()),
        answer,
        reference_proposed: retrain.status == RetrainStatus::Deployed
            && retrain.reference_id.is_none()
            && retrain.monitor_id.is_some()
            && wanted == Some(NextReference::Propose),
        retrain,
    })
}

/// One retraining.
#[utoipa::path(get, path = "/v1/retrains/{id}", tag = "retraining",
    params(("id" = RetrainId, Path, description = "The retraining")),
    responses(
        (status = 200, description = "The retraining", body = RetrainDetail),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<RetrainId>,
) -> Result<Json<RetrainDetail>, ApiError> {
    let retrain = find(&state, caller.project, id).await?;
    detail(&state, retrain).await.map(Json)
}

/// Lets a retraining start that waits for approval; its guard is asked once more.
#[utoipa::path(post, path = "/v1/retrains/{id}/approve", tag = "retraining",
    params(("id" = RetrainId, Path, description = "The retraining")),
    responses(
        (status = 200, description = "The retraining as it is now", body = RetrainDetail),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn approve(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<RetrainId>,
) -> Result<Json<RetrainDetail>, ApiError> {
    let change = |retrain: &mut Retrain| {
        "approved; its guard is asked again".clone_into(&mut retrain.detail);
    };
    decide(&state, &caller, id, "retrain.approve", RetrainStatus::waits, change).await
}

/// Cancels a retraining that has not started, or gives up one whose run reports no more: what it reports
/// later is refused, and the receiver's next one may start.
#[utoipa::path(post, path = "/v1/retrains/{id}/cancel", tag = "retraining",
    params(("id" = RetrainId, Path, description = "The retraining")),
    responses(
        (status = 200, description = "The retraining as it is now", body = RetrainDetail),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<RetrainId>,
) -> Result<Json<RetrainDetail>, ApiError> {
    let change = |retrain: &mut Retrain| {
        retrain.status = RetrainStatus::Cancelled;
        "someone cancelled it".clone_into(&mut retrain.detail);
    };
    let may = |status: RetrainStatus| status.waits() || status.is_under_way();
    decide(&state, &caller, id, "retrain.cancel", may, change).await
}

/// Notes a person's decision on a retraining in a status that `may` be decided on.
async fn decide(
    state: &AppState,
    caller: &Principal,
    id: RetrainId,
    action: &'static str,
    may: impl FnOnce(RetrainStatus) -> bool,
    change: impl FnOnce(&mut Retrain),
) -> Result<Json<RetrainDetail>, ApiError> {
    let mut retrain = find(state, caller.project, id).await?;
    if !may(retrain.status) {
        let detail = format!("it is {}: there is nothing to decide", retrain.status.as_str());
        return Err(ApiError::new(Code::Conflict, detail));
    }
    let before = retrain.status;
    change(&mut retrain);
    retrain.decided_by = Some(caller.name.to_string());
    save(state, &mut retrain).await?;
    let payload = json!({ "before": before, "after": retrain.status });
    state.audit(caller, action, id, payload).await?;
    state.wakers.retrain.notify_one();
    detail(state, retrain).await.map(Json)
}

async fn save(state: &AppState, retrain: &mut Retrain) -> Result<(), ApiError> {
    let expected = retrain.updated_at;
    retrain.updated_at = state.now();
    if state.store.update_retrain(retrain, expected).await? {
        return Ok(());
    }
    Err(ApiError::new(Code::Conflict, "it has changed meanwhile: read it again"))
}

/// What a run says of itself.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunStatus {
    /// `running`, `succeeded`, `failed` or `deployed`.
    status: RetrainStatus,
    /// Where the run can be watched.
    run_url: Option<String>,
    /// The model that it made.
    model_version: Option<String>,
    /// A remark.
    detail: Option<String>,
}

/// Takes a run's word on how far it is: called by the workflow with the `callback_token` that it was
/// started with as bearer. After `deployed` the next reference is proposed or made.
#[utoipa::path(post, path = "/v1/retrains/{id}/status", tag = "retraining",
    params(("id" = RetrainId, Path, description = "The retraining")),
    request_body = RunStatus,
    responses(
        (status = 200, description = "The retraining as it is now", body = RetrainDetail),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn report(
    State(state): State<AppState>,
    Id(id): Id<RetrainId>,
    headers: HeaderMap,
    Document(input): Document<RunStatus>,
) -> Result<Json<RetrainDetail>, ApiError> {
    let found = state.store.find_retrain(id).await?;
    // An unknown id costs the same comparison and gets the same answer as a wrong token.
    let token = found.as_ref().map_or("", |retrain| retrain.token.as_str());
    let given = bearer(&headers).unwrap_or_default();
    let same = bool::from(token.as_bytes().ct_eq(given.as_bytes())) && !token.is_empty();
    let Some(mut retrain) = found.filter(|_| same) else {
        let detail = "give the callback_token that the run was started with as bearer token";
        return Err(ApiError::new(Code::Unauthenticated, detail));
    };
    check(&input)?;
    if !retrain.status.may_become(input.status) {
        let detail = format!(
            "a retraining that is {} cannot become {}",
            retrain.status.as_str(),
            input.status.as_str()
        );
        return Err(ApiError::new(Code::Conflict, detail));
    }
    let before = retrain.status;
    retrain.status = input.status;
    retrain.detail =
        input.detail.unwrap_or_else(|| format!("the run says: {}", input.status.as_str()));
    retrain.run_url = input.run_url.or(retrain.run_url);
    retrain.model_version = input.model_version.or(retrain.model_version);
    if input.status == RetrainStatus::Deployed {
        retrain.deployed_at = Some(state.now());
        let wanted = settings(&state, &retrain).await?;
        if wanted.as_ref().map(|settings| settings.next_reference) == Some(NextReference::Make) {
            let made = next_reference(&state, &retrain, wanted.as_ref()).await?;
            retrain.reference_id = made.map(|reference| reference.id);
        }
    }
    save(&state, &mut retrain).await?;
    let payload = json!({
        "before": before, "after": retrain.status, "model_version": retrain.model_version,
        "reference_id": retrain.reference_id,
    });
    let actor = format!("the run of {id}");
    state.audit_as(retrain.project_id, actor, "retrain.report", id, payload).await?;
    tracing::info!(retrain = %id, status = retrain.status.as_str(), "retrain");
    detail(&state, retrain).await.map(Json)
}

fn check(input: &RunStatus) -> Result<(), ApiError> {
    let mut faults = Vec::new();
    let reports = [
        RetrainStatus::Running,
        RetrainStatus::Succeeded,
        RetrainStatus::Failed,
        RetrainStatus::Deployed,
    ];
    if !reports.contains(&input.status) {
        faults.push(Fault::at("/status", "a run reports running, succeeded, failed or deployed"));
    }
    if input
        .run_url
        .as_ref()
        .is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://"))
    {
        faults.push(Fault::at("/run_url", "must be a link: https://…"));
    }
    let texts = [
        ("/run_url", &input.run_url),
        ("/model_version", &input.model_version),
        ("/detail", &input.detail),
    ];
    for (pointer, text) in texts {
        if text.as_ref().is_some_and(|text| text.len() > TEXT_BYTES) {
            faults.push(Fault::at(pointer, format!("is longer than {TEXT_BYTES} bytes")));
        }
    }
    ApiError::refuse(faults, "such a status cannot be; see errors")
}

/// Accepts the proposal: the next interactions become the monitor's next reference version.
#[utoipa::path(post, path = "/v1/retrains/{id}/reference", tag = "retraining",
    params(("id" = RetrainId, Path, description = "The retraining")),
    responses(
        (status = 200, description = "The retraining as it is now", body = RetrainDetail),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn accept_reference(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<RetrainId>,
) -> Result<Json<RetrainDetail>, ApiError> {
    let mut retrain = find(&state, caller.project, id).await?;
    if retrain.status != RetrainStatus::Deployed || retrain.reference_id.is_some() {
        let detail = "only a deployed retraining without a next reference can have one";
        return Err(ApiError::new(Code::Conflict, detail));
    }
    let settings = settings(&state, &retrain).await?;
    let made = next_reference(&state, &retrain, settings.as_ref()).await?;
    let Some(made) = made else {
        let detail = "the retraining belongs to no single monitor: freeze the references by hand";
        return Err(ApiError::new(Code::Conflict, detail));
    };
    retrain.reference_id = Some(made.id);
    save(&state, &mut retrain).await?;
    state.audit(&caller, "retrain.reference", id, json!({ "after": made })).await?;
    detail(&state, retrain).await.map(Json)
}

async fn next_reference(
    state: &AppState,
    retrain: &Retrain,
    settings: Option<&RetrainSettings>,
) -> Result<Option<Reference>, ApiError> {
    let Some(monitor) = retrain.monitor_id else { return Ok(None) };
    let events = settings.map_or(2000, |settings| settings.reference_events);
    references::ask_for_next(state, retrain.project_id, monitor, events).await.map(Some)
}

/// Query parameters of a slice, from the signed address.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatasetParams {
    /// Seconds since 1970 until which the address is good.
    expires: i64,
    /// Proves that Seamark gave it out.
    signature: String,
}

/// The drifted slice as JSON lines, newest first, in the ingest format: what the drifted windows held, as
/// far as its texts are still stored. The address is signed and expires.
#[utoipa::path(get, path = "/v1/retrains/{id}/dataset", tag = "retraining",
    params(("id" = RetrainId, Path, description = "The retraining"), DatasetParams),
    responses(
        (status = 200, description = "One interaction a line", content_type = "application/x-ndjson"),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn dataset(
    State(state): State<AppState>,
    Id(id): Id<RetrainId>,
    Params(params): Params<DatasetParams>,
) -> Result<Response, ApiError> {
    let found = state.store.find_retrain(id).await?;
    let allowed = |retrain: &Retrain| retrain.allows_dataset(params.expires, &params.signature);
    let Some(retrain) = found.filter(allowed) else {
        let detail = "the address is not one that was given out; take it from the request as it is";
        return Err(ApiError::new(Code::Unauthenticated, detail));
    };
    if state.now().as_seconds() >= params.expires {
        let detail = "the address has expired; retrain.dataset_seconds says how long one is good";
        return Err(ApiError::new(Code::Forbidden, detail));
    }
    let alert = state.store.find_alert(retrain.project_id, retrain.alert_id).await?;
    let report = match retrain.report_id {
        Some(id) => state.store.find_report(retrain.project_id, id).await?,
        None => None,
    };
    let (Some(alert), Some(report)) = (alert, report) else {
        return Err(ApiError::not_found("slice: its alert or report"));
    };
    let (project, actor) = (retrain.project_id, format!("the run of {id}"));
    let payload = json!({ "rows_at_most": size(&alert, &report), "report_id": report.id });
    state.audit_as(project, actor, "retrain.dataset", id, payload).await?;
    let slice = Slice {
        labels: labels(&state, &report).await?,
        left: size(&alert, &report),
        before: report.position.saturating_add(1),
        project: retrain.project_id,
        state,
    };
    let lines = stream::try_unfold(slice, |slice| async move { slice.next().await });
    let kind = [(hyper::header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((StatusCode::OK, kind, Body::from_stream(lines)).into_response())
}

/// The labels that every interaction of the slice carries.
async fn labels(state: &AppState, report: &Report) -> Result<Attributes, ApiError> {
    let monitor = state.store.find_monitor(report.project_id, report.monitor_id).await?;
    let mut labels = monitor.map(|monitor| monitor.spec.segment).unwrap_or_default();
    labels.extend(report.segment.clone());
    Ok(labels)
}

/// Events of the longest window that drifted.
fn size(alert: &Alert, report: &Report) -> u64 {
    let reasons = if alert.reasons.is_empty() { &report.verdicts } else { &alert.reasons };
    reasons.iter().map(|verdict| verdict.n_window).max().unwrap_or(0).min(SLICE)
}

/// What is left of a slice to be read.
struct Slice {
    state: AppState,
    project: ProjectId,
    labels: Attributes,
    before: i64,
    left: u64,
}

impl Slice {
    async fn next(mut self) -> Result<Option<(String, Self)>, StoreError> {
        while self.left > 0 {
            let rows =
                self.state.store.interactions_before(self.project, self.before, CHUNK).await?;
            let Some((last, _)) = rows.last() else { return Ok(None) };
            self.before = *last;
            let mut lines = String::new();
            let held = rows.iter().filter(|(_, one)| self.holds(&one.attributes));
            let taken = held.take(usize::try_from(self.left).unwrap_or(usize::MAX));
            let mut count = 0;
            for (_, interaction) in taken {
                lines.push_str(&line(interaction));
                count += 1;
            }
            self.left -= count;
            if !lines.is_empty() {
                return Ok(Some((lines, self)));
            }
        }
        Ok(None)
    }

    fn holds(&self, attributes: &Attributes) -> bool {
        self.labels.iter().all(|(key, value)| attributes.get(key) == Some(value))
    }
}

fn line(interaction: &Interaction) -> String {
    let document = json!({
        "id": interaction.id,
        "occurred_at": interaction.occurred_at,
        "query": interaction.query,
        "response": interaction.response,
        "session_id": interaction.session_id,
        "attributes": interaction.attributes,
        "model": interaction.model,
    });
    format!("{document}\n")
}

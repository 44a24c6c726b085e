//! Alert rules: made, changed, tried out, and where they stand.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hyper::{StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::alert::judge;
use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id, Params};
use crate::api::monitors::{created, merged};
use crate::api::page::{self, Page, PageRequest};
use crate::api::receivers;
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::id::{ProjectId, RuleId};
use crate::model::alert::Finding;
use crate::model::rule::{Health, Rule, RuleEvent, RuleSpec, RuleState};
use crate::store::RuleEventFilter;
use crate::worker::figures::Figures;
use crate::worker::rates::Maturities;

/// Rules of a project at most: each is judged every few seconds.
const RULES: usize = 500;

/// A rule and where it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct RuleDetail {
    /// The rule.
    #[serde(flatten)]
    rule: Rule,
    /// Where it stands; absent before it was first judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<RuleState>,
}

/// What a rule would say now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Preview {
    /// Whether the condition holds; absent where that cannot be said.
    holds: Option<bool>,
    /// Whether its figures could be judged.
    health: Health,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Every comparison with its value.
    figures: Vec<Finding>,
}

/// Query parameters of a history.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryParams {
    /// From this moment on.
    from: Option<Timestamp>,
    /// Before this moment.
    to: Option<Timestamp>,
    /// Entries of a page, 1 to 200; 50 where it is missing.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// An entry with its number, by which pages go on.
#[derive(Debug, Serialize)]
struct Entry {
    #[serde(skip)]
    number: i64,
    #[serde(flatten)]
    event: RuleEvent,
}

/// Every rule of the project, with where it stands.
#[utoipa::path(get, path = "/v1/rules", tag = "alerts",
    responses(
        (status = 200, description = "All of them on one page", body = Page<RuleDetail>),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<Page<RuleDetail>>, ApiError> {
    let mut states = state.store.rule_states(caller.project).await?;
    let rules = state.store.list_rules(caller.project).await?.into_iter();
    let items = rules.map(|rule| RuleDetail { state: states.remove(&rule.id), rule }).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

/// Makes a rule; it is judged at once and then every `worker.rules_seconds`.
#[utoipa::path(post, path = "/v1/rules", tag = "alerts", request_body = RuleSpec,
    responses(
        (status = 201, description = "The rule", body = Rule),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Principal,
    Document(spec): Document<RuleSpec>,
) -> Result<Response, ApiError> {
    check(&state, caller.project, &spec).await?;
    if state.store.list_rules(caller.project).await?.len() >= RULES {
        let detail = format!("the project has {RULES} rules, which is the limit: delete one first");
        return Err(ApiError::new(Code::Conflict, detail));
    }
    let now = state.now();
    let id = state.random(|rng| RuleId::new(now, rng));
    let rule = Rule { id, project_id: caller.project, spec, created_at: now, updated_at: now };
    state.store.insert_rule(&rule).await?;
    state.audit(&caller, "rule.create", id, json!({ "after": rule.spec })).await?;
    state.wakers.rules.notify_one();
    Ok(created(&format!("/v1/rules/{id}"), Json(rule)))
}

async fn find(state: &AppState, project: ProjectId, id: RuleId) -> Result<Rule, ApiError> {
    let found = state.store.find_rule(project, id).await?;
    found.ok_or_else(|| ApiError::not_found("rule"))
}

/// One rule, with where it stands.
#[utoipa::path(get, path = "/v1/rules/{id}", tag = "alerts",
    params(("id" = RuleId, Path, description = "The rule")),
    responses(
        (status = 200, description = "The rule", body = RuleDetail),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<RuleId>,
) -> Result<Json<RuleDetail>, ApiError> {
    let rule = find(&state, caller.project, id).await?;
    let mut states = state.store.rule_states(caller.project).await?;
    Ok(Json(RuleDetail { state: states.remove(&id), rule }))
}

/// Changes a rule: a JSON merge patch (RFC 7396) of its specification. Its state goes on; `when` is
/// replaced as a whole.
#[utoipa::path(patch, path = "/v1/rules/{id}", tag = "alerts",
    params(("id" = RuleId, Path, description = "The rule")),
    request_body(content = Object, description = "The fields to change; null resets one"),
    responses(
        (status = 200, description = "The rule as it is now", body = Rule),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn update(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<RuleId>,
    Document(patch): Document<Value>,
) -> Result<Json<Rule>, ApiError> {
    let mut rule = find(&state, caller.project, id).await?;
    // The figures of one condition do not mix with those of another.
    let spec = merged(&rule.spec, &patch, "when")?;
    let before = std::mem::replace(&mut rule.spec, spec);
    check(&state, caller.project, &rule.spec).await?;
    rule.updated_at = state.now();
    state.store.update_rule(&rule).await?;
    let payload = json!({ "before": before, "after": rule.spec });
    state.audit(&caller, "rule.update", id, payload).await?;
    state.wakers.rules.notify_one();
    Ok(Json(rule))
}

/// Deletes a rule with its history and alerts.
#[utoipa::path(delete, path = "/v1/rules/{id}", tag = "alerts",
    params(("id" = RuleId, Path, description = "The rule")),
    responses(
        (status = 204, description = "It is gone"),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<RuleId>,
) -> Result<StatusCode, ApiError> {
    let rule = find(&state, caller.project, id).await?;
    if !state.store.delete_rule(caller.project, id).await? {
        return Err(ApiError::not_found("rule"));
    }
    state.audit(&caller, "rule.delete", id, json!({ "before": rule.spec })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A rule's changes of phase and health with their reasons, newest first.
#[utoipa::path(get, path = "/v1/rules/{id}/history", tag = "alerts",
    params(("id" = RuleId, Path, description = "The rule"), HistoryParams),
    responses(
        (status = 200, description = "A page of them", body = Page<RuleEvent>),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn history(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<RuleId>,
    Params(params): Params<HistoryParams>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let rule = find(&state, caller.project, id).await?;
    let request = PageRequest::<i64>::new(params.limit, params.cursor.as_deref())?;
    let filter = RuleEventFilter {
        from: params.from,
        to: params.to,
        before: request.before,
        limit: request.fetch(),
    };
    let found = state.store.rule_history(rule.id, &filter).await?;
    let rows = found.into_iter().map(|(number, event)| Entry { number, event }).collect();
    Ok(page::respond(&request, rows, |entry: &Entry| (entry.event.at, entry.number), &uri))
}

/// What a rule would say now, with its figures; nothing is stored and nobody is told.
#[utoipa::path(post, path = "/v1/rules/preview", tag = "alerts", request_body = RuleSpec,
    responses(
        (status = 200, description = "The condition's figures now", body = Preview),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn preview(
    State(state): State<AppState>,
    caller: Principal,
    Document(spec): Document<RuleSpec>,
) -> Result<Json<Preview>, ApiError> {
    check(&state, caller.project, &spec).await?;
    let (now, mut maturities) = (state.now(), Maturities::default());
    let mut figures = Figures::new(&state.store, caller.project, now, &mut maturities).await?;
    let readings = figures.read(&spec.when).await?;
    let judgement = judge(&spec.when, &readings, false);
    let trouble = judgement.outcome.as_ref().err();
    Ok(Json(Preview {
        holds: judgement.outcome.as_ref().ok().copied(),
        health: trouble.map_or(Health::Ok, |trouble| trouble.health),
        detail: trouble.map(|trouble| trouble.detail.clone()),
        figures: judgement.findings,
    }))
}

async fn check(state: &AppState, project: ProjectId, spec: &RuleSpec) -> Result<(), ApiError> {
    let problems = spec.problems().into_iter();
    let mut faults: Vec<_> = problems.map(|(pointer, detail)| Fault::at(pointer, detail)).collect();
    receivers::check_known(state, project, &spec.receivers, &mut faults).await?;
    ApiError::refuse(faults, "the rule does not hold together; see errors")
}

//! A project's rules on what texts may say: set, taught, switched on and off.

pub(crate) mod teach;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id};
use crate::api::monitors::created;
use crate::api::page::Page;
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::id::{PolicyId, ProjectId};
use crate::model::policy::{Made, Policy, PolicyAction, PolicyKind, PolicySpec};
use crate::policy::{Judge, MAX_POLICIES, Report, start};

/// Interactions that are searched for flagged ones, newest first, and how many are told.
const SEARCHED: i64 = 5000;
const FLAGGED: usize = 20;

/// A policy.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PolicyView {
    id: PolicyId,
    #[serde(flatten)]
    spec: PolicySpec,
    /// `draft` (nothing is learned yet), `fitted` (learned and not in force), `active` (in force).
    status: &'static str,
    /// Its place in streams and counts, where it is `policy/3`.
    slot: u8,
    /// How often it was changed.
    version: i64,
    /// What was measured when it was taught last.
    fitted: Option<Measured>,
    /// What was measured of what is in force.
    active: Option<Measured>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A judge as far as it is of interest.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Measured {
    /// How good it is; none of a lexicon.
    report: Option<Report>,
    /// The embedding model that it knows; of others it says nothing. None of a lexicon.
    model_digest: Option<String>,
    made_at: Timestamp,
}

impl From<Made> for Measured {
    fn from(made: Made) -> Self {
        Self { report: made.report, model_digest: made.model_digest, made_at: made.made_at }
    }
}

impl From<Policy> for PolicyView {
    fn from(policy: Policy) -> Self {
        let status = match (&policy.active, &policy.fitted) {
            (Some(_), _) => "active",
            (None, Some(_)) => "fitted",
            (None, None) => "draft",
        };
        Self {
            id: policy.id,
            status,
            slot: policy.slot,
            version: policy.version,
            fitted: policy.fitted.map(Measured::from),
            active: policy.active.map(Measured::from),
            created_at: policy.created_at,
            updated_at: policy.updated_at,
            spec: policy.spec,
        }
    }
}

/// What is to be changed of a policy; what is missing stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyChange {
    name: Option<String>,
    action: Option<PolicyAction>,
    /// It has to be taught again for this.
    false_alarms: Option<f64>,
    /// The words of a lexicon; they count once it is activated again.
    words: Option<Vec<String>>,
}

/// Interactions that are against a policy.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Flagged {
    /// Newest first, 20 at most of the latest 5,000 interactions.
    items: Vec<FlaggedText>,
}

/// One of them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct FlaggedText {
    interaction_id: String,
    language: &'static str,
    characters: u32,
}

/// The project's policies.
#[utoipa::path(get, path = "/v1/policies", tag = "policies",
    responses(
        (status = 200, description = "All of them on one page", body = Page<PolicyView>),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<Page<PolicyView>>, ApiError> {
    let policies = state.store.list_policies(caller.project).await?;
    let items = policies.into_iter().map(PolicyView::from).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

/// Makes a policy. It judges nothing before it is taught and activated.
#[utoipa::path(post, path = "/v1/policies", tag = "policies", request_body = PolicySpec,
    responses(
        (status = 201, description = "The policy", body = PolicyView),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Principal,
    Document(spec): Document<PolicySpec>,
) -> Result<Response, ApiError> {
    check(&spec)?;
    let now = state.now();
    let mut policy = Policy {
        id: state.random(|rng| PolicyId::new(now, rng)),
        project_id: caller.project,
        fitted: of_words(&spec, now),
        spec,
        slot: 0,
        version: 1,
        active: None,
        created_at: now,
        updated_at: now,
    };
    if !state.store.insert_policy(&mut policy).await? {
        let detail = format!("a project has {MAX_POLICIES} policies at most: delete one first");
        return Err(ApiError::new(Code::Conflict, detail));
    }
    let examples = match policy.spec.kind {
        PolicyKind::Refusal => start::refusals(),
        PolicyKind::Injection => start::injections(),
        _ => Vec::new(),
    };
    let examples: Vec<_> =
        examples.into_iter().map(|start| teach::example(start.text, start.label)).collect();
    state.store.add_policy_examples((policy.project_id, policy.id), &examples, now).await?;
    let payload = json!({ "after": policy.spec, "start_examples": examples.len() });
    state.audit(&caller, "policy.create", policy.id, payload).await?;
    let place = format!("/v1/policies/{}", policy.id);
    Ok(created(&place, Json(PolicyView::from(policy))))
}

/// One policy.
#[utoipa::path(get, path = "/v1/policies/{id}", tag = "policies",
    params(("id" = PolicyId, Path, description = "The policy")),
    responses(
        (status = 200, description = "The policy", body = PolicyView),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<PolicyId>,
) -> Result<Json<PolicyView>, ApiError> {
    Ok(Json(find(&state, caller.project, id).await?.into()))
}

/// Changes a policy. What is in force stays in force until it is activated again.
#[utoipa::path(patch, path = "/v1/policies/{id}", tag = "policies", request_body = PolicyChange,
    params(("id" = PolicyId, Path, description = "The policy")),
    responses(
        (status = 200, description = "The policy as it is now", body = PolicyView),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn update(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<PolicyId>,
    Document(change): Document<PolicyChange>,
) -> Result<Json<PolicyView>, ApiError> {
    let mut policy = find(&state, caller.project, id).await?;
    let before = policy.spec.clone();
    let spec = &mut policy.spec;
    spec.name = change.name.unwrap_or_else(|| before.name.clone());
    spec.action = change.action.unwrap_or(before.action);
    spec.false_alarms = change.false_alarms.unwrap_or(before.false_alarms);
    spec.words = change.words.unwrap_or_else(|| before.words.clone());
    check(spec)?;
    if spec.kind == PolicyKind::Lexicon {
        policy.fitted = of_words(spec, state.now());
    } else if (spec.false_alarms - before.false_alarms).abs() > f64::EPSILON {
        policy.fitted = None;
    }
    let payload = json!({ "before": before, "after": policy.spec });
    let changed = save(&state, policy).await?;
    state.audit(&caller, "policy.update", id, payload).await?;
    Ok(Json(changed.into()))
}

/// Deletes a policy with its examples.
#[utoipa::path(delete, path = "/v1/policies/{id}", tag = "policies",
    params(("id" = PolicyId, Path, description = "The policy")),
    responses(
        (status = 204, description = "It is gone"),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<PolicyId>,
) -> Result<StatusCode, ApiError> {
    if !state.store.delete_policy(caller.project, id, state.now()).await? {
        return Err(ApiError::not_found("policy"));
    }
    state.guards.forget(caller.project);
    state.audit(&caller, "policy.delete", id, json!({})).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts in force what was learned last. References that are frozen or calibrated from now on have its
/// rate, and their monitors watch it.
#[utoipa::path(post, path = "/v1/policies/{id}/activate", tag = "policies",
    params(("id" = PolicyId, Path, description = "The policy")),
    responses(
        (status = 200, description = "The policy, in force", body = PolicyView),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn activate(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<PolicyId>,
) -> Result<Json<PolicyView>, ApiError> {
    let mut policy = find(&state, caller.project, id).await?;
    if policy.fitted.is_none() {
        let detail = "nothing is learned yet: POST to its /fit and look at the report first";
        return Err(ApiError::new(Code::Conflict, detail));
    }
    policy.active.clone_from(&policy.fitted);
    let report = policy.active.as_ref().and_then(|made| made.report.clone());
    let active = save(&state, policy).await?;
    let payload = json!({ "version": active.version, "report": report });
    state.audit(&caller, "policy.activate", id, payload).await?;
    Ok(Json(active.into()))
}

/// Takes a policy out of force; what was learned stays.
#[utoipa::path(post, path = "/v1/policies/{id}/deactivate", tag = "policies",
    params(("id" = PolicyId, Path, description = "The policy")),
    responses(
        (status = 200, description = "The policy, not in force", body = PolicyView),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn deactivate(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<PolicyId>,
) -> Result<Json<PolicyView>, ApiError> {
    let mut policy = find(&state, caller.project, id).await?;
    policy.active = None;
    let inactive = save(&state, policy).await?;
    let payload = json!({ "version": inactive.version });
    state.audit(&caller, "policy.deactivate", id, payload).await?;
    Ok(Json(inactive.into()))
}

/// Interactions that were against the policy lately.
#[utoipa::path(get, path = "/v1/policies/{id}/flagged", tag = "policies",
    params(("id" = PolicyId, Path, description = "The policy")),
    responses(
        (status = 200, description = "The interactions", body = Flagged),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn flagged(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<PolicyId>,
) -> Result<Json<Flagged>, ApiError> {
    let policy = find(&state, caller.project, id).await?;
    let slot = usize::from(policy.slot);
    let latest = state.store.latest_signals(caller.project, SEARCHED).await?;
    let items = latest
        .into_iter()
        .filter_map(|(interaction_id, signals)| {
            let sides = [signals.query, signals.response];
            let seen = sides.into_iter().flatten().find(|seen| seen.slots().any(|s| s == slot))?;
            let (language, characters) = (seen.told_language(), seen.characters);
            Some(FlaggedText { interaction_id, language, characters })
        })
        .take(FLAGGED)
        .collect();
    Ok(Json(Flagged { items }))
}

fn check(spec: &PolicySpec) -> Result<(), ApiError> {
    let problems = spec.problems().into_iter();
    let faults = problems.map(|(pointer, detail)| Fault::at(pointer, detail)).collect();
    ApiError::refuse(faults, "such a policy cannot be; see errors")
}

/// A lexicon has nothing to learn.
fn of_words(spec: &PolicySpec, now: Timestamp) -> Option<Made> {
    (spec.kind == PolicyKind::Lexicon).then(|| Made {
        judge: Judge::Lexicon(spec.words.clone().into()),
        report: None,
        model_digest: None,
        made_at: now,
    })
}

async fn find(state: &AppState, project: ProjectId, id: PolicyId) -> Result<Policy, ApiError> {
    let found = state.store.find_policy(project, id).await?;
    found.ok_or_else(|| ApiError::not_found("policy"))
}

/// Writes a changed policy; it as it is then.
async fn save(state: &AppState, mut policy: Policy) -> Result<Policy, ApiError> {
    policy.updated_at = state.now();
    if !state.store.update_policy(&policy).await? {
        let detail = "somebody else has changed it meanwhile: read it and try again";
        return Err(ApiError::new(Code::Conflict, detail));
    }
    policy.version += 1;
    state.guards.forget(policy.project_id);
    Ok(policy)
}

//! What a project does with personal data, its keys for pseudonyms, and screening as a call of its own.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use hyper::StatusCode;
use rand::RngCore;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id};
use crate::api::state::AppState;
use crate::model::screening::{Fail, MAX_DEADLINE_MS, PseudonymKey, Screening};
use crate::prepare::guard::{Guard, Judged};
use crate::screen::policy::{Action, Applied, Decision, Side};
use crate::screen::{EntityType, VERSION};

/// The settings in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ScreeningView {
    /// How often they or the keys were changed; 0 for the defaults.
    version: i64,
    /// Version of the recognisers.
    recognisers_version: u32,
    /// `enabled`, `screen` (regions and what is looked for), `policy` (what is done with it),
    /// `store_text`, `fail` and `deadline_ms`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    settings: Screening,
    /// The keys for pseudonyms, oldest first; the latest that is not destroyed is the current one.
    keys: Vec<PseudonymKey>,
}

/// Texts to screen.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScreenRequest {
    /// What was asked.
    #[serde(default)]
    query: Option<String>,
    /// What is to be answered.
    #[serde(default)]
    response: Option<String>,
    /// Milliseconds after which the answer comes without having looked, as `fail` says; that of the
    /// project without it. With 0 it always does, to try that out.
    #[serde(default)]
    deadline_ms: Option<u32>,
}

/// What may be done with the texts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ScreenAnswer {
    /// `allow`, `flag`, `redact` or `block`.
    #[schema(value_type = String)]
    action: Decision,
    /// Version of the project's settings.
    policy_version: u32,
    /// Version of the recognisers.
    recognisers_version: u32,
    /// What was found, in the order of the texts; never the value.
    findings: Vec<FindingView>,
    /// The query that may be passed on; not there where it was blocked or not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    /// The response that may be passed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<String>,
    /// Why it is not `allow`.
    reasons: Vec<String>,
    /// Whether the deadline passed, so that nothing was looked at.
    degraded: bool,
}

/// Something that was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct FindingView {
    /// `query` or `response`.
    #[schema(value_type = String)]
    side: Side,
    /// Its type: `EMAIL`.
    #[schema(value_type = String)]
    entity: EntityType,
    /// What exactly, where known: `ZA_ID`.
    subtype: Option<String>,
    /// Where it begins in the text as sent, in bytes of UTF-8.
    start: usize,
    /// Where it ends.
    end: usize,
    /// Where it begins, in Unicode code points.
    start_char: usize,
    /// Where it ends, in Unicode code points.
    end_char: usize,
    /// From 0 to 1: an order, not a probability.
    score: f32,
    /// What the policy does with it.
    #[schema(value_type = String)]
    action: Action,
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
    let (settings, problems) = tokio::task::spawn_blocking(move || {
        let problems = settings.problems(has_key);
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
    Ok(ScreeningView { version, recognisers_version: VERSION, settings, keys })
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

/// Screens texts as those of interactions are screened, and stores nothing.
#[utoipa::path(post, path = "/v1/screen", tag = "screening", request_body = ScreenRequest,
    responses(
        (status = 200, description = "What may be done with them", body = ScreenAnswer),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn screen(
    State(state): State<AppState>,
    caller: Principal,
    Document(request): Document<ScreenRequest>,
) -> Result<Json<ScreenAnswer>, ApiError> {
    check(&request, state.config.limits.text_bytes)?;
    let guard = state.guard(caller.project).await?;
    let deadline = request.deadline_ms.unwrap_or(guard.settings().deadline_ms);
    let ScreenRequest { query, response, .. } = request;
    let (texts, screening) = ((query.clone(), response.clone()), guard.clone());
    let work = tokio::task::spawn_blocking(move || {
        let judged = screening.judge(texts.0.as_deref(), texts.1.as_deref());
        answer(&screening, judged, (texts.0.as_deref(), texts.1.as_deref()))
    });
    let in_time = async {
        match deadline {
            0 => None,
            ms => tokio::time::timeout(Duration::from_millis(ms.into()), work).await.ok(),
        }
    };
    match in_time.await {
        Some(answered) => Ok(Json(answered.map_err(ApiError::internal)?)),
        None => Ok(Json(degraded(&guard, query, response))),
    }
}

fn check(request: &ScreenRequest, text_bytes: usize) -> Result<(), ApiError> {
    let mut faults = Vec::new();
    if request.query.is_none() && request.response.is_none() {
        faults.push(Fault::at("", "give a query, a response, or both"));
    }
    for (pointer, text) in [("/query", &request.query), ("/response", &request.response)] {
        if text.as_ref().is_some_and(|text| text.len() > text_bytes) {
            faults.push(Fault::at(
                pointer,
                format!("holds more than {text_bytes} bytes; shorten it"),
            ));
        }
    }
    if request.deadline_ms.is_some_and(|ms| ms > MAX_DEADLINE_MS) {
        faults.push(Fault::at("/deadline_ms", format!("must be 0 to {MAX_DEADLINE_MS}")));
    }
    ApiError::refuse(faults, "nothing was screened; see errors")
}

fn answer(guard: &Guard, judged: Judged, texts: (Option<&str>, Option<&str>)) -> ScreenAnswer {
    let mut reasons: Vec<String> = Vec::new();
    for (side, applied) in judged.findings.iter().filter(|(_, a)| a.action != Action::Allow) {
        let (side, action) = (named(side), named(&applied.action));
        let reason = format!("{} in the {side}: {action}", applied.entity);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    let text = |side| if side == Side::Query { texts.0 } else { texts.1 };
    let mut places = Places::default();
    let findings = judged
        .findings
        .into_iter()
        .map(|(side, applied)| places.view(side, applied, text(side).unwrap_or_default()));
    let findings = findings.collect();
    // What is blocked is not handed out in part either.
    let blocked = judged.decision == Decision::Block;
    ScreenAnswer {
        action: judged.decision,
        policy_version: guard.settings().policy.version,
        recognisers_version: VERSION,
        findings,
        query: judged.query.filter(|_| !blocked),
        response: judged.response.filter(|_| !blocked),
        reasons,
        degraded: false,
    }
}

/// The answer of one who has not looked.
fn degraded(guard: &Guard, query: Option<String>, response: Option<String>) -> ScreenAnswer {
    let open = guard.settings().fail == Fail::Open;
    ScreenAnswer {
        action: if open { Decision::Allow } else { Decision::Block },
        policy_version: guard.settings().policy.version,
        recognisers_version: VERSION,
        findings: Vec::new(),
        query: query.filter(|_| open),
        response: response.filter(|_| open),
        reasons: vec!["the deadline passed before the texts were looked at".to_owned()],
        degraded: true,
    }
}

/// The name of a unit variant on the wire.
fn named(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| Some(v.as_str()?.to_owned())).unwrap_or_default()
}

/// Counts code points up to where findings begin and end, each text once.
#[derive(Default)]
struct Places {
    side: Option<Side>,
    bytes: usize,
    characters: usize,
}

impl Places {
    /// `applied` with its place; findings come in the order of their text.
    fn view(&mut self, side: Side, applied: Applied, text: &str) -> FindingView {
        if self.side != Some(side) {
            *self = Self { side: Some(side), ..Self::default() };
        }
        let Applied { entity, subtype, span, score, action } = applied;
        let (start_char, end_char) = (self.at(span.start, text), self.at(span.end, text));
        let (start, end) = (span.start, span.end);
        FindingView { side, entity, subtype, start, end, start_char, end_char, score, action }
    }

    fn at(&mut self, byte: usize, text: &str) -> usize {
        self.characters += text.get(self.bytes..byte).map_or(0, |between| between.chars().count());
        self.bytes = byte;
        self.characters
    }
}

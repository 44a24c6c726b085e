//! `POST /v1/screen`: what may be done with texts, before anybody sees them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Fault, Problem};
use crate::api::extract::Document;
use crate::api::state::AppState;
use crate::embed;
use crate::id::ProjectId;
use crate::model::policy::PolicyAction;
use crate::model::screening::{Fail, MAX_DEADLINE_MS};
use crate::policy::{PolicySet, Verdict};
use crate::prepare::guard::{Guard, Judged};
use crate::screen::policy::{Action, Applied, Decision, Side};
use crate::screen::{EntityType, Recogniser, VERSION};

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
    /// The conversation they belong to: what the response tells of another conversation is then said.
    #[serde(default)]
    session_id: Option<String>,
    /// `fast` looks for personal data and for words; `full` holds the texts against every policy in
    /// force, for which they are embedded.
    #[serde(default)]
    mode: Mode,
}

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    #[default]
    Fast,
    Full,
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
    /// Types of which the response holds a value that a user told in another conversation.
    foreign: Vec<&'static str>,
    /// The policies that the texts are against.
    policies: Vec<PolicyFinding>,
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
    /// What found it: `rules`, or `names_model`.
    #[schema(value_type = String)]
    recogniser: Recogniser,
    /// What the policy does with it.
    #[schema(value_type = String)]
    action: Action,
}

/// A policy that a text is against.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PolicyFinding {
    /// Its name.
    policy: String,
    /// `query` or `response`.
    #[schema(value_type = String)]
    side: Side,
    /// The higher, the more the text is against it.
    score: f64,
    /// Above this it is.
    threshold: f64,
    /// `flag` or `block`.
    action: PolicyAction,
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
    let (guard, policies) = state.screens(caller.project).await?;
    let deadline = request.deadline_ms.unwrap_or(guard.settings().deadline_ms);
    let ScreenRequest { query, response, mode, session_id, .. } = request;
    let conversation = (caller.project, session_id.as_deref());
    let texts = (query.as_deref(), response.as_deref());
    let work = look(&state, (&guard, &policies), conversation, texts, mode);
    let in_time = async {
        match deadline {
            0 => None,
            ms => tokio::time::timeout(Duration::from_millis(ms.into()), work).await.ok(),
        }
    };
    match in_time.await {
        Some(answered) => Ok(Json(answered?)),
        None => Ok(Json(degraded(&guard, query, response))),
    }
}

async fn look(
    state: &AppState,
    (guard, policies): (&Arc<Guard>, &Arc<PolicySet>),
    (project, session): (ProjectId, Option<&str>),
    (query, response): (Option<&str>, Option<&str>),
    mode: Mode,
) -> Result<ScreenAnswer, ApiError> {
    let (screening, texts) =
        (guard.clone(), (query.map(str::to_owned), response.map(str::to_owned)));
    let work = tokio::task::spawn_blocking(move || {
        screening.judge(texts.0.as_deref(), texts.1.as_deref())
    });
    let judged = work.await.map_err(ApiError::internal)?;
    // As at ingest, policies see what may be kept of the texts.
    let kept = (judged.query.clone(), judged.response.clone());
    let vectors = match mode {
        Mode::Fast => (None, None),
        Mode::Full => embed(state, policies, &kept).await?,
    };
    let held = policies.clone();
    let work = tokio::task::spawn_blocking(move || {
        let of = |side, text: &Option<String>, vector: &Option<Vec<f32>>| {
            against(&held, side, text.as_deref(), vector.as_deref())
        };
        let mut found = of(Side::Query, &kept.0, &vectors.0);
        found.extend(of(Side::Response, &kept.1, &vectors.1));
        found
    });
    let found = work.await.map_err(ApiError::internal)?;
    let foreign = foreign(state, project, session, &judged).await?;
    Ok(answer(guard, judged, (query, response), found, foreign))
}

/// The types of which the response holds a value that was told in another conversation.
async fn foreign(
    state: &AppState,
    project: ProjectId,
    session: Option<&str>,
    judged: &Judged,
) -> Result<Vec<&'static str>, ApiError> {
    let Some(session) = session else { return Ok(Vec::new()) };
    let mut types = BTreeSet::new();
    for value in &judged.values.disclosed {
        if state.store.is_of_others(project, session, value).await? {
            types.extend(EntityType::counted().nth(value.place));
        }
    }
    Ok(types.into_iter().collect())
}

/// The vectors that policies ask for.
async fn embed(
    state: &AppState,
    policies: &PolicySet,
    (query, response): &(Option<String>, Option<String>),
) -> Result<(Option<Vec<f32>>, Option<Vec<f32>>), ApiError> {
    let is_wanted = |side, text: &&String| policies.needs_vector(side) && !text.trim().is_empty();
    let query = query.as_ref().filter(|text| is_wanted(Side::Query, text));
    let response = response.as_ref().filter(|text| is_wanted(Side::Response, text));
    let (asks, answers) = (query.is_some(), response.is_some());
    if !(asks || answers) {
        return Ok((None, None));
    }
    let query = query.map(|text| (embed::Side::Query, text.clone()));
    let response = response.map(|text| (embed::Side::Response, text.clone()));
    let texts = query.into_iter().chain(response).collect();
    let vectors = state.embed_service()?.embed(texts).await;
    let vectors = vectors.map_err(|e| ApiError::unavailable("the texts cannot be embedded", e))?;
    let mut vectors = vectors.into_iter();
    let query = if asks { vectors.next() } else { None };
    Ok((query, if answers { vectors.next() } else { None }))
}

/// The policies that a text is against.
fn against(
    policies: &PolicySet,
    side: Side,
    text: Option<&str>,
    vector: Option<&[f32]>,
) -> Vec<PolicyFinding> {
    let judged = policies.judge(side, text, vector);
    let over =
        judged.filter_map(|(member, verdict)| Some((member, verdict.filter(Verdict::is_over)?)));
    over.map(|(member, verdict)| PolicyFinding {
        policy: member.name.clone(),
        side,
        score: verdict.score,
        threshold: verdict.threshold,
        action: if member.blocks { PolicyAction::Block } else { PolicyAction::Flag },
    })
    .collect()
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

fn answer(
    guard: &Guard,
    judged: Judged,
    texts: (Option<&str>, Option<&str>),
    policies: Vec<PolicyFinding>,
    foreign: Vec<&'static str>,
) -> ScreenAnswer {
    let mut reasons: Vec<String> = Vec::new();
    for (side, applied) in judged.findings.iter().filter(|(_, a)| a.action != Action::Allow) {
        let (side, action) = (named(side), named(&applied.action));
        let reason = format!("{} in the {side}: {action}", applied.entity);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    for found in &policies {
        let (side, action) = (named(&found.side), named(&found.action));
        reasons.push(format!("the {side} is against {}: {action}", found.policy));
    }
    for entity in &foreign {
        reasons.push(format!("{entity} in the response was told in another conversation"));
    }
    let text = |side| if side == Side::Query { texts.0 } else { texts.1 };
    let mut places = Places::default();
    let findings = judged
        .findings
        .into_iter()
        .map(|(side, applied)| places.view(side, applied, text(side).unwrap_or_default()));
    let findings = findings.collect();
    // What is blocked is not handed out in part either.
    let is_told = if foreign.is_empty() { Decision::Allow } else { Decision::Flag };
    let decision = judged.decision.max(decision(&policies)).max(is_told);
    let blocked = decision == Decision::Block;
    ScreenAnswer {
        action: decision,
        policy_version: guard.settings().policy.version,
        recognisers_version: VERSION,
        findings,
        foreign,
        policies,
        query: judged.query.filter(|_| !blocked),
        response: judged.response.filter(|_| !blocked),
        reasons,
        degraded: false,
    }
}

fn decision(policies: &[PolicyFinding]) -> Decision {
    let decisions = policies.iter().map(|found| match found.action {
        PolicyAction::Flag => Decision::Flag,
        PolicyAction::Block => Decision::Block,
    });
    decisions.max().unwrap_or(Decision::Allow)
}

/// The answer of one who has not looked.
fn degraded(guard: &Guard, query: Option<String>, response: Option<String>) -> ScreenAnswer {
    let open = guard.settings().fail == Fail::Open;
    ScreenAnswer {
        action: if open { Decision::Allow } else { Decision::Block },
        policy_version: guard.settings().policy.version,
        recognisers_version: VERSION,
        findings: Vec::new(),
        foreign: Vec::new(),
        policies: Vec::new(),
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
        let Applied { entity, subtype, span, score, recogniser, action } = applied;
        let (start_char, end_char) = (self.at(span.start, text), self.at(span.end, text));
        let (start, end) = (span.start, span.end);
        FindingView {
            side,
            entity,
            subtype,
            start,
            end,
            start_char,
            end_char,
            score,
            recogniser,
            action,
        }
    }

    fn at(&mut self, byte: usize, text: &str) -> usize {
        self.characters += text.get(self.bytes..byte).map_or(0, |between| between.chars().count());
        self.bytes = byte;
        self.characters
    }
}

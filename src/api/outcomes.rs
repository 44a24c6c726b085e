//! Business outcomes: taken in, and what each name of them means.

mod item;
pub(crate) mod lead_lag;
pub(crate) mod summary;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hyper::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::auth::Principal;
use crate::api::body;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id};
use crate::api::ingest;
use crate::api::ingest::parse::Parsed;
use crate::api::page::Page;
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::outcome::{
    DEFAULT_WINDOW_DAYS, Direction, Good, OutcomeDefinition, OutcomeKind, is_name,
};
use crate::store::{Counter, MAX_DEFINITIONS, OutcomeInsert};
use item::ReceivedOutcome;

/// An outcome to be sent: exactly one of `interaction_id`, `session_id` and `subject`.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the schema of what `outcomes::item` reads field by field")]
pub(crate) struct OutcomeInput {
    /// Your id of it, 1 to 200 bytes: sending it again is harmless. Without one the content is the key.
    id: Option<String>,
    /// The interaction it is about.
    interaction_id: Option<String>,
    /// The conversation it is about: its latest interaction at that time.
    session_id: Option<String>,
    /// The person it is about: their latest interaction at that time.
    subject: Option<String>,
    /// What was measured, such as `resolved`.
    name: String,
    /// A boolean, a number, or a text of at most 64 bytes.
    #[schema(value_type = Object)]
    value: String,
    /// When it came about, RFC 3339; the moment it is received where it is missing.
    occurred_at: Option<Timestamp>,
}

/// What became of a request's outcomes: accepted, duplicate and rejected sum up to its items.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct OutcomesAnswer {
    /// Stored by this request, durably.
    accepted: usize,
    /// Of the accepted: put down to their interaction.
    joined: usize,
    /// Of the accepted: wait for their interaction.
    parked: usize,
    /// Stored before, with the same content.
    duplicate: usize,
    /// Refused; see `errors`.
    rejected: usize,
    /// Why items were refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
}

/// Takes outcomes: one object, an array, JSON lines or concatenated JSON.
#[utoipa::path(
    post,
    path = "/v1/outcomes",
    tag = "outcomes",
    request_body(
        description = "One outcome, a JSON array of them, or JSON lines; gzip and zstd are read",
        content(
            (OutcomeInput = "application/json"),
            (OutcomeInput = "application/x-ndjson"),
        )
    ),
    responses(
        (status = 202, description = "The accepted outcomes are durable", body = OutcomesAnswer),
        (status = "default", description = "Nothing was stored", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Principal,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body = body::read(&headers, body, state.batch_limits(), &state.budget).await?;
    let max_items = state.config.limits.batch_items;
    let parsed = ingest::parse_body(&state, &body, max_items, item::read).await?;
    let answer = keep(&state, caller.project, parsed).await?;
    drop(body);
    if answer.rejected > 0 && answer.accepted + answer.duplicate == 0 {
        let detail = format!("none of {} outcomes was stored; see errors", answer.rejected);
        return Err(ApiError::new(Code::AllRejected, detail).with_errors(answer.errors));
    }
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

async fn keep(
    state: &AppState,
    project: ProjectId,
    parsed: Parsed<ReceivedOutcome>,
) -> Result<OutcomesAnswer, ApiError> {
    let now = state.now();
    let mut answer = OutcomesAnswer {
        rejected: parsed.rejected,
        errors: parsed.faults,
        ..OutcomesAnswer::default()
    };
    let (mut rows, mut places) = (Vec::new(), Vec::new());
    for (index, item) in parsed.items {
        let id = item.id.clone();
        let pseudonym = |subject: &_| state.store.pseudonym(project, subject);
        let Some(row) = item.into_new(now, pseudonym) else {
            // Without a key the reader has refused every subject already.
            answer.rejected += 1;
            continue;
        };
        places.push((index, id));
        rows.push(row);
    }
    let refused = answer.rejected as i64;
    let results = state.store.insert_outcomes(project, &rows, now).await?;
    if refused > 0 {
        let counts = [(Counter::OutcomesRejected, refused)];
        // The rows are stored: an error here must not tell the caller to send them again.
        if let Err(error) = state.store.add_counters(project, &counts).await {
            tracing::error!(%error, refused, "could not add to the counters");
        }
    }
    for ((index, id), result) in places.into_iter().zip(results) {
        answer.count(index, id, result);
    }
    // People read errors in the order of their items.
    answer.errors.sort_by_key(|fault| fault.index);
    Ok(answer)
}

impl OutcomesAnswer {
    fn count(&mut self, index: usize, id: Option<String>, result: OutcomeInsert) {
        let (code, pointer, detail) = match result {
            OutcomeInsert::Joined => {
                self.accepted += 1;
                self.joined += 1;
                return;
            }
            OutcomeInsert::Parked => {
                self.accepted += 1;
                self.parked += 1;
                return;
            }
            OutcomeInsert::Duplicate => {
                self.duplicate += 1;
                return;
            }
            OutcomeInsert::Conflict => {
                let detail = "is stored already with another content; send it under a new id";
                (Code::Conflict, "/id", detail.to_owned())
            }
            OutcomeInsert::Misfit(detail) => (Code::Invalid, "/value", detail.to_owned()),
            OutcomeInsert::TooManyNames => (
                Code::Invalid,
                "/name",
                format!(
                    "is new, and the project has {MAX_DEFINITIONS} names, which is the limit; \
                     use one of them, or delete a definition"
                ),
            ),
        };
        self.rejected += 1;
        self.errors.push(Fault {
            index: Some(index),
            id,
            code: code.as_str().to_owned(),
            pointer: pointer.to_owned(),
            detail,
        });
    }
}

/// What outcomes of one name mean.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DefinitionInput {
    /// What values they have.
    kind: OutcomeKind,
    /// Which way is better: `up` (the default) or `down`, or the good values of a category.
    good: Option<Good>,
    /// How many days before an outcome the interaction may lie that it is put down to, 1 to 90; 7
    /// where it is missing.
    attribution_window_days: Option<u32>,
}

/// What outcomes of each name mean.
#[utoipa::path(get, path = "/v1/outcomes/definitions", tag = "outcomes",
    responses(
        (status = 200, description = "All of them on one page, by name", body = Page<OutcomeDefinition>),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<Page<OutcomeDefinition>>, ApiError> {
    let items = state.store.outcome_definitions(caller.project).await?;
    Ok(Json(Page { items, next_cursor: None }))
}

/// Says what outcomes of this name mean; replaces what was said before or assumed.
#[utoipa::path(put, path = "/v1/outcomes/definitions/{name}", tag = "outcomes",
    request_body = DefinitionInput,
    params(("name" = String, Path, description = "The outcomes' name")),
    responses(
        (status = 200, description = "The definition as it is now", body = OutcomeDefinition),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn set(
    State(state): State<AppState>,
    caller: Principal,
    Id(name): Id<String>,
    Document(input): Document<DefinitionInput>,
) -> Result<Json<OutcomeDefinition>, ApiError> {
    let now = state.now();
    // A name that cannot be is refused before the store sees it.
    let known = if is_name(&name) {
        state.store.find_outcome_definition(caller.project, &name).await?
    } else {
        None
    };
    let good = input.good.unwrap_or(match input.kind {
        OutcomeKind::Category => Good::Values(Vec::new()),
        _ => Good::Direction(Direction::Up),
    });
    let definition = OutcomeDefinition {
        project_id: caller.project,
        name,
        kind: input.kind,
        good,
        attribution_window_days: input.attribution_window_days.unwrap_or(DEFAULT_WINDOW_DAYS),
        automatic: false,
        created_at: known.as_ref().map_or(now, |known| known.created_at),
        updated_at: now,
    };
    let problems = definition.problems();
    let faults = problems.into_iter().map(|(pointer, detail)| Fault::at(pointer, detail)).collect();
    ApiError::refuse(faults, "such a definition cannot be; see errors")?;
    let all = state.store.outcome_definitions(caller.project).await?.len();
    if known.is_none() && all >= MAX_DEFINITIONS {
        let detail = format!("the project has {all} names, which is the limit: delete one first");
        return Err(ApiError::new(Code::Conflict, detail));
    }
    state.store.set_outcome_definition(&definition).await?;
    let payload = json!({ "before": known, "after": definition });
    state.audit(&caller, "outcome_definition.set", &definition.name, payload).await?;
    Ok(Json(definition))
}

/// Forgets what outcomes of this name mean; the outcomes stay, and the next one makes it anew.
#[utoipa::path(delete, path = "/v1/outcomes/definitions/{name}", tag = "outcomes",
    params(("name" = String, Path, description = "The outcomes' name")),
    responses(
        (status = 204, description = "It is gone"),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Principal,
    Id(name): Id<String>,
) -> Result<StatusCode, ApiError> {
    if is_name(&name) && state.store.delete_outcome_definition(caller.project, &name).await? {
        state.audit(&caller, "outcome_definition.delete", &name, json!({})).await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::not_found("definition"))
}

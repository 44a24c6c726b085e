//! Ingest: a body of interactions → durable rows → 202.

pub(crate) mod backlog;
pub(crate) mod fields;
pub(crate) mod group_commit;
pub(crate) mod item;
pub(crate) mod parse;
pub(crate) mod screened;
pub(crate) mod split;
pub(crate) mod value;

use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hyper::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::api::auth::Principal;
use crate::api::body;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::ingest::item::Received;
use crate::api::ingest::parse::{Parsed, ReadItem, parse};
use crate::api::ingest::screened::{Unscreened, screened};
use crate::api::ingest::value::Rules;
use crate::api::state::AppState;
use crate::clock::Timestamp;
use crate::id::{self, ProjectId};
use crate::model::interaction::NewInteraction;
use crate::store::{Counter, InsertOutcome};

/// Bodies of more bytes than this are parsed off the runtime's threads.
pub(super) const INLINE_BYTES: usize = 64 << 10;

/// What became of a request's interactions: the four counts sum up to the items of the request.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct IngestAnswer {
    /// Stored by this request, durably.
    accepted: usize,
    /// Stored before, with the same content.
    duplicate: usize,
    /// Left out by the sampler: counted, not stored.
    sampled_out: usize,
    /// Refused; see `errors`.
    rejected: usize,
    /// The ids made for items that came without one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<MadeId>,
    /// Why items were refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// How many of the rejected are conflicts.
    #[serde(skip)]
    conflicts: usize,
}

/// The id made for an item that came without one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MadeId {
    /// The item's place in the request, counted from 0.
    index: usize,
    /// Its id.
    id: String,
}

/// Takes interactions: one object, an array, JSON lines or concatenated JSON.
#[utoipa::path(
    post,
    path = "/v1/interactions",
    tag = "interactions",
    request_body(
        description = "One interaction, a JSON array of them, or JSON lines; gzip and zstd are read",
        content(
            (crate::api::interactions::InteractionInput = "application/json"),
            (crate::api::interactions::InteractionInput = "application/x-ndjson"),
        )
    ),
    responses(
        (status = 202, description = "The counted interactions are durable", body = IngestAnswer),
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
    let started = Instant::now();
    let answered = take(&state, caller.project, &headers, body).await;
    state.metrics.ingest_request_duration.observe(started.elapsed().as_secs_f64());
    answered
}

async fn take(
    state: &AppState,
    project: ProjectId,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    state.backlog.admit(&state.store, project, state.now()).await?;
    let body = body::read(headers, body, state.batch_limits(), &state.budget).await?;
    let parsed = parse_body(state, &body, state.config.limits.batch_items, item::read).await?;
    let answer = keep(state, project, parsed).await?;
    drop(body);
    if answer.accepted > 0 {
        state.wakers.embedding.notify_one();
    }
    respond(answer)
}

fn respond(answer: IngestAnswer) -> Result<Response, ApiError> {
    if answer.rejected > 0 && answer.accepted + answer.duplicate + answer.sampled_out == 0 {
        let detail = format!("none of {} interactions was stored; see errors", answer.rejected);
        return Err(ApiError::new(Code::AllRejected, detail).with_errors(answer.errors));
    }
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

/// Reads items from a body, off the runtime's threads where it is long.
pub(crate) async fn parse_body<T: Send + 'static>(
    state: &AppState,
    body: &body::ReadBody,
    max_items: usize,
    read: ReadItem<T>,
) -> Result<Parsed<T>, ApiError> {
    let (limits, now, subjects) =
        (state.config.limits.clone(), state.now(), state.store.keeps_subjects());
    let bytes = body.bytes.clone();
    let parse = move || parse(&bytes, Rules { limits: &limits, now, subjects }, max_items, read);
    if body.bytes.len() <= INLINE_BYTES {
        return parse();
    }
    tokio::task::spawn_blocking(parse).await.map_err(ApiError::internal)?
}

async fn keep(
    state: &AppState,
    project: ProjectId,
    parsed: Parsed<Received>,
) -> Result<IngestAnswer, ApiError> {
    let now = state.now();
    let mut answer = IngestAnswer {
        rejected: parsed.rejected,
        errors: parsed.faults,
        ..IngestAnswer::default()
    };
    let mut kept = Vec::new();
    for (index, item) in parsed.items {
        let mut item = prepare(state, project, index, item, now);
        let Some(probability) = state.sample(project, &item.row, now) else {
            answer.sampled_out += 1;
            continue;
        };
        item.row.inclusion_probability = probability;
        kept.push(item);
    }
    let (mut rows, mut places) = (Vec::new(), Vec::new());
    for (index, made, screened) in screened(state, project, kept).await? {
        match screened {
            Ok(row) => {
                if made {
                    answer.items.push(MadeId { index, id: row.id.clone() });
                }
                places.push((index, row.id.clone()));
                rows.push(row);
            }
            Err(fault) => {
                answer.rejected += 1;
                answer.errors.push(fault);
            }
        }
    }
    let (rejected, sampled_out) = (answer.rejected as i64, answer.sampled_out as i64);
    let outcomes = store(state, project, rows, now).await?;
    if rejected + sampled_out > 0 {
        let counts = [(Counter::Rejected, rejected), (Counter::SampledOut, sampled_out)];
        // The rows are stored: an error here must not tell the caller to send them again.
        if let Err(error) = state.store.add_counters(project, &counts).await {
            tracing::error!(%error, rejected, sampled_out, "could not add to the counters");
        }
    }
    for ((index, id), outcome) in places.into_iter().zip(outcomes) {
        answer.count(index, id, outcome);
    }
    // Conflicts come after the others; people read errors in the order of their items.
    answer.errors.sort_by_key(|fault| fault.index);
    state.backlog.add(project, answer.accepted as u64);
    measure(state, &answer);
    Ok(answer)
}

impl IngestAnswer {
    fn count(&mut self, index: usize, id: String, outcome: InsertOutcome) {
        match outcome {
            InsertOutcome::Accepted => self.accepted += 1,
            InsertOutcome::Duplicate => self.duplicate += 1,
            InsertOutcome::Conflict => {
                self.rejected += 1;
                self.conflicts += 1;
                self.errors.push(Fault {
                    index: Some(index),
                    id: Some(id),
                    code: Code::Conflict.as_str().to_owned(),
                    pointer: "/id".to_owned(),
                    detail: "is stored already with another content; send it under a new id"
                        .to_owned(),
                });
            }
        }
    }
}

/// The row of a received item, neither sampled nor screened yet.
pub(crate) fn prepare(
    state: &AppState,
    project: ProjectId,
    index: usize,
    item: Received,
    now: Timestamp,
) -> Unscreened {
    let subject = item.subject.as_ref().and_then(|name| state.store.pseudonym(project, name));
    let (id_was_made, has_time) = (item.id.is_none(), item.occurred_at.is_some());
    let row = item.into_new(now, subject, || state.random(|rng| id::interaction_id(now, rng)));
    Unscreened { index, id_was_made, has_time, row }
}

/// Stores `rows` durably: a single one together with those of other requests.
async fn store(
    state: &AppState,
    project: ProjectId,
    mut rows: Vec<NewInteraction>,
    now: Timestamp,
) -> Result<Vec<InsertOutcome>, ApiError> {
    crate::fault::point("ingest.before_commit");
    let outcomes = match rows.len() {
        0 => Vec::new(),
        1 => vec![state.commits.insert(project, rows.swap_remove(0)).await?],
        _ => state.store.insert_interactions(project, &rows, now).await?,
    };
    crate::fault::point("ingest.after_commit");
    Ok(outcomes)
}

fn measure(state: &AppState, answer: &IngestAnswer) {
    let results = [
        ("accepted", answer.accepted),
        ("duplicate", answer.duplicate),
        ("sampled_out", answer.sampled_out),
        ("conflict", answer.conflicts),
        ("rejected", answer.rejected - answer.conflicts),
    ];
    for (result, n) in results {
        state.metrics.count_ingested(result, n as u64);
    }
}

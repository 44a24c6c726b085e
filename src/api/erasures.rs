//! Data subjects: everything held on one is given out, or erased.

use std::collections::HashSet;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, TryStreamExt, stream};
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::audit::{json_lines, line};
use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id, Params};
use crate::api::state::AppState;
use crate::id::{ErasureId, ProjectId};
use crate::model::erasure::{Erasure, NewErasure};
use crate::model::outcome::{Subject, Target};
use crate::store::StoreError;

const ID_BYTES: usize = 200;

/// What is to be erased: exactly one of the three.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureInput {
    /// One interaction, by your id of it.
    interaction_id: Option<String>,
    /// A conversation.
    session_id: Option<String>,
    /// A person, as you name them. Needs `store.secret_key`.
    subject: Option<String>,
}

/// Whose data are asked for: exactly one of the two.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportParams {
    /// A person, as you name them. Needs `store.secret_key`.
    subject: Option<String>,
    /// A conversation.
    session_id: Option<String>,
}

/// The one target that is named.
fn target(
    state: &AppState,
    project: ProjectId,
    named: [(&'static str, Option<String>); 3],
) -> Result<Target, ApiError> {
    let refuse = |pointer: &str, detail: &str| {
        let error = ApiError::new(Code::Invalid, "it is not said of whom; see errors");
        Err(error.with_errors(vec![Fault::at(pointer, detail)]))
    };
    let mut given = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let (Some((name, value)), None) = (given.next(), given.next()) else {
        return refuse("", "give exactly one of interaction_id, session_id and subject");
    };
    if value.is_empty() || value.len() > ID_BYTES || value.contains('\0') {
        return refuse(&format!("/{name}"), "must hold 1 to 200 bytes");
    }
    Ok(match name {
        "interaction_id" => Target::Interaction(value),
        "session_id" => Target::Session(value),
        _ => match state.store.pseudonym(project, &Subject::new(value)) {
            Some(pseudonym) => Target::Subject(pseudonym),
            None => {
                return refuse("/subject", "needs store.secret_key, without which none is kept");
            }
        },
    })
}

/// Erases everything held on an interaction, a session or a subject, in the background.
#[utoipa::path(post, path = "/v1/erasures", tag = "audit", request_body = ErasureInput,
    responses(
        (status = 202, description = "It is noted; look at its state", body = Erasure),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Principal,
    Document(input): Document<ErasureInput>,
) -> Result<Response, ApiError> {
    let named = [
        ("interaction_id", input.interaction_id),
        ("session_id", input.session_id),
        ("subject", input.subject),
    ];
    let target = target(&state, caller.project, named)?;
    let now = state.now();
    let erasure = NewErasure {
        id: state.random(|rng| ErasureId::new(now, rng)),
        project_id: caller.project,
        target,
        requested_by: caller.actor(),
        created_at: now,
    };
    state.store.insert_erasure(&erasure).await?;
    // Of whom is left out: the trail cannot forget.
    let payload = json!({ "kind": erasure.target.kind() });
    state.audit(&caller, "erasure.request", erasure.id, payload).await?;
    state.wakers.erasure.notify_one();
    let place = [(hyper::header::LOCATION, format!("/v1/erasures/{}", erasure.id))];
    let body = find(&state, caller.project, erasure.id).await?;
    Ok((StatusCode::ACCEPTED, place, Json(body)).into_response())
}

async fn find(state: &AppState, project: ProjectId, id: ErasureId) -> Result<Erasure, ApiError> {
    let found = state.store.find_erasure(project, id).await?;
    found.ok_or_else(|| ApiError::not_found("erasure"))
}

/// One erasure: once it is done, with counts and with the row of the audit trail that proves it.
#[utoipa::path(get, path = "/v1/erasures/{id}", tag = "audit",
    params(("id" = ErasureId, Path, description = "The erasure")),
    responses(
        (status = 200, description = "The erasure", body = Erasure),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<ErasureId>,
) -> Result<Json<Erasure>, ApiError> {
    find(&state, caller.project, id).await.map(Json)
}

/// Everything that is held on a subject or a session, as JSON lines.
#[utoipa::path(get, path = "/v1/subjects/export", tag = "audit", params(ExportParams),
    operation_id = "subject_export",
    responses(
        (status = 200, description = "One interaction, outcome or row of a reference a line",
            content_type = "application/x-ndjson"),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn export(
    State(state): State<AppState>,
    caller: Principal,
    Params(params): Params<ExportParams>,
) -> Result<Response, ApiError> {
    let named =
        [("interaction_id", None), ("session_id", params.session_id), ("subject", params.subject)];
    let target = target(&state, caller.project, named)?;
    let payload = json!({ "kind": target.kind(), "of": target.id() });
    state.audit_read(&caller, "subject.export", payload, target.id().to_owned()).await?;
    let held = Held {
        state,
        project: caller.project,
        target,
        after: 0,
        seqs: Vec::new(),
        ids: HashSet::new(),
        done: false,
    };
    let lines = stream::try_unfold(held, |held| async move { held.next().await });
    let lines = lines.try_filter(|lines| std::future::ready(!lines.is_empty())).boxed();
    Ok(json_lines(Body::from_stream(lines)))
}

/// What is left to be given out.
struct Held {
    state: AppState,
    project: ProjectId,
    target: Target,
    after: i64,
    seqs: Vec<i64>,
    ids: HashSet<String>,
    done: bool,
}

impl Held {
    async fn next(mut self) -> Result<Option<(String, Self)>, StoreError> {
        if self.done {
            return Ok(None);
        }
        let rows =
            self.state.store.held_interactions(self.project, &self.target, self.after).await?;
        let mut lines = String::new();
        for row in &rows {
            self.after = row.seq;
            self.seqs.push(row.seq);
            self.ids.insert(row.id.clone());
            let mut document = json!({ "kind": "interaction", "held": row });
            // Stored as JSON: shown as such.
            for name in ["attributes", "metadata", "original"] {
                expand(&mut document["held"][name]);
            }
            lines.push_str(&line(&document));
        }
        if rows.is_empty() {
            lines = self.rest().await?;
            self.done = true;
        }
        Ok(Some((lines, self)))
    }

    async fn rest(&self) -> Result<String, StoreError> {
        let (store, project, target) = (&self.state.store, self.project, &self.target);
        let mut lines = String::new();
        for outcome in store.held_outcomes(project, target, &self.seqs).await? {
            lines.push_str(&line(&json!({ "kind": "outcome", "held": outcome })));
        }
        for (reference, rows, uploads) in store.held_references(project, target, &self.ids).await? {
            for row in rows {
                let held = json!({
                    "id": row.interaction_id, "occurred_at": row.occurred_at,
                    "session_id": row.session_id, "attributes": row.attributes,
                    "query_vector": row.query, "response_vector": row.response,
                });
                let document =
                    json!({ "kind": "reference_row", "reference_id": reference, "held": held });
                lines.push_str(&line(&document));
            }
            for row in uploads {
                let document =
                    json!({ "kind": "upload_row", "reference_id": reference, "held": row });
                lines.push_str(&line(&document));
            }
        }
        Ok(lines)
    }
}

/// A text that is JSON becomes what it says.
fn expand(value: &mut Value) {
    let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    if let Some(parsed) = parsed {
        *value = parsed;
    }
}

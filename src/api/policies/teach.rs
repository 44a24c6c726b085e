//! Examples of a policy, and what is learned from them.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{PolicyView, find, save};
use crate::api::auth::Principal;
use crate::api::error::{ApiError, Code, Fault, Problem};
use crate::api::extract::{Document, Id};
use crate::api::state::AppState;
use crate::embed::{EmbedService, Side as EmbedSide};
use crate::id::{PolicyId, ProjectId};
use crate::model::audit::hex;
use crate::model::interaction::Event;
use crate::model::policy::{Made, Policy, PolicyExample, PolicyKind};
use crate::model::reference::{Reference, ReferenceStatus};
use crate::policy::{Head, Judge, Lesson, OffTopic, Report, TeachError, refusal_features};
use crate::screen::policy::Side;
use crate::store::MAX_EXAMPLES;
use crate::text::signals::{self, Flag};

/// Texts of a reference that stand for ordinary traffic, at most.
const REFERENCE_TEXTS: usize = 1000;
/// The same for policies that know the reference itself.
const KNOWN_TEXTS: usize = 4000;
/// Texts of one request.
const TEXTS: usize = 1000;
/// Bytes of an example.
const TEXT_BYTES: usize = 8192;
/// Texts embedded together.
const CHUNK: usize = 64;
/// Examples that are told as judged wrongly, of each kind.
const TOLD: usize = 20;

/// An example to be given.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExampleInput {
    /// The text; it is screened as those of interactions are.
    text: String,
    /// Whether it is a case of the policy.
    label: bool,
}

/// Examples to be given.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExamplesInput {
    /// 1 to 1,000.
    examples: Vec<ExampleInput>,
}

/// A policy's examples.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Examples {
    /// Examples of what is to be found.
    positives: usize,
    /// Examples of what is not.
    negatives: usize,
    /// All of them, oldest first.
    items: Vec<PolicyExample>,
}

/// What to learn from.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FitInput {
    /// Whether texts of the newest frozen reference count as ordinary traffic. True where it is
    /// missing, but for refusals: a reference may hold some, and they are no counterexamples.
    with_reference: Option<bool>,
}

/// What was learned.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct FitAnswer {
    policy: PolicyView,
    /// Ids of examples of what is to be found that were missed; 20 at most.
    missed: Vec<String>,
    /// Ids of examples of what is not that were flagged; 20 at most.
    mistaken: Vec<String>,
}

/// Texts to try a policy on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TryInput {
    /// 1 to 1,000.
    texts: Vec<String>,
}

/// What a policy says of texts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct TryAnswer {
    /// In the order of the texts.
    items: Vec<Tried>,
}

/// What it says of one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Tried {
    /// The higher, the more it is against the policy.
    score: f64,
    /// Above this it is against it.
    threshold: f64,
    flagged: bool,
}

/// An example with the id that its text gives it.
pub(super) fn example(text: String, label: bool) -> PolicyExample {
    let digest = Sha256::digest(text.as_bytes());
    let id = hex(digest.get(..8).unwrap_or_default());
    PolicyExample { id, text, label }
}

/// The examples of a policy, with their texts.
#[utoipa::path(get, path = "/v1/policies/{id}/examples", tag = "policies",
    params(("id" = PolicyId, Path, description = "The policy")),
    responses(
        (status = 200, description = "The examples", body = Examples),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<PolicyId>,
) -> Result<Json<Examples>, ApiError> {
    let policy = find(&state, caller.project, id).await?;
    let items = state.store.policy_examples(policy.id).await?;
    state.audit(&caller, "policy.examples_read", id, json!({ "examples": items.len() })).await?;
    Ok(Json(counted(items)))
}

/// Adds examples; one that is there already gets the new label.
#[utoipa::path(post, path = "/v1/policies/{id}/examples", tag = "policies",
    request_body = ExamplesInput,
    params(("id" = PolicyId, Path, description = "The policy")),
    responses(
        (status = 200, description = "All examples", body = Examples),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn add(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<PolicyId>,
    Document(input): Document<ExamplesInput>,
) -> Result<Json<Examples>, ApiError> {
    let policy = taught(&state, caller.project, id).await?;
    let given = screened(&state, &policy, input.examples).await?;
    if !state.store.add_policy_examples((caller.project, id), &given, state.now()).await? {
        let detail = format!("a policy has {MAX_EXAMPLES} examples at most: make another one");
        return Err(ApiError::new(Code::Conflict, detail));
    }
    let items = state.store.policy_examples(id).await?;
    let payload = json!({ "given": given.len(), "examples": items.len() });
    state.audit(&caller, "policy.examples", id, payload).await?;
    Ok(Json(counted(items)))
}

/// Learns from the examples, and says how well; nothing is in force before it is activated.
#[utoipa::path(post, path = "/v1/policies/{id}/fit", tag = "policies", request_body = FitInput,
    params(("id" = PolicyId, Path, description = "The policy")),
    responses(
        (status = 200, description = "What was learned and how good it is", body = FitAnswer),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn fit(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<PolicyId>,
    Document(input): Document<FitInput>,
) -> Result<Json<FitAnswer>, ApiError> {
    let mut policy = taught(&state, caller.project, id).await?;
    let service = state.embed_service()?.clone();
    let digest = service.model_digest().to_owned();
    let kind = policy.spec.kind;
    let with_reference = input.with_reference.unwrap_or(kind != PolicyKind::Refusal);
    let limit = if kind == PolicyKind::OffTopic { KNOWN_TEXTS } else { REFERENCE_TEXTS };
    let side = policy.spec.side().unwrap_or(Side::Query);
    let reference = if with_reference || kind == PolicyKind::OffTopic {
        ordinary(&state, caller.project, &digest, &policy, limit).await?
    } else {
        Vec::new()
    };
    let examples = state.store.policy_examples(id).await?;
    let texts: Vec<&str> = examples.iter().map(|example| example.text.as_str()).collect();
    let vectors = embed(&service, &texts, side).await?.into_iter().zip(&texts);
    let vectors: Vec<Vec<f32>> =
        vectors.map(|(vector, text)| features(kind, vector, signals::is_refusal(text))).collect();
    let (spec, seed) = (policy.spec.clone(), policy.slot.into());
    let work = tokio::task::spawn_blocking(move || {
        learn(kind, spec.false_alarms, &examples, &vectors, &reference, seed)
    });
    let learned = work.await.map_err(ApiError::internal)?;
    let Learned { judge, report, missed, mistaken } = learned.map_err(|error| {
        ApiError::new(Code::Invalid, error.to_string())
            .with_errors(vec![Fault::at("", error.to_string())])
    })?;
    let made_at = state.now();
    let payload = json!({ "report": report });
    policy.fitted = Some(Made { judge, report: Some(report), model_digest: Some(digest), made_at });
    let fitted = save(&state, policy).await?;
    state.audit(&caller, "policy.fit", id, payload).await?;
    Ok(Json(FitAnswer { policy: fitted.into(), missed, mistaken }))
}

/// Judges texts by what was learned last, and stores nothing.
#[utoipa::path(post, path = "/v1/policies/{id}/try", tag = "policies", request_body = TryInput,
    params(("id" = PolicyId, Path, description = "The policy")),
    responses(
        (status = 200, description = "What it says of each", body = TryAnswer),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn try_out(
    State(state): State<AppState>,
    caller: Principal,
    Id(id): Id<PolicyId>,
    Document(input): Document<TryInput>,
) -> Result<Json<TryAnswer>, ApiError> {
    let policy = find(&state, caller.project, id).await?;
    let mut faults = bounded(&input.texts, "/texts");
    faults.extend(too_many(input.texts.len(), "/texts"));
    ApiError::refuse(faults, "nothing was judged; see errors")?;
    let Some(made) = &policy.fitted else {
        let detail = "nothing is learned yet: POST to its /fit first";
        return Err(ApiError::new(Code::Conflict, detail));
    };
    let texts: Vec<&str> = input.texts.iter().map(String::as_str).collect();
    let vectors = if made.judge.needs_vector() {
        let service = state.embed_service()?;
        if made.model_digest.as_deref() != Some(service.model_digest()) {
            let detail = "it was taught with another embedding model: POST to its /fit again";
            return Err(ApiError::new(Code::Conflict, detail));
        }
        embed(service, &texts, policy.spec.side().unwrap_or(Side::Query)).await?
    } else {
        vec![Vec::new(); texts.len()]
    };
    let items = texts.iter().zip(&vectors).map(|(text, vector)| {
        let verdict = made.judge.judge(Some(text), Some(vector));
        verdict.map_or(Tried { score: 0.0, threshold: 0.0, flagged: false }, |verdict| Tried {
            score: verdict.score,
            threshold: verdict.threshold,
            flagged: verdict.is_over(),
        })
    });
    Ok(Json(TryAnswer { items: items.collect() }))
}

/// What a policy of this kind looks at in a text.
fn features(kind: PolicyKind, vector: Vec<f32>, refuses: bool) -> Vec<f32> {
    match kind {
        PolicyKind::Refusal => refusal_features(&vector, refuses),
        _ => vector,
    }
}

struct Learned {
    judge: Judge,
    report: Report,
    missed: Vec<String>,
    mistaken: Vec<String>,
}

fn learn(
    kind: PolicyKind,
    false_alarms: f64,
    examples: &[PolicyExample],
    vectors: &[Vec<f32>],
    reference: &[Vec<f32>],
    seed: u64,
) -> Result<Learned, TeachError> {
    let reference: Vec<&[f32]> = reference.iter().map(Vec::as_slice).collect();
    if kind == PolicyKind::OffTopic {
        let (judge, report) = OffTopic::learn(&reference, false_alarms, seed)?;
        let (judge, missed, mistaken) = (Judge::OffTopic(judge), Vec::new(), Vec::new());
        return Ok(Learned { judge, report, missed, mistaken });
    }
    let of = |label: bool| {
        let rows = examples.iter().zip(vectors).filter(move |(example, _)| example.label == label);
        rows.map(|(example, vector)| (example.id.as_str(), vector.as_slice())).unzip()
    };
    let (positive_ids, positives): (Vec<&str>, Vec<&[f32]>) = of(true);
    let (negative_ids, negatives): (Vec<&str>, Vec<&[f32]>) = of(false);
    let (positives, negatives) = (&positives, &negatives);
    let reference = &reference;
    let taught = Head::teach(&Lesson { positives, negatives, reference, false_alarms, seed })?;
    let told = |ids: &[&str], verdicts: &[bool], wrong: bool| -> Vec<String> {
        let wrongly = ids.iter().zip(verdicts).filter(|(_, verdict)| **verdict == wrong);
        wrongly.map(|(id, _)| (*id).to_owned()).take(TOLD).collect()
    };
    Ok(Learned {
        missed: told(&positive_ids, &taught.found, false),
        mistaken: told(&negative_ids, &taught.flagged, true),
        judge: match kind {
            PolicyKind::Refusal => Judge::Refusal(taught.head),
            _ => Judge::Head(taught.head),
        },
        report: taught.report,
    })
}

/// What the policy looks at in texts of the newest reference that was frozen with this model, evenly
/// spread.
async fn ordinary(
    state: &AppState,
    project: ProjectId,
    digest: &str,
    policy: &Policy,
    limit: usize,
) -> Result<Vec<Vec<f32>>, ApiError> {
    let references = state.store.list_references(project, None).await?;
    let is_frozen = |reference: &&Reference| {
        reference.status == ReferenceStatus::Ready
            && reference.model_digest.as_deref() == Some(digest)
    };
    let newest = references.iter().filter(is_frozen).max_by_key(|r| (r.frozen_at, r.id));
    let Some(newest) = newest else { return Ok(Vec::new()) };
    let looked_at = |event: Event| {
        let (vector, seen) = match policy.spec.side() {
            Some(Side::Response) => (event.response, event.signals.response),
            _ => (event.query, event.signals.query),
        };
        let refuses = seen.is_some_and(|seen| seen.flags.contains(Flag::Refusal));
        Some(features(policy.spec.kind, vector?, refuses))
    };
    let rows = state.store.reference_rows(newest.id).await?;
    let all: Vec<Vec<f32>> = rows.into_iter().filter_map(looked_at).collect();
    let step = all.len().div_ceil(limit).max(1);
    Ok(all.into_iter().step_by(step).collect())
}

async fn embed(
    service: &EmbedService,
    texts: &[&str],
    side: Side,
) -> Result<Vec<Vec<f32>>, ApiError> {
    let side = match side {
        Side::Query => EmbedSide::Query,
        Side::Response => EmbedSide::Response,
    };
    let mut vectors = Vec::with_capacity(texts.len());
    for chunk in texts.chunks(CHUNK) {
        let chunk = chunk.iter().map(|text| (side, (*text).to_owned())).collect();
        let embedded = service.embed(chunk).await;
        vectors.extend(
            embedded.map_err(|e| ApiError::unavailable("the texts cannot be embedded", e))?,
        );
    }
    Ok(vectors)
}

/// The policy, which is one that learns.
async fn taught(state: &AppState, project: ProjectId, id: PolicyId) -> Result<Policy, ApiError> {
    let policy = find(state, project, id).await?;
    if policy.spec.kind == PolicyKind::Lexicon {
        let detail = "a lexicon has words and learns nothing: change /words and activate it";
        return Err(ApiError::new(Code::Conflict, detail));
    }
    Ok(policy)
}

/// The examples as they may be stored.
async fn screened(
    state: &AppState,
    policy: &Policy,
    given: Vec<ExampleInput>,
) -> Result<Vec<PolicyExample>, ApiError> {
    let texts: Vec<&str> = given.iter().map(|example| example.text.as_str()).collect();
    let mut faults = bounded(&texts, "/examples");
    faults.extend(too_many(given.len(), "/examples"));
    ApiError::refuse(faults, "no example was taken; see errors")?;
    let guard = state.guard(policy.project_id).await?;
    let side = policy.spec.side().unwrap_or(Side::Query);
    let work = tokio::task::spawn_blocking(move || {
        let kept = |text: &str| match side {
            Side::Query => guard.judge(Some(text), None).query,
            Side::Response => guard.judge(None, Some(text)).response,
        };
        given.into_iter().map(|one| (kept(&one.text), one.label)).collect::<Vec<_>>()
    });
    let mut faults = Vec::new();
    let mut examples = Vec::new();
    for (at, (kept, label)) in work.await.map_err(ApiError::internal)?.into_iter().enumerate() {
        match kept.filter(|text| !text.trim().is_empty()) {
            Some(text) => examples.push(example(text, label)),
            None => faults.push(Fault::at(
                format!("/examples/{at}/text"),
                "holds what the project's screening does not let pass: take another text",
            )),
        }
    }
    ApiError::refuse(faults, "no example was taken; see errors")?;
    Ok(examples)
}

fn too_many(count: usize, pointer: &str) -> Option<Fault> {
    (!(1..=TEXTS).contains(&count))
        .then(|| Fault::at(pointer, format!("must hold 1 to {TEXTS} texts, not {count}")))
}

fn bounded(texts: &[impl AsRef<str>], pointer: &str) -> Vec<Fault> {
    let is_wrong = |text: &str| text.trim().is_empty() || text.len() > TEXT_BYTES;
    let wrong = texts.iter().enumerate().filter(|(_, text)| is_wrong(text.as_ref()));
    let detail = format!("must hold 1 to {TEXT_BYTES} bytes, not only blanks");
    wrong.map(|(at, _)| Fault::at(format!("{pointer}/{at}"), detail.clone())).collect()
}

fn counted(items: Vec<PolicyExample>) -> Examples {
    let positives = items.iter().filter(|example| example.label).count();
    Examples { positives, negatives: items.len() - positives, items }
}

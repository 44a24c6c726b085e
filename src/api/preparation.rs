//! How a project's texts are prepared, and the same as a call of its own.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::auth::Principal;
use crate::api::error::{ApiError, Fault, Problem};
use crate::api::extract::Document;
use crate::api::state::AppState;
use crate::model::interaction::Attributes;
use crate::model::preparation::Preparation;
use crate::model::signals::TextSignals;
use crate::prepare::Preparer;
use crate::text::clean::{Boilerplate, Step, VERSION};
use crate::text::signals::Flag;

/// Texts that one call cleans at most.
const TEXTS: usize = 100;

/// The settings in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PreparationView {
    /// How often they were set; 0 for the defaults.
    version: i64,
    /// Which steps clean the texts, whether what was changed is kept as it came, too, and which
    /// traffic is left out of statistics.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    settings: Preparation,
}

/// Texts to clean.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CleanRequest {
    /// One to a hundred texts.
    texts: Vec<String>,
    /// Steps and rules to try; those of the project without it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    preparation: Option<Preparation>,
}

/// Cleaned texts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct CleanAnswer {
    /// Version of the steps.
    version: u32,
    /// In the order of the texts.
    items: Vec<CleanedText>,
}

/// One cleaned text.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct CleanedText {
    /// What is embedded and stored.
    text: String,
    /// What each step changed.
    changes: Vec<ChangeView>,
    /// What the checks find in the text as it came.
    signals: Vec<&'static str>,
    /// Its language: ISO 639, or `und`.
    language: &'static str,
    /// The rule that would leave a query of this text out of statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    excluded: Option<String>,
}

/// What one step changed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ChangeView {
    /// The step.
    #[schema(value_type = String)]
    step: Step,
    /// Places that it changed.
    count: usize,
    /// The first three of them, as (start, end) in bytes of the text as it came.
    spans: Vec<(usize, usize)>,
}

/// How the project's texts are prepared.
#[utoipa::path(get, path = "/v1/preparation", tag = "quality",
    responses(
        (status = 200, description = "The settings", body = PreparationView),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Principal,
) -> Result<Json<PreparationView>, ApiError> {
    let (version, settings) = state.store.preparation(caller.project).await?;
    Ok(Json(PreparationView { version, settings }))
}

/// Sets how texts that come from now on are prepared; what is missing gets its default.
#[utoipa::path(put, path = "/v1/preparation", tag = "quality",
    request_body(content = Object, description = "`clean`, `keep_original`, `exclude`, `expect`"),
    responses(
        (status = 200, description = "The settings", body = PreparationView),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn set(
    State(state): State<AppState>,
    caller: Principal,
    Document(settings): Document<Preparation>,
) -> Result<Json<PreparationView>, ApiError> {
    check(&settings, "")?;
    let (_, before) = state.store.preparation(caller.project).await?;
    let version = state.store.set_preparation(caller.project, &settings, state.now()).await?;
    let payload = json!({ "version": version, "before": before, "after": settings });
    state.audit(&caller, "preparation.set", caller.project, payload).await?;
    Ok(Json(PreparationView { version, settings }))
}

/// Cleans texts as those of interactions are cleaned, and stores nothing.
#[utoipa::path(post, path = "/v1/clean", tag = "quality", request_body = CleanRequest,
    responses(
        (status = 200, description = "The cleaned texts", body = CleanAnswer),
        (status = "default", description = "An error", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("key" = [])))]
pub(crate) async fn clean(
    State(state): State<AppState>,
    caller: Principal,
    Document(request): Document<CleanRequest>,
) -> Result<Json<CleanAnswer>, ApiError> {
    if request.texts.is_empty() || request.texts.len() > TEXTS {
        let fault = Fault::at("/texts", format!("give one to {TEXTS} texts"));
        ApiError::refuse(vec![fault], "nothing was cleaned; see errors")?;
    }
    let settings = match request.preparation {
        Some(tried) => tried,
        None => state.store.preparation(caller.project).await?.1,
    };
    check(&settings, "/preparation")?;
    let stored = state.store.boilerplate(caller.project).await?;
    let boilerplate: Boilerplate =
        stored.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let work = move || answer(&settings, &boilerplate, &request.texts);
    let items = tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?;
    Ok(Json(CleanAnswer { version: VERSION, items }))
}

fn check(settings: &Preparation, within: &str) -> Result<(), ApiError> {
    let fault =
        |(pointer, detail): (String, String)| Fault::at(format!("{within}{pointer}"), detail);
    let faults = settings.problems().into_iter().map(fault).collect();
    ApiError::refuse(faults, "such a preparation is not possible; see errors")
}

fn answer(settings: &Preparation, boilerplate: &Boilerplate, texts: &[String]) -> Vec<CleanedText> {
    let preparer = Preparer::new(settings, boilerplate.clone())
        .unwrap_or_else(|_| Preparer::standard(boilerplate.clone()));
    texts
        .iter()
        .map(|text| {
            let prepared = preparer.prepare(text, None, &Attributes::new());
            let seen: Option<TextSignals> = prepared.signals.query;
            let changes = prepared.cleaning.map(|cleaning| cleaning.query).unwrap_or_default();
            let changes = changes.into_iter().map(|change| ChangeView {
                step: change.step,
                count: change.count,
                spans: change.spans.into_iter().map(|span| (span.start, span.end)).collect(),
            });
            CleanedText {
                text: prepared.query,
                changes: changes.collect(),
                signals: seen.iter().flat_map(|s| s.flags.iter()).map(Flag::as_str).collect(),
                language: seen.map_or("und", |seen| seen.told_language()),
                excluded: prepared.excluded,
            }
        })
        .collect()
}

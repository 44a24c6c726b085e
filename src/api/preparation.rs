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
use crate::prepare::{Learned, Preparer, Repaired};
use crate::text::clean::{Step, VERSION};
use crate::text::repair::{Repair, Repairer};
use crate::text::signals::Flag;
use crate::worker::repairs::is_word;

/// Texts that one call cleans at most.
const TEXTS: usize = 100;

/// The settings in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PreparationView {
    /// How often they were set; 0 for the defaults.
    version: i64,
    /// Which steps clean the texts, whether what was changed is kept as it came, too, which traffic
    /// is left out of statistics, and whether queries are repaired before they are embedded.
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
    /// What is stored, and embedded where nothing is repaired.
    text: String,
    /// What is embedded of a query in the place of `text`, where its spelling is repaired.
    #[serde(skip_serializing_if = "Option::is_none")]
    embedded: Option<String>,
    /// The words that were repaired.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    repairs: Vec<RepairView>,
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

/// One repaired word.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct RepairView {
    /// The word in `text`.
    from: String,
    /// The word in `embedded`.
    to: String,
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
    request_body(content = Object,
        description = "`clean`, `keep_original`, `exclude`, `expect`, `repair`"),
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
    check(&state, &settings, "")?;
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
    check(&state, &settings, "/preparation")?;
    let stored = state.store.learned(caller.project).await?;
    let Learned { boilerplate, vocabulary } = Learned::from_json(stored.as_deref());
    let repairer = match vocabulary.filter(|_| settings.repair) {
        Some(words) => Repairer::new(&words, is_word(state.embed_service()?)),
        None => None,
    };
    let preparer = Preparer::new(&settings, boilerplate.clone())
        .unwrap_or_else(|_| Preparer::standard(boilerplate))
        .repairing(repairer);
    let work = move || request.texts.iter().map(|text| answer(&preparer, text)).collect();
    let items = tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?;
    Ok(Json(CleanAnswer { version: VERSION, items }))
}

fn check(state: &AppState, settings: &Preparation, within: &str) -> Result<(), ApiError> {
    let fault =
        |(pointer, detail): (String, String)| Fault::at(format!("{within}{pointer}"), detail);
    let mut faults: Vec<Fault> = settings.problems().into_iter().map(fault).collect();
    if settings.repair && state.embed_service()?.is_word("word").is_none() {
        let detail = "the vocabulary of this model is not at hand, which tells words from slips: \
                      leave repair off, or let the model run here (embedding.backend = \"local\")";
        faults.push(Fault::at(format!("{within}/repair"), detail));
    }
    ApiError::refuse(faults, "such a preparation is not possible; see errors")
}

fn answer(preparer: &Preparer, text: &str) -> CleanedText {
    let prepared = preparer.prepare(text, None, &Attributes::new());
    let seen: Option<TextSignals> = prepared.signals.query;
    let changes = prepared.cleaning.map(|cleaning| cleaning.query).unwrap_or_default();
    let changes = changes.into_iter().map(|change| ChangeView {
        step: change.step,
        count: change.count,
        spans: change.spans.into_iter().map(|span| (span.start, span.end)).collect(),
    });
    let (embedded, repairs) = match prepared.repaired {
        Some(repaired) => {
            let repairs = views(&prepared.query, &repaired);
            (Some(repaired.query), repairs)
        }
        None => (None, Vec::new()),
    };
    CleanedText {
        text: prepared.query,
        embedded,
        repairs,
        changes: changes.collect(),
        signals: seen.iter().flat_map(|s| s.flags.iter()).map(Flag::as_str).collect(),
        language: seen.map_or("und", |seen| seen.told_language()),
        excluded: prepared.excluded,
    }
}

fn views(text: &str, repaired: &Repaired) -> Vec<RepairView> {
    let view = |repair: &Repair| RepairView {
        from: text.get(repair.span.clone()).unwrap_or_default().to_owned(),
        to: repair.word.clone(),
    };
    repaired.repairs.iter().map(view).collect()
}

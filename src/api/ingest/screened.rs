//! Rows of received items become rows that may be stored.

use std::sync::Arc;

use crate::api::error::{ApiError, Fault};
use crate::api::ingest::INLINE_BYTES;
use crate::api::ingest::item::Received;
use crate::api::state::AppState;
use crate::id::ProjectId;
use crate::model::interaction::NewInteraction;
use crate::model::signals::PersonalValues;
use crate::prepare::guard::{Blocked, Guard, Guarded};
use crate::store::Store;

/// The row of a received item with its texts as they came.
pub(crate) struct Unscreened {
    /// The item's place in the request.
    pub(crate) index: usize,
    /// Whether the id was made here.
    pub(crate) id_was_made: bool,
    /// Whether the item said when it happened.
    pub(crate) has_time: bool,
    /// The row.
    pub(crate) row: NewInteraction,
}

/// An item's place, whether its id was made, and its row or why there is none.
pub(crate) type Screened = (usize, bool, Result<NewInteraction, Fault>);

/// Screens rows as the project's policy says, off the runtime's threads where they are long or a model reads them.
pub(crate) async fn screened(
    state: &AppState,
    project: ProjectId,
    items: Vec<Unscreened>,
) -> Result<Vec<Screened>, ApiError> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let guard = state.guard(project).await?;
    let store = state.store.clone();
    let guarded = guarded(items, guard, store, project).await?;
    note_values(state, project, guarded).await
}

/// An item and the values that it told.
type Told = (Screened, PersonalValues);

async fn guarded(
    items: Vec<Unscreened>,
    guard: Arc<Guard>,
    store: Store,
    project: ProjectId,
) -> Result<Vec<Told>, ApiError> {
    let is_slow = guard.is_slow();
    let bytes: usize = items.iter().map(|item| length(&item.row)).sum();
    let screen = move || {
        let keyed = |hash: &[u8; 32]| store.keyed_hash(project, hash);
        items.into_iter().map(|item| one(item, &guard, keyed)).collect()
    };
    if bytes <= INLINE_BYTES && !is_slow {
        return Ok(screen());
    }
    tokio::task::spawn_blocking(screen).await.map_err(ApiError::internal)
}

/// Remembers what users told in their conversations, and marks the responses that tell what was told in
/// another one.
async fn note_values(
    state: &AppState,
    project: ProjectId,
    told: Vec<Told>,
) -> Result<Vec<Screened>, ApiError> {
    let asked = told.iter().filter_map(|((_, _, row), values)| {
        let session = row.as_ref().ok()?.session_id.as_deref()?;
        (!values.asked.is_empty()).then_some((session, values.asked.as_slice()))
    });
    let asked: Vec<_> = asked.collect();
    state.store.note_values(project, &asked, state.now()).await?;
    let mut screened = Vec::with_capacity(told.len());
    for ((index, id_was_made, mut row), values) in told {
        if let Ok(row) = &mut row
            && let Some(session) = row.session_id.as_deref()
        {
            for value in &values.disclosed {
                if state.store.is_of_others(project, session, value).await? {
                    row.personal.foreign |= 1 << value.place;
                }
            }
        }
        screened.push((index, id_was_made, row));
    }
    Ok(screened)
}

fn length(row: &NewInteraction) -> usize {
    let others = [&row.response, &row.metadata];
    row.query.len() + others.into_iter().flatten().map(String::len).sum::<usize>()
}

fn one(item: Unscreened, guard: &Guard, keyed: impl Fn(&[u8; 32]) -> Option<[u8; 32]>) -> Told {
    let Unscreened { index, id_was_made, has_time, mut row } = item;
    let Guarded { changed, values } = match guard.guard(&mut row) {
        Ok(guarded) => guarded,
        Err(blocked) => {
            let id = (!id_was_made).then_some(row.id);
            let fault = fault(index, id, &blocked);
            return ((index, id_was_made, Err(fault)), PersonalValues::default());
        }
    };
    // A plain hash of short personal data tells it to whoever tries all of it.
    match keyed(&row.content_hash) {
        Some(hash) => row.content_hash = hash,
        None if changed => row.content_hash = hash_of_stored(&row, has_time),
        None => {}
    }
    ((index, id_was_made, Ok(row)), values)
}

fn hash_of_stored(row: &NewInteraction, has_time: bool) -> [u8; 32] {
    let stored = Received {
        id: None,
        occurred_at: has_time.then_some(row.occurred_at),
        query: row.query.clone(),
        response: row.response.clone(),
        session_id: row.session_id.clone(),
        attributes: row.attributes.clone(),
        model: row.model.clone(),
        metadata: row.metadata.clone(),
        subject: None,
        figures: row.figures,
    };
    stored.content_hash(row.subject.as_ref())
}

fn fault(index: usize, id: Option<String>, blocked: &Blocked) -> Fault {
    let labels: Vec<&str> = blocked.labels.iter().map(String::as_str).collect();
    let labels = labels.join(", ");
    Fault {
        index: Some(index),
        id,
        code: "blocked".to_owned(),
        pointer: blocked.pointer.to_owned(),
        detail: format!("holds {labels}, which the project's policy refuses; leave it out"),
    }
}

//! Rows of references and of uploaded files, which lie in chunks: a chunk is written anew without them.

use std::collections::HashSet;

use super::quotes::Quotes;
use crate::id::ProjectId;
use crate::model::interaction::{Event, NewInteraction};
use crate::store::codec;
use crate::store::engine::{Store, Tx, on_tx};
use crate::store::error::StoreError;
use crate::store::references::{decode_chunk, encode_chunk};
use crate::store::sealed_texts::{self, TextKey};
use crate::store::uploads;

const REFERENCES: &str = "SELECT c.reference_id, c.chunk FROM reference_chunks c
    JOIN frozen_references r ON r.id = c.reference_id WHERE r.project_id = $1
    ORDER BY c.reference_id, c.chunk";
const UPLOADS: &str = "SELECT c.reference_id, c.chunk FROM reference_uploads c
    JOIN frozen_references r ON r.id = c.reference_id WHERE r.project_id = $1
    ORDER BY c.reference_id, c.chunk";
const READ: &str =
    "SELECT events, vectors FROM reference_chunks WHERE reference_id = $1 AND chunk = $2";
const WRITE: &str = "UPDATE reference_chunks SET events = $3, vectors = $4
    WHERE reference_id = $1 AND chunk = $2";
const READ_UPLOAD: &str =
    "SELECT rows, text_key FROM reference_uploads WHERE reference_id = $1 AND chunk = $2";
const WRITE_UPLOAD: &str =
    "UPDATE reference_uploads SET rows = $3, text_key = $4 WHERE reference_id = $1 AND chunk = $2";
/// The profile stays as it was computed; people must see that its rows are fewer now.
const MARK: &str = "UPDATE frozen_references SET message = CASE
        WHEN message IS NULL THEN $2 WHEN message LIKE '%' || $2 || '%' THEN message
        ELSE message || '; ' || $2 END
    WHERE id = $1";
const MARKED: &str = "rows of it were erased on request after it was collected";

/// Which rows are meant.
#[derive(Clone, Copy)]
pub(in crate::store) struct Wanted<'a> {
    /// Those with one of these ids.
    pub(in crate::store) ids: &'a HashSet<String>,
    /// Those of this session.
    pub(in crate::store) session: Option<&'a str>,
}

impl Wanted<'_> {
    pub(in crate::store) fn holds(&self, id: &str, session: Option<&str>) -> bool {
        self.ids.contains(id) || (self.session.is_some() && self.session == session)
    }

    /// Whether an event of a reference is meant.
    pub(in crate::store) fn event(&self, event: &Event) -> bool {
        self.holds(&event.interaction_id, event.session_id.as_deref())
    }

    /// Whether a row of an uploaded file is meant.
    pub(in crate::store) fn upload(&self, row: &NewInteraction) -> bool {
        self.holds(&row.id, row.session_id.as_deref())
    }
}

/// The places of all chunks of the project.
async fn places(
    tx: &mut Tx,
    sql: &'static str,
    project: ProjectId,
) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(on_tx!(tx, |connection| {
        sqlx::query_as(sql).bind(project.to_string()).fetch_all(connection).await
    })?)
}

/// Takes rows out of the project's references and marks those; how many.
pub(super) async fn erase_references(
    tx: &mut Tx,
    project: ProjectId,
    wanted: Wanted<'_>,
) -> Result<i64, StoreError> {
    let mut erased = 0;
    let mut marked = HashSet::new();
    for (reference, chunk) in places(tx, REFERENCES, project).await? {
        let (events, vectors): (String, Vec<u8>) = on_tx!(tx, |connection| {
            sqlx::query_as(READ).bind(&reference).bind(chunk).fetch_one(connection).await
        })?;
        let mut rows = decode_chunk(&events, &vectors)?;
        let before = rows.len();
        rows.retain(|row| !wanted.event(row));
        if rows.len() == before {
            continue;
        }
        erased += (before - rows.len()) as i64;
        let (events, vectors) = encode_chunk(&rows)?;
        on_tx!(tx, |connection| {
            sqlx::query(WRITE)
                .bind(&reference)
                .bind(chunk)
                .bind(&events)
                .bind(&vectors)
                .execute(connection)
                .await
                .map(|_| ())
        })?;
        if marked.insert(reference.clone()) {
            on_tx!(tx, |connection| {
                sqlx::query(MARK)
                    .bind(&reference)
                    .bind(MARKED)
                    .execute(connection)
                    .await
                    .map(|_| ())
            })?;
        }
    }
    Ok(erased)
}

/// Takes rows out of uploaded files that wait for their embeddings; how many.
pub(super) async fn erase_uploads(
    store: &Store,
    tx: &mut Tx,
    project: ProjectId,
    wanted: Wanted<'_>,
    quotes: &mut Quotes,
) -> Result<i64, StoreError> {
    let mut erased = 0;
    for (reference, chunk) in places(tx, UPLOADS, project).await? {
        let (json, of): (String, Option<i64>) = on_tx!(tx, |connection| {
            sqlx::query_as(READ_UPLOAD).bind(&reference).bind(chunk).fetch_one(connection).await
        })?;
        let ring = store.keyring_in(tx, std::iter::once(of)).await?;
        let owner = uploads::owner(&reference, chunk);
        let json = ring.open(of, sealed_texts::UPLOAD, &owner, json)?;
        let rows: Vec<NewInteraction> = codec::from_json("reference_uploads", &json)?;
        let (gone, kept): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| wanted.upload(row));
        if gone.is_empty() {
            continue;
        }
        erased += gone.len() as i64;
        for row in &gone {
            quotes.text(&row.query);
            row.response.iter().for_each(|response| quotes.text(response));
        }
        let json = codec::to_json("reference_uploads", &kept)?;
        let key = store.newest_text_key(tx, project).await?;
        let json = sealed_texts::seal(key.as_ref(), sealed_texts::UPLOAD, &owner, &json)?;
        on_tx!(tx, |connection| {
            sqlx::query(WRITE_UPLOAD)
                .bind(&reference)
                .bind(chunk)
                .bind(&*json)
                .bind(key.as_ref().map(TextKey::id))
                .execute(connection)
                .await
                .map(|_| ())
        })?;
    }
    Ok(erased)
}

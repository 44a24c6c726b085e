//! Interactions come in: durable, idempotent by id, many at once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::{Postgres, Sqlite, Transaction};

use super::codec;
use super::counters::{self, Counter};
use super::engine::{Sql, Store, Tx, on_engine};
use super::error::StoreError;
use super::outcomes;
use super::sealed_texts::{self, Keyring, TextKey};
use super::text_keys::ProjectKeys;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::interaction::{Interaction, InteractionState, NewInteraction};

const TABLE: &str = "interactions";

/// What became of one interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertOutcome {
    /// Stored for the first time.
    Accepted,
    /// Stored before, with the same content.
    Duplicate,
    /// The id is in use for another content; nothing was stored.
    Conflict,
}

/// Rows keep the order of the batch, so that `seq` is the order of arrival.
const INSERT_MANY: &str = "WITH items AS (
        SELECT * FROM UNNEST($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::text[],
            $6::text[], $7::text[], $8::text[], $9::float8[], $10::text[], $11::text[], $14::text[],
            $15::text[], $16::bigint[], $17::bigint[])
        WITH ORDINALITY AS t (project_id, id, occurred_at, content_hash, session_id, attributes,
            model, metadata, inclusion_probability, query, response, subject, personal,
            until_embedded, text_key, ordinal)
    ), inserted AS (
        INSERT INTO interactions (project_id, id, occurred_at, received_at, day, content_hash,
            session_id, attributes, model, metadata, metadata_key, inclusion_probability, subject,
            state, claim_token, claim_until, failures)
        SELECT project_id, id, occurred_at, $12, $13, content_hash, session_id, attributes, model,
            metadata, text_key, inclusion_probability, subject, 'pending', 0, 0, 0
        FROM items ORDER BY ordinal
        ON CONFLICT (project_id, id) DO NOTHING
        RETURNING project_id, id, seq
    ), texts AS (
        INSERT INTO interaction_texts
            (day, seq, query, response, personal, until_embedded, text_key)
        SELECT $13, seq, query, response, personal, until_embedded, text_key
        FROM inserted JOIN items USING (project_id, id)
    )
    SELECT ordinal, seq FROM inserted JOIN items USING (project_id, id)";

const STORED_HASHES: &str = "SELECT project_id, id, content_hash FROM interactions
    JOIN UNNEST($1::text[], $2::text[]) AS t (project_id, id) USING (project_id, id)";

const INSERT_ONE: &str = "INSERT INTO interactions (project_id, id, occurred_at, content_hash,
        session_id, attributes, model, metadata, inclusion_probability, received_at, day, subject,
        metadata_key, state, claim_token, claim_until, failures)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'pending', 0, 0, 0)
    ON CONFLICT (project_id, id) DO NOTHING RETURNING seq";
const INSERT_TEXT: &str =
    "INSERT INTO interaction_texts (day, seq, query, response, personal, until_embedded, text_key)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const STORED_HASH: &str = "SELECT content_hash FROM interactions WHERE project_id = $1 AND id = $2";

const BY_ID: Sql = Sql {
    postgres: "SELECT i.*, t.query, t.response, t.text_key FROM interactions i
        LEFT JOIN interaction_texts t ON t.day = i.day AND t.seq = i.seq
        WHERE i.project_id = $1
          AND i.id = ANY (ARRAY (SELECT json_array_elements_text($2::json)))",
    sqlite: "SELECT i.*, t.query, t.response, t.text_key FROM interactions i
        LEFT JOIN interaction_texts t ON t.day = i.day AND t.seq = i.seq
        WHERE i.project_id = $1 AND i.id IN (SELECT value FROM json_each($2))",
};

const COUNT_SINCE: &str =
    "SELECT COUNT(*) FROM interactions WHERE project_id = $1 AND occurred_at > $2";
const BEFORE: &str = "SELECT i.*, t.query, t.response, t.text_key FROM interactions i
    LEFT JOIN interaction_texts t ON t.day = i.day AND t.seq = i.seq
    WHERE i.project_id = $1 AND i.position < $2 ORDER BY i.position DESC LIMIT $3";

/// A deadlock needs two senders of the same ids in opposite orders; once more is enough.
pub(super) const DEADLOCK_RETRIES: usize = 3;

type Item = (ProjectId, NewInteraction);
type Key<'a> = (ProjectId, &'a str);
type Hashes<'a> = HashMap<Key<'a>, [u8; 32]>;
/// The store's numbers of what is new.
type Numbers<'a> = HashMap<Key<'a>, i64>;

impl Store {
    /// Stores what is new of `items` in one durable commit; the answers are in the items' order.
    pub async fn insert_interactions(
        &self,
        project: ProjectId,
        items: &[NewInteraction],
        now: Timestamp,
    ) -> Result<Vec<InsertOutcome>, StoreError> {
        let items: Vec<Item> = items.iter().map(|item| (project, item.clone())).collect();
        self.insert_interactions_grouped(&items, now).await
    }

    /// The same for items of several projects: the group commit of single posts.
    ///
    /// The counters accepted, duplicate and conflict are kept here, in the same commit.
    pub async fn insert_interactions_grouped(
        &self,
        items: &[Item],
        now: Timestamp,
    ) -> Result<Vec<InsertOutcome>, StoreError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut retries = 0;
        loop {
            match self.try_insert(items, now).await {
                Err(error) if error.is_deadlock() && retries < DEADLOCK_RETRIES => retries += 1,
                done => return done,
            }
        }
    }

    async fn try_insert(
        &self,
        items: &[Item],
        now: Timestamp,
    ) -> Result<Vec<InsertOutcome>, StoreError> {
        let firsts = first_of_each_id(items);
        let mut tx = self.begin().await?;
        let projects: BTreeSet<ProjectId> = items.iter().map(|item| item.0).collect();
        let projects: Vec<ProjectId> = projects.into_iter().collect();
        outcomes::announce(&mut tx, &projects).await?;
        let mut keys = ProjectKeys::default();
        for project in projects {
            keys.of(self, &mut tx, project, now).await?;
        }
        let (inserted, stored) = match &mut tx {
            Tx::Postgres(tx) => insert_postgres(tx, &firsts, &keys, now).await?,
            Tx::Sqlite(tx) => insert_sqlite(tx, &firsts, &keys, now).await?,
        };
        let results = results(items, &inserted, &stored);
        let mut counts = counted(items, &results);
        for (project, new) in new_by_project(&firsts, &inserted) {
            let of_outcomes = outcomes::attach(self, &mut tx, project, &new, now).await?;
            counts.entry(project).or_default().extend(of_outcomes);
        }
        for (project, counts) in counts {
            counters::add(&mut tx, project, &counts).await?;
        }
        tx.commit().await?;
        Ok(results)
    }

    /// The stored interaction with this id.
    pub async fn find_interaction(
        &self,
        project: ProjectId,
        id: &str,
    ) -> Result<Option<Interaction>, StoreError> {
        Ok(self.interactions_by_id(project, &[id.to_owned()]).await?.pop())
    }

    /// How many of the project's interactions happened after `since`.
    pub async fn interactions_since(
        &self,
        project: ProjectId,
        since: Timestamp,
    ) -> Result<i64, StoreError> {
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_scalar(COUNT_SINCE)
                .bind(project.to_string())
                .bind(since.as_micros())
                .fetch_one(pool)
                .await
        })?)
    }

    /// Embedded interactions with a position below `before`, with it, newest first; at most `limit`.
    pub async fn interactions_before(
        &self,
        project: ProjectId,
        before: i64,
        limit: i64,
    ) -> Result<Vec<(i64, Interaction)>, StoreError> {
        let rows: Vec<InteractionRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(BEFORE)
                .bind(project.to_string())
                .bind(before)
                .bind(limit)
                .fetch_all(pool)
                .await
        })?;
        let ring = self.keyring(rows.iter().map(|row| row.text_key)).await?;
        rows.into_iter()
            .map(|row| Ok((row.position.unwrap_or_default(), row.read(&ring)?)))
            .collect()
    }

    /// Those of `ids` that are stored, in the order of `ids`.
    pub async fn interactions_by_id(
        &self,
        project: ProjectId,
        ids: &[String],
    ) -> Result<Vec<Interaction>, StoreError> {
        let wanted = codec::to_json(TABLE, &ids)?;
        let rows: Vec<InteractionRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(self.pick(&BY_ID))
                .bind(project.to_string())
                .bind(&wanted)
                .fetch_all(pool)
                .await
        })?;
        let ring = self.keyring(rows.iter().map(|row| row.text_key)).await?;
        let mut found: HashMap<String, Interaction> = HashMap::new();
        for row in rows {
            found.insert(row.id.clone(), row.read(&ring)?);
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }
}

fn key(item: &Item) -> Key<'_> {
    (item.0, item.1.id.as_str())
}

fn first_of_each_id(items: &[Item]) -> Vec<&Item> {
    let mut seen = HashSet::new();
    items.iter().filter(|item| seen.insert(key(item))).collect()
}

/// What this commit stores anew, with the numbers it got.
fn new_by_project<'a>(
    firsts: &[&'a Item],
    inserted: &Numbers<'_>,
) -> BTreeMap<ProjectId, Vec<outcomes::Stored<'a>>> {
    let mut new: BTreeMap<ProjectId, Vec<outcomes::Stored<'a>>> = BTreeMap::new();
    for item in firsts {
        if let Some(seq) = inserted.get(&key(item)) {
            new.entry(item.0).or_default().push((&item.1, *seq));
        }
    }
    new
}

/// The first item of a new key is the accepted one: later ones are compared with what it stored.
fn results<'a>(
    items: &'a [Item],
    inserted: &Numbers<'_>,
    stored: &Hashes<'_>,
) -> Vec<InsertOutcome> {
    let mut firsts: Hashes<'a> = HashMap::new();
    items
        .iter()
        .map(|item| {
            let key = key(item);
            if inserted.contains_key(&key) && !firsts.contains_key(&key) {
                firsts.insert(key, item.1.content_hash);
                return InsertOutcome::Accepted;
            }
            match firsts.get(&key).or_else(|| stored.get(&key)) {
                Some(hash) if *hash != item.1.content_hash => InsertOutcome::Conflict,
                // Not found any more: its retention passed between the two statements.
                _ => InsertOutcome::Duplicate,
            }
        })
        .collect()
}

fn counted(items: &[Item], outcomes: &[InsertOutcome]) -> BTreeMap<ProjectId, Vec<(Counter, i64)>> {
    let mut counts: BTreeMap<ProjectId, Vec<(Counter, i64)>> = BTreeMap::new();
    for ((project, _), outcome) in items.iter().zip(outcomes) {
        let counter = match outcome {
            InsertOutcome::Accepted => Counter::Accepted,
            InsertOutcome::Duplicate => Counter::Duplicate,
            InsertOutcome::Conflict => Counter::Conflict,
        };
        let of_project = counts.entry(*project).or_default();
        match of_project.iter_mut().find(|(known, _)| *known == counter) {
            Some((_, n)) => *n += 1,
            None => of_project.push((counter, 1)),
        }
    }
    counts
}

/// What screening found; NULL for nothing.
fn personal(item: &Item) -> Result<Option<String>, StoreError> {
    let found = &item.1.personal;
    (!found.is_none()).then(|| codec::to_json("interaction_texts", found)).transpose()
}

/// One text per item, ready to be bound.
fn attributes(item: &Item) -> Result<String, StoreError> {
    codec::to_json(TABLE, &item.1.attributes)
}

/// The texts of an item as they are stored.
struct AtRest<'a> {
    key: Option<i64>,
    query: Cow<'a, str>,
    response: Option<Cow<'a, str>>,
    metadata: Option<Cow<'a, str>>,
}

impl<'a> AtRest<'a> {
    fn new((project, item): &'a Item, keys: &ProjectKeys) -> Result<Self, StoreError> {
        let key = keys.known(*project);
        let some = |place, text| sealed_texts::seal_some(key, place, &item.id, text);
        Ok(Self {
            key: key.map(TextKey::id),
            query: sealed_texts::seal(key, sealed_texts::QUERY, &item.id, &item.query)?,
            response: some(sealed_texts::RESPONSE, item.response.as_deref())?,
            metadata: some(sealed_texts::METADATA, item.metadata.as_deref())?,
        })
    }
}

async fn insert_postgres<'a>(
    tx: &mut Transaction<'static, Postgres>,
    items: &[&'a Item],
    keys: &ProjectKeys,
    now: Timestamp,
) -> Result<(Numbers<'a>, Hashes<'a>), StoreError> {
    let nullable = |of: fn(&NewInteraction) -> Option<&str>| -> Vec<Option<&'a str>> {
        items.iter().map(|item| of(&item.1)).collect()
    };
    let projects: Vec<String> = items.iter().map(|item| item.0.to_string()).collect();
    let ids: Vec<&str> = items.iter().map(|item| item.1.id.as_str()).collect();
    let at_rest = items.iter().map(|item| AtRest::new(item, keys));
    let at_rest: Vec<AtRest<'_>> = at_rest.collect::<Result<_, _>>()?;
    let attributes: Vec<String> = items.iter().map(|i| attributes(i)).collect::<Result<_, _>>()?;
    let hashes: Vec<&[u8]> = items.iter().map(|i| i.1.content_hash.as_slice()).collect();
    let rows: Vec<(i64, i64)> = sqlx::query_as(INSERT_MANY)
        .bind(&projects)
        .bind(&ids)
        .bind(items.iter().map(|i| i.1.occurred_at.as_micros()).collect::<Vec<_>>())
        .bind(hashes)
        .bind(nullable(|item| item.session_id.as_deref()))
        .bind(attributes)
        .bind(nullable(|item| item.model.as_deref()))
        .bind(at_rest.iter().map(|texts| texts.metadata.as_deref()).collect::<Vec<_>>())
        .bind(items.iter().map(|i| i.1.inclusion_probability).collect::<Vec<_>>())
        .bind(at_rest.iter().map(|texts| &*texts.query).collect::<Vec<_>>())
        .bind(at_rest.iter().map(|texts| texts.response.as_deref()).collect::<Vec<_>>())
        .bind(now.as_micros())
        .bind(now.day())
        .bind(nullable(|item| item.subject.as_ref().map(|subject| subject.0.as_str())))
        .bind(items.iter().map(|i| personal(i)).collect::<Result<Vec<_>, _>>()?)
        .bind(items.iter().map(|i| i64::from(i.1.until_embedded)).collect::<Vec<_>>())
        .bind(at_rest.iter().map(|texts| texts.key).collect::<Vec<_>>())
        .fetch_all(&mut **tx)
        .await?;
    let inserted: Numbers<'a> =
        rows.into_iter().map(|(n, seq)| (key(items[n as usize - 1]), seq)).collect();
    let mut stored = HashMap::new();
    if inserted.len() < items.len() {
        // A statement of its own: only a new snapshot sees what a concurrent sender committed.
        let rows: Vec<(String, String, Vec<u8>)> =
            sqlx::query_as(STORED_HASHES).bind(&projects).bind(&ids).fetch_all(&mut **tx).await?;
        let rows: HashMap<_, _> = rows.into_iter().map(|(p, id, hash)| ((p, id), hash)).collect();
        for item in items {
            if let Some(bytes) = rows.get(&(item.0.to_string(), item.1.id.clone())) {
                stored.insert(key(item), codec::hash(TABLE, bytes)?);
            }
        }
    }
    Ok((inserted, stored))
}

async fn insert_sqlite<'a>(
    tx: &mut Transaction<'static, Sqlite>,
    items: &[&'a Item],
    keys: &ProjectKeys,
    now: Timestamp,
) -> Result<(Numbers<'a>, Hashes<'a>), StoreError> {
    let mut inserted = HashMap::new();
    let mut stored = HashMap::new();
    for entry in items {
        let (project, item) = (entry.0.to_string(), &entry.1);
        let texts = AtRest::new(entry, keys)?;
        let seq: Option<i64> = sqlx::query_scalar(INSERT_ONE)
            .bind(&project)
            .bind(&item.id)
            .bind(item.occurred_at.as_micros())
            .bind(item.content_hash.as_slice())
            .bind(&item.session_id)
            .bind(attributes(entry)?)
            .bind(&item.model)
            .bind(texts.metadata.as_deref())
            .bind(item.inclusion_probability)
            .bind(now.as_micros())
            .bind(now.day())
            .bind(item.subject.as_ref().map(|subject| &subject.0))
            .bind(texts.key)
            .fetch_optional(&mut **tx)
            .await?;
        if let Some(seq) = seq {
            inserted.insert(key(entry), seq);
            sqlx::query(INSERT_TEXT)
                .bind(now.day())
                .bind(seq)
                .bind(&*texts.query)
                .bind(texts.response.as_deref())
                .bind(personal(entry)?)
                .bind(i64::from(item.until_embedded))
                .bind(texts.key)
                .execute(&mut **tx)
                .await?;
        } else {
            let hash: Vec<u8> = sqlx::query_scalar(STORED_HASH)
                .bind(&project)
                .bind(&item.id)
                .fetch_one(&mut **tx)
                .await?;
            stored.insert(key(entry), codec::hash(TABLE, &hash)?);
        }
    }
    Ok((inserted, stored))
}

#[derive(sqlx::FromRow)]
struct InteractionRow {
    id: String,
    occurred_at: i64,
    received_at: i64,
    session_id: Option<String>,
    attributes: String,
    model: Option<String>,
    state: String,
    position: Option<i64>,
    query: Option<String>,
    response: Option<String>,
    text_key: Option<i64>,
}

impl InteractionRow {
    fn read(self, ring: &Keyring) -> Result<Interaction, StoreError> {
        let open = |place, text| ring.open_some(self.text_key, place, &self.id, text);
        Ok(Interaction {
            query: open(sealed_texts::QUERY, self.query)?,
            response: open(sealed_texts::RESPONSE, self.response)?,
            id: self.id,
            occurred_at: Timestamp::from_micros(self.occurred_at),
            received_at: Timestamp::from_micros(self.received_at),
            session_id: self.session_id,
            attributes: codec::from_json(TABLE, &self.attributes)?,
            model: self.model,
            state: state(&self.state)?,
        })
    }
}

fn state(name: &str) -> Result<InteractionState, StoreError> {
    use InteractionState as S;
    [S::Pending, S::Embedded, S::Quarantined]
        .into_iter()
        .find(|state| state.as_str() == name)
        .ok_or_else(|| StoreError::corrupt(TABLE, format!("{name:?} is not a state")))
}

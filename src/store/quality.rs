//! What the checks of texts found, counted by day.

use std::collections::BTreeMap;

use super::codec;
use super::engine::{Sql, Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use super::queue::EmbeddedText;
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::interaction::Attributes;
use crate::model::quality::{
    CHANNEL, QualityCount, REPAIRED, REPAIRED_WORDS, Side, counted_channel,
};
use crate::model::signals::{Signals, TextSignals};
use crate::text::clean::Change;

const ADD: Sql = Sql {
    postgres: "INSERT INTO quality_counts (project_id, day, side, channel, language, signal, count)
        SELECT $1, (v->>0)::bigint, v->>1, v->>2, v->>3, v->>4, (v->>5)::bigint
        FROM json_array_elements($2::json) AS t (v)
        ON CONFLICT (project_id, day, side, channel, language, signal)
            DO UPDATE SET count = quality_counts.count + excluded.count",
    sqlite: "INSERT INTO quality_counts (project_id, day, side, channel, language, signal, count)
        SELECT $1, json_extract(value, '$[0]'), json_extract(value, '$[1]'),
            json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]'),
            json_extract(value, '$[5]')
        FROM json_each($2) WHERE true
        ON CONFLICT (project_id, day, side, channel, language, signal)
            DO UPDATE SET count = quality_counts.count + excluded.count",
};
const READ: &str = "SELECT day, side, channel, language, signal, count FROM quality_counts
    WHERE project_id = $1 AND day >= $2 AND day < $3
    ORDER BY day, side, channel, language, signal";
const LATEST: &str = "SELECT i.id, e.signals FROM interactions i
    JOIN embeddings e ON e.day = i.day AND e.seq = i.seq
    WHERE i.project_id = $1 AND i.position IS NOT NULL AND e.signals IS NOT NULL
    ORDER BY i.position DESC LIMIT $2";
/// The latest first, so that the limit costs no more than it says; by the index on the time.
const SEEN: &str = "SELECT i.occurred_at, i.attributes, e.signals
    FROM (SELECT day, seq, occurred_at, attributes FROM interactions
        WHERE project_id = $1 AND occurred_at > $2 ORDER BY occurred_at DESC LIMIT $3) i
    JOIN embeddings e ON e.day = i.day AND e.seq = i.seq
    WHERE e.signals IS NOT NULL AND e.excluded IS NULL";

/// What was seen of an interaction's texts, with its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenTexts {
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its labels.
    pub attributes: Attributes,
    /// What was seen.
    pub signals: Signals,
}

/// The place of a count: day, side, channel, language, check.
type Key = (i64, &'static str, String, &'static str, String);

/// Counts what was found in a batch of texts of one project; in the commit that stores it.
pub(super) async fn count<'a>(
    store: &Store,
    tx: &mut Tx,
    project: ProjectId,
    texts: impl Iterator<Item = (i64, &'a EmbeddedText)>,
) -> Result<(), StoreError> {
    let mut counts: BTreeMap<Key, i64> = BTreeMap::new();
    for (day, text) in texts {
        let channel = text.attributes.get(CHANNEL).map_or("", |name| counted_channel(name));
        let words = (is_repaired(text) && text.excluded.is_none()).then(|| repaired_words(text));
        let found =
            found(text).into_iter().map(|(side, language, signal)| (side, language, signal, 1));
        for (side, language, signal, n) in found.chain(words) {
            let key = (day, side.as_str(), channel.to_owned(), language, signal);
            *counts.entry(key).or_default() += n;
        }
    }
    if counts.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = counts
        .iter()
        .map(|((day, side, channel, language, signal), n)| {
            (day, side, channel, language, signal, n)
        })
        .collect();
    let rows = codec::to_json("quality_counts", &rows)?;
    let sql = store.pick(&ADD);
    on_tx!(tx, |connection| {
        sqlx::query(sql).bind(project.to_string()).bind(&rows).execute(connection).await.map(|_| ())
    })?;
    Ok(())
}

/// What an interaction counts as. One that is left out of statistics counts as that alone.
fn found(text: &EmbeddedText) -> Vec<(Side, &'static str, String)> {
    let Signals { query, response } = text.signals;
    let language = |seen: Option<TextSignals>| seen.map_or("und", |seen| seen.told_language());
    if let Some(rule) = &text.excluded {
        return vec![(Side::Query, language(query), format!("excluded/{rule}"))];
    }
    let cleaning = text.rewrite.as_ref().map(|rewrite| &rewrite.cleaning);
    let cleaned = |changes: Option<&Vec<Change>>| {
        let name = |change: &Change| format!("cleaned/{}", codec::name_of(change.step));
        changes.into_iter().flatten().map(name).collect::<Vec<_>>()
    };
    let of = |side: Side, seen: Option<TextSignals>, changes: Vec<String>| {
        let signals = seen.iter().flat_map(TextSignals::counted).chain(changes);
        signals.map(|signal| (side, language(seen), signal)).collect::<Vec<_>>()
    };
    let mut changes = cleaned(cleaning.map(|c| &c.query));
    changes.extend(is_repaired(text).then(|| REPAIRED.to_owned()));
    let mut found = of(Side::Query, query, changes);
    found.extend(of(Side::Response, response, cleaned(cleaning.map(|c| &c.response))));
    found
}

fn is_repaired(text: &EmbeddedText) -> bool {
    text.repaired_words > 0
}

/// Words, not texts, are counted here.
fn repaired_words(text: &EmbeddedText) -> (Side, &'static str, String, i64) {
    let language = text.signals.query.map_or("und", |seen| seen.told_language());
    (Side::Query, language, REPAIRED_WORDS.to_owned(), text.repaired_words as i64)
}

#[derive(sqlx::FromRow)]
struct CountRow {
    day: i64,
    side: String,
    channel: String,
    language: String,
    signal: String,
    count: i64,
}

impl TryFrom<CountRow> for QualityCount {
    type Error = StoreError;

    fn try_from(row: CountRow) -> Result<Self, StoreError> {
        Ok(Self {
            day: row.day,
            side: codec::from_name("quality_counts", &row.side)?,
            channel: row.channel,
            language: row.language,
            signal: row.signal,
            count: row.count,
        })
    }
}

impl Store {
    /// The counts of the days in `[from, to)`, days since 1970-01-01.
    pub async fn quality_counts(
        &self,
        project: ProjectId,
        from: i64,
        to: i64,
    ) -> Result<Vec<QualityCount>, StoreError> {
        let rows: Vec<CountRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(READ).bind(project.to_string()).bind(from).bind(to).fetch_all(pool).await
        })?;
        codec::all(rows)
    }

    /// The latest `limit` interactions whose texts were looked at, with what was seen, newest first.
    pub async fn latest_signals(
        &self,
        project: ProjectId,
        limit: i64,
    ) -> Result<Vec<(String, Signals)>, StoreError> {
        let rows: Vec<(String, String)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LATEST).bind(project.to_string()).bind(limit).fetch_all(pool).await
        })?;
        rows.into_iter()
            .map(|(id, signals)| Ok((id, codec::from_json("embeddings", &signals)?)))
            .collect()
    }

    /// What was seen of the latest `limit` interactions that happened after `since`, in no order. What is
    /// not looked at yet is missing, and what is left out of statistics.
    pub async fn seen_texts(
        &self,
        project: ProjectId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<SeenTexts>, StoreError> {
        let rows: Vec<(i64, String, String)> = on_engine!(self, readers, |pool| {
            sqlx::query_as(SEEN)
                .bind(project.to_string())
                .bind(since.as_micros())
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })?;
        rows.into_iter()
            .map(|(occurred_at, attributes, signals)| {
                Ok(SeenTexts {
                    occurred_at: Timestamp::from_micros(occurred_at),
                    attributes: codec::from_json("interactions", &attributes)?,
                    signals: codec::from_json("embeddings", &signals)?,
                })
            })
            .collect()
    }
}

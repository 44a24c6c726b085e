//! What a commit of interactions does for outcomes: it stores the figures that came along and joins
//! the outcomes that came before.

use std::collections::BTreeMap;

use sqlx::{Postgres, Sqlite, Transaction};

use super::{Gate, TABLE, definitions, pass};
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::interaction::NewInteraction;
use crate::model::outcome::{OutcomeDefinition, Value};
use crate::store::codec;
use crate::store::counters::Counter;
use crate::store::engine::{Sql, Store, Tx, on_tx};
use crate::store::error::StoreError;

const ANY_PARKED: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT 1 FROM outcomes
    WHERE project_id = $1 AND interaction_seq IS NULL LIMIT 1) AS t";
/// OFFSET keeps Postgres to one look into the index for each target: it would rather read all
/// that is parked.
const PARKED: Sql = Sql {
    postgres: "SELECT o.seq FROM json_array_elements_text($3::json) AS t (id)
        CROSS JOIN LATERAL (SELECT seq FROM outcomes
            WHERE project_id = $1 AND target = $2 AND target_id = t.id AND interaction_seq IS NULL
            OFFSET 0) AS o",
    sqlite: "SELECT seq FROM outcomes
        WHERE project_id = $1 AND target = $2 AND interaction_seq IS NULL
          AND target_id IN (SELECT value FROM json_each($3))",
};
const FIGURES: &str = "INSERT INTO outcomes (project_id, name, target, target_id, value,
        occurred_at, received_at, day, interaction_seq, interaction_at, late)
    SELECT $5, name, 'figure', '', value, at, $6, $7, interaction, at, FALSE
    FROM UNNEST($1::text[], $2::float8[], $3::bigint[], $4::bigint[])
        AS t (name, value, at, interaction)";
const FIGURE: &str = "INSERT INTO outcomes (project_id, name, target, target_id, value,
        occurred_at, received_at, day, interaction_seq, interaction_at, late)
    VALUES ($1, $2, 'figure', '', $3, $4, $5, $6, $7, $4, FALSE)";

/// An interaction that this commit stores, and the number it got.
pub(in crate::store) type Stored<'a> = (&'a NewInteraction, i64);

type Counts = Vec<(Counter, i64)>;

/// A figure's name and value, the time of its interaction and its number.
type Figure = (&'static str, Value, i64, i64);

/// Keeps outcomes from being parked past the interactions of this commit; before they are stored.
pub(in crate::store) async fn announce(
    tx: &mut Tx,
    projects: &[ProjectId],
) -> Result<(), StoreError> {
    pass(tx, Gate::Arrival, projects).await
}

/// Stores figures and joins parked outcomes; what is to be counted.
pub(in crate::store) async fn attach(
    store: &Store,
    tx: &mut Tx,
    project: ProjectId,
    stored: &[Stored<'_>],
    now: Timestamp,
) -> Result<Counts, StoreError> {
    let figures = insert_figures(tx, project, stored, now).await?;
    let joined = join_parked(store, tx, project, stored).await?;
    Ok(vec![(Counter::OutcomesAccepted, figures), (Counter::OutcomesJoined, figures + joined)])
}

async fn insert_figures(
    tx: &mut Tx,
    project: ProjectId,
    stored: &[Stored<'_>],
    now: Timestamp,
) -> Result<i64, StoreError> {
    let figures: Vec<Figure> = stored
        .iter()
        .flat_map(|(item, seq)| {
            let at = item.occurred_at.as_micros();
            item.figures.outcomes().map(move |(name, value)| (name, value, at, *seq))
        })
        .collect();
    if figures.is_empty() {
        return Ok(0);
    }
    let names: BTreeMap<&str, &Value> = figures.iter().map(|f| (f.0, &f.1)).collect();
    for (name, value) in names {
        let definition = OutcomeDefinition::automatic(project, name, value, now);
        definitions::insert(tx, &definition).await?;
    }
    match tx {
        Tx::Postgres(tx) => figures_postgres(tx, project, &figures, now).await?,
        Tx::Sqlite(tx) => figures_sqlite(tx, project, &figures, now).await?,
    }
    Ok(figures.len() as i64)
}

async fn figures_postgres(
    tx: &mut Transaction<'static, Postgres>,
    project: ProjectId,
    figures: &[Figure],
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(FIGURES)
        .bind(figures.iter().map(|figure| figure.0).collect::<Vec<_>>())
        .bind(figures.iter().map(|figure| figure.1.number()).collect::<Vec<_>>())
        .bind(figures.iter().map(|figure| figure.2).collect::<Vec<_>>())
        .bind(figures.iter().map(|figure| figure.3).collect::<Vec<_>>())
        .bind(project.to_string())
        .bind(now.as_micros())
        .bind(now.day())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn figures_sqlite(
    tx: &mut Transaction<'static, Sqlite>,
    project: ProjectId,
    figures: &[Figure],
    now: Timestamp,
) -> Result<(), StoreError> {
    let project = project.to_string();
    for (name, value, at, seq) in figures {
        sqlx::query(FIGURE)
            .bind(&project)
            .bind(name)
            .bind(value.number())
            .bind(at)
            .bind(now.as_micros())
            .bind(now.day())
            .bind(seq)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn join_parked(
    store: &Store,
    tx: &mut Tx,
    project: ProjectId,
    stored: &[Stored<'_>],
) -> Result<i64, StoreError> {
    let any: i64 = on_tx!(tx, |connection| {
        sqlx::query_scalar(ANY_PARKED).bind(project.to_string()).fetch_one(connection).await
    })?;
    if any == 0 {
        return Ok(0);
    }
    let distinct = |of: fn(&NewInteraction) -> Option<&str>| {
        let mut ids: Vec<&str> = stored.iter().filter_map(|(item, _)| of(item)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let targets = [
        ("interaction", distinct(|item| Some(&item.id))),
        ("session", distinct(|item| item.session_id.as_deref())),
        ("subject", distinct(|item| item.subject.as_ref().map(|subject| subject.0.as_str()))),
    ];
    let mut found: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
    for (kind, ids) in targets {
        if ids.is_empty() {
            continue;
        }
        let ids = codec::to_json(TABLE, &ids)?;
        let seqs: Vec<i64> = on_tx!(tx, |connection| {
            sqlx::query_scalar(store.pick(&PARKED))
                .bind(project.to_string())
                .bind(kind)
                .bind(&ids)
                .fetch_all(connection)
                .await
        })?;
        if !seqs.is_empty() {
            found.insert(kind, seqs);
        }
    }
    Ok(store.join_all(tx, &found).await?.len() as i64)
}

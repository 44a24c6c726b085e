//! What outcomes of each name mean.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::outcome::{OutcomeDefinition, Value};
use crate::store::codec;
use crate::store::engine::{Store, Tx, on_engine, on_tx};
use crate::store::error::StoreError;

const TABLE: &str = "outcome_definitions";

/// Names of a project at most.
pub const MAX_DEFINITIONS: usize = 200;

const LIST: &str = "SELECT * FROM outcome_definitions WHERE project_id = $1 ORDER BY name";
const FIND: &str = "SELECT * FROM outcome_definitions WHERE project_id = $1 AND name = $2";
const DELETE: &str = "DELETE FROM outcome_definitions WHERE project_id = $1 AND name = $2";
const INSERT: &str = "INSERT INTO outcome_definitions (project_id, name, kind, good,
        attribution_window_days, automatic, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (project_id, name) DO NOTHING";
const SET: &str = "INSERT INTO outcome_definitions (project_id, name, kind, good,
        attribution_window_days, automatic, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (project_id, name) DO UPDATE SET kind = excluded.kind, good = excluded.good,
        attribution_window_days = excluded.attribution_window_days,
        automatic = excluded.automatic, updated_at = excluded.updated_at";

#[derive(sqlx::FromRow)]
struct DefinitionRow {
    project_id: String,
    name: String,
    kind: String,
    good: String,
    attribution_window_days: i64,
    automatic: bool,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<DefinitionRow> for OutcomeDefinition {
    type Error = StoreError;

    fn try_from(row: DefinitionRow) -> Result<Self, StoreError> {
        Ok(Self {
            project_id: codec::parse_id(TABLE, &row.project_id)?,
            name: row.name,
            kind: codec::from_name(TABLE, &row.kind)?,
            good: codec::from_json(TABLE, &row.good)?,
            attribution_window_days: u32::try_from(row.attribution_window_days)
                .map_err(|error| StoreError::corrupt(TABLE, error))?,
            automatic: row.automatic,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }
}

/// A statement that writes a definition, with all that it binds.
macro_rules! write {
    ($sql:expr, $definition:expr, $good:expr) => {
        sqlx::query($sql)
            .bind($definition.project_id.to_string())
            .bind(&$definition.name)
            .bind(codec::name_of($definition.kind))
            .bind($good)
            .bind(i64::from($definition.attribution_window_days))
            .bind($definition.automatic)
            .bind($definition.created_at.as_micros())
            .bind($definition.updated_at.as_micros())
    };
}

impl Store {
    /// What outcomes of each name mean, by name.
    pub async fn outcome_definitions(
        &self,
        project: ProjectId,
    ) -> Result<Vec<OutcomeDefinition>, StoreError> {
        let rows: Vec<DefinitionRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST).bind(project.to_string()).fetch_all(pool).await
        })?;
        codec::all(rows)
    }

    /// What outcomes of this name mean.
    pub async fn find_outcome_definition(
        &self,
        project: ProjectId,
        name: &str,
    ) -> Result<Option<OutcomeDefinition>, StoreError> {
        let row: Option<DefinitionRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND).bind(project.to_string()).bind(name).fetch_optional(pool).await
        })?;
        row.map(TryInto::try_into).transpose()
    }

    /// Makes a definition or replaces the one of this name.
    pub async fn set_outcome_definition(
        &self,
        definition: &OutcomeDefinition,
    ) -> Result<(), StoreError> {
        let good = codec::to_json(TABLE, &definition.good)?;
        on_engine!(self, writer, |pool| {
            write!(SET, definition, &good).execute(pool).await.map(|_| ())
        })?;
        Ok(())
    }

    /// Forgets a definition; false when there is none. The outcomes stay.
    pub async fn delete_outcome_definition(
        &self,
        project: ProjectId,
        name: &str,
    ) -> Result<bool, StoreError> {
        let deleted = on_engine!(self, writer, |pool| {
            sqlx::query(DELETE)
                .bind(project.to_string())
                .bind(name)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(deleted > 0)
    }
}

/// The project's definitions by name, after those names of `values` that are new got one, as
/// far as there is room.
pub(super) async fn ensure<'a>(
    tx: &mut Tx,
    project: ProjectId,
    values: impl Iterator<Item = (&'a str, &'a Value)>,
    now: Timestamp,
) -> Result<BTreeMap<String, OutcomeDefinition>, StoreError> {
    let known = list(tx, project).await?;
    let mut made: BTreeMap<&str, OutcomeDefinition> = BTreeMap::new();
    for (name, value) in values.filter(|(name, _)| !known.contains_key(*name)) {
        if known.len() + made.len() < MAX_DEFINITIONS {
            made.entry(name)
                .or_insert_with(|| OutcomeDefinition::automatic(project, name, value, now));
        }
    }
    if made.is_empty() {
        return Ok(known);
    }
    for definition in made.values() {
        insert(tx, definition).await?;
    }
    // Another sender may have been first, with another kind.
    list(tx, project).await
}

/// Makes a definition where there is none of its name.
pub(super) async fn insert(tx: &mut Tx, definition: &OutcomeDefinition) -> Result<(), StoreError> {
    let good = codec::to_json(TABLE, &definition.good)?;
    on_tx!(tx, |connection| {
        write!(INSERT, definition, &good).execute(connection).await.map(|_| ())
    })?;
    Ok(())
}

async fn list(
    tx: &mut Tx,
    project: ProjectId,
) -> Result<BTreeMap<String, OutcomeDefinition>, StoreError> {
    let rows: Vec<DefinitionRow> = on_tx!(tx, |connection| {
        sqlx::query_as(LIST).bind(project.to_string()).fetch_all(connection).await
    })?;
    let definitions: Vec<OutcomeDefinition> = codec::all(rows)?;
    Ok(definitions.into_iter().map(|definition| (definition.name.clone(), definition)).collect())
}

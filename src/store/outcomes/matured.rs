//! Interactions whose outcomes have had their time, handed out once and for all.
//!
//! Figures made of what was handed out are published, so an outcome that comes later is marked: it is
//! kept, and in no figure. Whoever hands out says so first and reads the outcomes then; the commits
//! of outcomes that were under way are waited for. So an outcome is either read or marked.

use std::collections::{BTreeMap, HashMap};

use super::{Gate, TABLE, close};
use crate::clock::Timestamp;
use crate::id::ProjectId;
use crate::model::interaction::EventOutcome;
use crate::model::outcome::{OutcomeDefinition, OutcomeEvent};
use crate::model::vector;
use crate::store::codec;
use crate::store::engine::{Sql, Store, on_engine, on_tx};
use crate::store::error::StoreError;

const AFTER: &str = "SELECT i.position, i.seq, i.id, i.occurred_at, i.session_id, i.attributes,
        e.query
    FROM interactions i
    LEFT JOIN embeddings e ON e.day = i.day AND e.seq = i.seq AND e.model_digest = $4
    WHERE i.project_id = $1 AND i.position > $2 AND e.excluded IS NULL
    ORDER BY i.position LIMIT $3";
const BY_ID: Sql = Sql {
    postgres: "SELECT i.position, i.seq, i.id, i.occurred_at, i.session_id, i.attributes,
            NULL::bytea AS query
        FROM interactions i WHERE i.project_id = $1
          AND i.id = ANY (ARRAY (SELECT json_array_elements_text($2::json)))
          AND i.position IS NOT NULL",
    sqlite: "SELECT i.position, i.seq, i.id, i.occurred_at, i.session_id, i.attributes,
            NULL AS query
        FROM interactions i WHERE i.project_id = $1 AND i.id IN (SELECT value FROM json_each($2))
          AND i.position IS NOT NULL",
};
const OUTCOMES: Sql = Sql {
    postgres: "SELECT interaction_seq, name, value, category, occurred_at, late FROM outcomes
        WHERE interaction_seq = ANY (ARRAY (SELECT json_array_elements_text($1::json)::bigint))
        ORDER BY occurred_at, seq",
    sqlite: "SELECT interaction_seq, name, value, category, occurred_at, late FROM outcomes
        WHERE interaction_seq IN (SELECT value FROM json_each($1)) ORDER BY occurred_at, seq",
};
const WATERMARK: &str = "SELECT position FROM outcome_watermarks WHERE project_id = $1";
const RAISE: &str = "INSERT INTO outcome_watermarks (project_id, position) VALUES ($1, $2)
    ON CONFLICT (project_id) DO UPDATE SET position = excluded.position
    WHERE outcome_watermarks.position < excluded.position";

#[derive(sqlx::FromRow)]
struct EventRow {
    position: i64,
    seq: i64,
    id: String,
    occurred_at: i64,
    session_id: Option<String>,
    attributes: String,
    query: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct OutcomeRow {
    interaction_seq: i64,
    name: String,
    value: Option<f64>,
    category: Option<String>,
    occurred_at: i64,
    late: bool,
}

impl Store {
    /// Embedded interactions after `position` with their outcomes, by position: up to the first that
    /// happened at `matured_before` or later, and at most `limit`.
    ///
    /// What was handed out once stays as it was: outcomes that come later are in `late`.
    pub async fn matured_events(
        &self,
        project: ProjectId,
        after_position: i64,
        matured_before: Timestamp,
        model_digest: &str,
        limit: i64,
    ) -> Result<Vec<OutcomeEvent>, StoreError> {
        let mut rows: Vec<EventRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(AFTER)
                .bind(project.to_string())
                .bind(after_position)
                .bind(limit)
                .bind(model_digest)
                .fetch_all(pool)
                .await
        })?;
        let matured = rows.iter().take_while(|row| row.occurred_at < matured_before.as_micros());
        rows.truncate(matured.count());
        let Some(last) = rows.last() else { return Ok(Vec::new()) };
        self.hand_out(project, last.position).await?;
        let definitions = self.outcome_definitions(project).await?;
        let mut outcomes = self.outcomes_of(&rows).await?;
        rows.into_iter()
            .map(|row| event(&definitions, outcomes.remove(&row.seq).unwrap_or_default(), row))
            .collect()
    }

    /// The outcomes that have come, late or not, of interactions by the caller's ids.
    pub async fn outcomes_by_id(
        &self,
        project: ProjectId,
        ids: &[String],
    ) -> Result<HashMap<String, Vec<EventOutcome>>, StoreError> {
        let ids = codec::to_json(TABLE, &ids)?;
        let rows: Vec<EventRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(self.pick(&BY_ID))
                .bind(project.to_string())
                .bind(&ids)
                .fetch_all(pool)
                .await
        })?;
        let definitions = self.outcome_definitions(project).await?;
        let mut outcomes = self.outcomes_of(&rows).await?;
        rows.into_iter()
            .map(|row| {
                let id = row.id.clone();
                let own = outcomes.remove(&row.seq).unwrap_or_default();
                let own = own.into_iter().map(|outcome| OutcomeRow { late: false, ..outcome });
                Ok((id, event(&definitions, own.collect(), row)?.outcomes))
            })
            .collect()
    }

    /// Marks everything up to `position` as handed out, once the outcomes under way are there.
    async fn hand_out(&self, project: ProjectId, position: i64) -> Result<(), StoreError> {
        let id = project.to_string();
        let known: Option<i64> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar(WATERMARK).bind(&id).fetch_optional(pool).await
        })?;
        if known.is_some_and(|known| known >= position) {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        close(&mut tx, Gate::HandOut, project).await?;
        on_tx!(&mut tx, |connection| {
            sqlx::query(RAISE).bind(&id).bind(position).execute(connection).await.map(|_| ())
        })?;
        tx.commit().await
    }

    /// The outcomes of interactions, in the order in which they happened.
    async fn outcomes_of(
        &self,
        rows: &[EventRow],
    ) -> Result<HashMap<i64, Vec<OutcomeRow>>, StoreError> {
        let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
        let seqs = codec::to_json(TABLE, &seqs)?;
        let found: Vec<OutcomeRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(self.pick(&OUTCOMES)).bind(&seqs).fetch_all(pool).await
        })?;
        let mut outcomes: HashMap<i64, Vec<OutcomeRow>> = HashMap::new();
        for row in found {
            outcomes.entry(row.interaction_seq).or_default().push(row);
        }
        Ok(outcomes)
    }
}

fn event(
    definitions: &[OutcomeDefinition],
    outcomes: Vec<OutcomeRow>,
    row: EventRow,
) -> Result<OutcomeEvent, StoreError> {
    let (mut last, mut late) = (BTreeMap::new(), Vec::new());
    for outcome in outcomes {
        let after = Timestamp::from_micros(outcome.occurred_at);
        let after_seconds = after.since(Timestamp::from_micros(row.occurred_at)).as_secs_f64();
        let definition = definitions.iter().find(|definition| definition.name == outcome.name);
        let worth = match definition {
            Some(definition) => definition.worth(outcome.value, outcome.category.as_deref()),
            None => outcome.value,
        };
        match worth {
            None => {}
            Some(value) if outcome.late => {
                late.push(EventOutcome { name: outcome.name, value, after_seconds });
            }
            // The last word about an interaction counts.
            Some(value) => drop(last.insert(outcome.name, (value, after_seconds))),
        }
    }
    Ok(OutcomeEvent {
        position: row.position,
        interaction_id: row.id,
        occurred_at: Timestamp::from_micros(row.occurred_at),
        session_id: row.session_id,
        attributes: codec::from_json("interactions", &row.attributes)?,
        query: row.query.map(|bytes| vector::decode(&bytes)),
        outcomes: last
            .into_iter()
            .map(|(name, (value, after_seconds))| EventOutcome { name, value, after_seconds })
            .collect(),
        late,
    })
}

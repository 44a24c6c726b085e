//! Deliveries as the API shows them, and another try on request.

use super::codec;
use super::engine::{Store, on_engine};
use super::error::StoreError;
use super::sealed_texts::{self, Keyring};
use crate::clock::Timestamp;
use crate::id::{AlertId, DeliveryId, ProjectId, ReceiverId};
use crate::model::delivery::{Attempt, Delivery, DeliveryStatus};

pub(super) const TABLE: &str = "deliveries";
const REPLAY: &str = "UPDATE deliveries SET status = 'pending', next_attempt_at = $3,
        delivered_at = NULL, claim_holder = NULL, claim_until = 0, claim_token = claim_token + 1
    WHERE project_id = $1 AND id = $2";
const REPLAY_EXHAUSTED: &str = "UPDATE deliveries SET status = 'pending', next_attempt_at = $3
    WHERE project_id = $1 AND receiver_id = $2 AND status = 'exhausted'";
const FIND: &str = "SELECT * FROM deliveries WHERE project_id = $1 AND id = $2";
const LIST: &str = "SELECT * FROM deliveries
    WHERE project_id = $1 AND ($2 IS NULL OR alert_id = $2) AND ($3 IS NULL OR receiver_id = $3)
      AND ($4 IS NULL OR status = $4)
      AND ($5 IS NULL OR created_at < $5 OR (created_at = $5 AND id < $6))
    ORDER BY created_at DESC, id DESC LIMIT $7";
const REMARK: &str = "UPDATE delivery_attempts SET error = $3
    WHERE delivery_id = $1 AND number = $2 AND error IS NULL";
const ATTEMPTS: &str = "SELECT * FROM delivery_attempts WHERE delivery_id = $1 ORDER BY number";

/// Which deliveries are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only those that tell of this alert.
    pub alert: Option<AlertId>,
    /// Only those to this receiver.
    pub receiver: Option<ReceiverId>,
    /// Only those in this status.
    pub status: Option<DeliveryStatus>,
    /// The last delivery of the page before: its creation and id.
    pub before: Option<(Timestamp, DeliveryId)>,
    /// At most so many.
    pub limit: i64,
}

#[derive(sqlx::FromRow)]
pub(super) struct DeliveryRow {
    id: String,
    project_id: String,
    receiver_id: String,
    alert_id: Option<String>,
    event_type: String,
    body: String,
    status: String,
    attempts: i64,
    created_at: i64,
    next_attempt_at: i64,
    delivered_at: Option<i64>,
    pub(super) text_key: Option<i64>,
}

impl DeliveryRow {
    pub(super) fn read(self, ring: &Keyring) -> Result<Delivery, StoreError> {
        let row = self;
        Ok(Delivery {
            body: ring.open(row.text_key, sealed_texts::BODY, &row.id, row.body)?,
            id: codec::parse_id(TABLE, &row.id)?,
            project_id: codec::parse_id(TABLE, &row.project_id)?,
            receiver_id: codec::parse_id(TABLE, &row.receiver_id)?,
            alert_id: row.alert_id.map(|id| codec::parse_id(TABLE, &id)).transpose()?,
            event_type: row.event_type,
            status: codec::from_name(TABLE, &row.status)?,
            attempts: row.attempts,
            created_at: Timestamp::from_micros(row.created_at),
            next_attempt_at: Timestamp::from_micros(row.next_attempt_at),
            delivered_at: codec::moment(row.delivered_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    delivery_id: String,
    number: i64,
    at: i64,
    status_code: Option<i64>,
    duration_ms: i64,
    error: Option<String>,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = StoreError;

    fn try_from(row: AttemptRow) -> Result<Self, StoreError> {
        Ok(Self {
            delivery_id: codec::parse_id("delivery_attempts", &row.delivery_id)?,
            number: row.number,
            at: Timestamp::from_micros(row.at),
            status_code: row.status_code,
            duration_ms: row.duration_ms,
            error: row.error,
        })
    }
}

impl Store {
    async fn deliveries_of(&self, rows: Vec<DeliveryRow>) -> Result<Vec<Delivery>, StoreError> {
        let ring = self.keyring(rows.iter().map(|row| row.text_key)).await?;
        rows.into_iter().map(|row| row.read(&ring)).collect()
    }

    /// Makes a delivery due now, under its old id, whatever became of it; the numbers of its
    /// attempts go on. An attempt under way loses its claim. False when there is none.
    pub async fn replay_delivery(
        &self,
        project: ProjectId,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let replayed = on_engine!(self, writer, |pool| {
            sqlx::query(REPLAY)
                .bind(project.to_string())
                .bind(id.to_string())
                .bind(now.as_micros())
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(replayed > 0)
    }

    /// Makes everything due now that was given up on the way to `receiver`; how many that is. The
    /// numbers of their attempts go on, so each has one attempt where its schedule is used up.
    pub async fn replay_exhausted(
        &self,
        project: ProjectId,
        receiver: ReceiverId,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        Ok(on_engine!(self, writer, |pool| {
            sqlx::query(REPLAY_EXHAUSTED)
                .bind(project.to_string())
                .bind(receiver.to_string())
                .bind(now.as_micros())
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?)
    }

    /// The project's delivery with this id.
    pub async fn find_delivery(
        &self,
        project: ProjectId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError> {
        let row: Option<DeliveryRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(FIND)
                .bind(project.to_string())
                .bind(id.to_string())
                .fetch_optional(pool)
                .await
        })?;
        Ok(self.deliveries_of(row.into_iter().collect()).await?.pop())
    }

    /// What was kept of the answer to a delivery.
    pub async fn answer_kept(&self, id: DeliveryId) -> Result<Option<String>, StoreError> {
        let remembered: Option<Option<String>> = on_engine!(self, readers, |pool| {
            sqlx::query_scalar("SELECT remembered FROM deliveries WHERE id = $1")
                .bind(id.to_string())
                .fetch_optional(pool)
                .await
        })?;
        Ok(remembered.flatten())
    }

    /// The project's deliveries, newest first.
    pub async fn list_deliveries(
        &self,
        project: ProjectId,
        filter: &DeliveryFilter,
    ) -> Result<Vec<Delivery>, StoreError> {
        let rows: Vec<DeliveryRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(LIST)
                .bind(project.to_string())
                .bind(filter.alert.map(|id| id.to_string()))
                .bind(filter.receiver.map(|id| id.to_string()))
                .bind(filter.status.map(DeliveryStatus::as_str))
                .bind(filter.before.map(|(at, _)| at.as_micros()))
                .bind(filter.before.map(|(_, id)| id.to_string()))
                .bind(filter.limit)
                .fetch_all(pool)
                .await
        })?;
        self.deliveries_of(rows).await
    }

    /// Notes what went wrong after an attempt that is on record, unless something is noted there.
    pub async fn remark_attempt(
        &self,
        delivery: DeliveryId,
        number: i64,
        remark: &str,
    ) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(REMARK)
                .bind(delivery.to_string())
                .bind(number)
                .bind(remark)
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// A delivery's attempts, by number.
    pub async fn attempts(&self, delivery: DeliveryId) -> Result<Vec<Attempt>, StoreError> {
        let rows: Vec<AttemptRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(ATTEMPTS).bind(delivery.to_string()).fetch_all(pool).await
        })?;
        codec::all(rows)
    }
}

//! The outbox: deliveries are claimed, attempted, and end delivered or exhausted.

use std::collections::HashMap;
use std::time::Duration;

use super::codec;
use super::engine::{Sql, Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use super::receivers;
use crate::clock::Timestamp;
use crate::id::{AlertId, DeliveryId, ProjectId, ReceiverId};
use crate::model::delivery::{Attempt, Delivery, DeliveryStatus};
use crate::model::receiver::Receiver;

const TABLE: &str = "deliveries";
const INSERT: &str = "INSERT INTO deliveries (id, project_id, receiver_id, alert_id, event_type,
        body, status, attempts, created_at, next_attempt_at, delivered_at, claim_token, claim_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0)";
// At most $6 of one receiver, and none of those named in $5: a slow one does not hold up the others.
const CLAIM: Sql = Sql {
    postgres: "UPDATE deliveries
        SET claim_holder = $1, claim_until = $3, claim_token = claim_token + 1
        WHERE id = ANY (ARRAY (SELECT d.id FROM deliveries d JOIN (
                SELECT id, ROW_NUMBER() OVER (PARTITION BY receiver_id
                    ORDER BY next_attempt_at, id) AS place
                FROM deliveries
                WHERE status = 'pending' AND next_attempt_at <= $2 AND claim_until <= $2
                  AND receiver_id NOT IN (SELECT json_array_elements_text($5::json))) ranked
            ON ranked.id = d.id
            WHERE ranked.place <= $6 AND d.status = 'pending' AND d.claim_until <= $2
            ORDER BY d.next_attempt_at, d.id LIMIT $4 FOR UPDATE OF d SKIP LOCKED))
        RETURNING *",
    sqlite: "UPDATE deliveries
        SET claim_holder = $1, claim_until = $3, claim_token = claim_token + 1
        WHERE id IN (SELECT id FROM (
                SELECT id, next_attempt_at, ROW_NUMBER() OVER (PARTITION BY receiver_id
                    ORDER BY next_attempt_at, id) AS place
                FROM deliveries
                WHERE status = 'pending' AND next_attempt_at <= $2 AND claim_until <= $2
                  AND receiver_id NOT IN (SELECT value FROM json_each($5)))
            WHERE place <= $6 ORDER BY next_attempt_at, id LIMIT $4)
        RETURNING *",
};
const REMEMBERED: &str = "SELECT remembered FROM deliveries
    WHERE alert_id = $1 AND receiver_id = $2 AND remembered IS NOT NULL
    ORDER BY created_at, id LIMIT 1";
const RELEASE: &str = "UPDATE deliveries SET claim_holder = NULL, claim_until = 0
    WHERE status = 'pending' AND claim_holder = $1";
const FINISH: &str =
    "UPDATE deliveries SET status = $3, next_attempt_at = COALESCE($4, next_attempt_at),
        delivered_at = $5, attempts = attempts + 1, claim_holder = NULL, claim_until = 0,
        remembered = COALESCE($6, remembered)
    WHERE id = $1 AND claim_token = $2 AND status = 'pending' RETURNING receiver_id";
const INSERT_ATTEMPT: &str = "INSERT INTO delivery_attempts
    (delivery_id, number, at, status_code, duration_ms, error) VALUES ($1, $2, $3, $4, $5, $6)";
const REPLAY: &str = "UPDATE deliveries SET status = 'pending', next_attempt_at = $3,
        delivered_at = NULL, claim_holder = NULL, claim_until = 0, claim_token = claim_token + 1
    WHERE project_id = $1 AND id = $2";
const FIND: &str = "SELECT * FROM deliveries WHERE project_id = $1 AND id = $2";
const LIST: &str = "SELECT * FROM deliveries
    WHERE project_id = $1 AND ($2 IS NULL OR alert_id = $2) AND ($3 IS NULL OR receiver_id = $3)
      AND ($4 IS NULL OR status = $4)
      AND ($5 IS NULL OR created_at < $5 OR (created_at = $5 AND id < $6))
    ORDER BY created_at DESC, id DESC LIMIT $7";
const ATTEMPTS: &str = "SELECT * FROM delivery_attempts WHERE delivery_id = $1 ORDER BY number";

/// A delivery that this process has claimed and is to attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// Where it goes.
    pub receiver: Receiver,
    /// What was kept of the receiver's answer to the first message about the same alert.
    pub remembered: Option<String>,
    /// Fencing token: proof of this claim.
    pub token: i64,
}

/// Which due deliveries are claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimShare<'a> {
    /// At most so many.
    pub limit: i64,
    /// At most so many of one receiver.
    pub per_receiver: i64,
    /// None of these receivers.
    pub but: &'a [ReceiverId],
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptResult {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// As in the claim.
    pub token: i64,
    /// The exchange.
    pub attempt: Attempt,
    /// What happens now.
    pub next: DeliveryNext,
    /// What later messages about the same alert need of the answer.
    pub remember: Option<String>,
    /// Whether the receiver is switched off too.
    pub disable_receiver: bool,
    /// What others are told when it is; not sent where it was off already.
    pub farewells: Vec<Delivery>,
}

/// What happens after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryNext {
    /// It arrived.
    Delivered,
    /// Another attempt at this moment.
    RetryAt(Timestamp),
    /// No further attempt, unless it is replayed.
    Exhausted,
}

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
struct DeliveryRow {
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
    claim_token: i64,
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: codec::parse_id(TABLE, &row.id)?,
            project_id: codec::parse_id(TABLE, &row.project_id)?,
            receiver_id: codec::parse_id(TABLE, &row.receiver_id)?,
            alert_id: row.alert_id.map(|id| codec::parse_id(TABLE, &id)).transpose()?,
            event_type: row.event_type,
            body: row.body,
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

pub(super) async fn insert(tx: &mut Tx, deliveries: &[Delivery]) -> Result<(), StoreError> {
    for delivery in deliveries {
        on_tx!(tx, |connection| {
            sqlx::query(INSERT)
                .bind(delivery.id.to_string())
                .bind(delivery.project_id.to_string())
                .bind(delivery.receiver_id.to_string())
                .bind(delivery.alert_id.map(|id| id.to_string()))
                .bind(&delivery.event_type)
                .bind(&delivery.body)
                .bind(delivery.status.as_str())
                .bind(delivery.attempts)
                .bind(delivery.created_at.as_micros())
                .bind(delivery.next_attempt_at.as_micros())
                .bind(delivery.delivered_at.map(Timestamp::as_micros))
                .execute(connection)
                .await
                .map(|_| ())
        })?;
    }
    Ok(())
}

impl Store {
    /// Puts a message into the outbox: a test message; alerts' go with their evaluation.
    pub async fn insert_delivery(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        insert(&mut tx, std::slice::from_ref(delivery)).await?;
        tx.commit().await
    }

    /// Claims due deliveries for `holder` until `now + lease`, most overdue first.
    pub async fn claim_deliveries(
        &self,
        holder: &str,
        share: &ClaimShare<'_>,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<ClaimedDelivery>, StoreError> {
        let but = codec::to_json(TABLE, &share.but)?;
        let mut rows: Vec<DeliveryRow> = on_engine!(self, writer, |pool| {
            sqlx::query_as(self.pick(&CLAIM))
                .bind(holder)
                .bind(now.as_micros())
                .bind(now.plus(lease).as_micros())
                .bind(share.limit)
                .bind(&but)
                .bind(share.per_receiver)
                .fetch_all(pool)
                .await
        })?;
        rows.sort_by(|a, b| (a.next_attempt_at, &a.id).cmp(&(b.next_attempt_at, &b.id)));
        self.with_receivers(rows).await
    }

    /// A receiver deleted meanwhile has taken its deliveries with it: those are left out.
    async fn with_receivers(
        &self,
        rows: Vec<DeliveryRow>,
    ) -> Result<Vec<ClaimedDelivery>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut claimed = Vec::with_capacity(rows.len());
        for row in rows {
            let token = row.claim_token;
            claimed.push((Delivery::try_from(row)?, token));
        }
        let ids: Vec<ReceiverId> = claimed.iter().map(|(d, _)| d.receiver_id).collect();
        let receivers: HashMap<ReceiverId, Receiver> =
            self.receivers_by_id(&ids).await?.into_iter().map(|r| (r.id, r)).collect();
        let mut all = Vec::with_capacity(claimed.len());
        for (delivery, token) in claimed {
            let Some(receiver) = receivers.get(&delivery.receiver_id).cloned() else { continue };
            let remembered = match delivery.alert_id {
                Some(alert) => self.remembered(alert, receiver.id).await?,
                None => None,
            };
            all.push(ClaimedDelivery { delivery, receiver, remembered, token });
        }
        Ok(all)
    }

    /// What was kept of the receiver's answer to the first message about `alert`.
    async fn remembered(
        &self,
        alert: AlertId,
        receiver: ReceiverId,
    ) -> Result<Option<String>, StoreError> {
        Ok(on_engine!(self, readers, |pool| {
            sqlx::query_scalar(REMEMBERED)
                .bind(alert.to_string())
                .bind(receiver.to_string())
                .fetch_optional(pool)
                .await
        })?)
    }

    /// Gives back what `holder` has claimed, at a graceful stop.
    pub async fn release_deliveries(&self, holder: &str) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(RELEASE).bind(holder).execute(pool).await.map(|_| ())
        })?;
        Ok(())
    }

    /// Records an attempt and what follows from it; false when the claim was lost: then nothing
    /// is recorded.
    pub async fn record_attempt(&self, result: &AttemptResult) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let Some(receiver) = finish(&mut tx, result).await? else { return Ok(false) };
        insert_attempt(&mut tx, &result.attempt).await?;
        if result.disable_receiver {
            let switched_off = on_tx!(&mut tx, |connection| {
                sqlx::query(receivers::DISABLE)
                    .bind(&receiver)
                    .bind(true)
                    .execute(connection)
                    .await
                    .map(|done| done.rows_affected())
            })?;
            if switched_off > 0 {
                insert(&mut tx, &result.farewells).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
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
        row.map(Delivery::try_from).transpose()
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
        codec::all(rows)
    }

    /// A delivery's attempts, by number.
    pub async fn attempts(&self, delivery: DeliveryId) -> Result<Vec<Attempt>, StoreError> {
        let rows: Vec<AttemptRow> = on_engine!(self, readers, |pool| {
            sqlx::query_as(ATTEMPTS).bind(delivery.to_string()).fetch_all(pool).await
        })?;
        codec::all(rows)
    }
}

/// The receiver of the delivery, if the claim still holds.
async fn finish(tx: &mut Tx, result: &AttemptResult) -> Result<Option<String>, StoreError> {
    let (status, retry_at, delivered_at) = match result.next {
        DeliveryNext::Delivered => (DeliveryStatus::Delivered, None, Some(result.attempt.at)),
        DeliveryNext::RetryAt(at) => (DeliveryStatus::Pending, Some(at), None),
        DeliveryNext::Exhausted => (DeliveryStatus::Exhausted, None, None),
    };
    Ok(on_tx!(tx, |connection| {
        sqlx::query_scalar(FINISH)
            .bind(result.delivery_id.to_string())
            .bind(result.token)
            .bind(status.as_str())
            .bind(retry_at.map(Timestamp::as_micros))
            .bind(delivered_at.map(Timestamp::as_micros))
            .bind(&result.remember)
            .fetch_optional(connection)
            .await
    })?)
}

async fn insert_attempt(tx: &mut Tx, attempt: &Attempt) -> Result<(), StoreError> {
    Ok(on_tx!(tx, |connection| {
        sqlx::query(INSERT_ATTEMPT)
            .bind(attempt.delivery_id.to_string())
            .bind(attempt.number)
            .bind(attempt.at.as_micros())
            .bind(attempt.status_code)
            .bind(attempt.duration_ms)
            .bind(&attempt.error)
            .execute(connection)
            .await
            .map(|_| ())
    })?)
}

//! The outbox: messages are put in, claimed, and end delivered or exhausted.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::codec;
use super::deliveries::{DeliveryRow, TABLE};
use super::engine::{Sql, Store, Tx, on_engine, on_tx};
use super::error::StoreError;
use super::receivers;
use super::sealed_texts::{self, TextKey};
use super::text_keys::ProjectKeys;
use crate::clock::Timestamp;
use crate::id::{DeliveryId, ReceiverId};
use crate::model::delivery::{Attempt, Delivery, DeliveryStatus};
use crate::model::receiver::Receiver;

const INSERT: &str = "INSERT INTO deliveries (id, project_id, receiver_id, alert_id, event_type,
        body, status, attempts, created_at, next_attempt_at, delivered_at, text_key, claim_token,
        claim_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0)";
// Of each receiver the first few that are due, read from the index: a long queue at one receiver costs
// the others nothing, and nobody anything. A message waits while an earlier one about the same alert
// is on its way to the same receiver, so that no end overtakes its begin, not even by a retry.
// SQLite would make a join of EXISTS, with an index over the whole outbox made for it at each claim.
const CLAIM: Sql = Sql {
    postgres: "UPDATE deliveries
        SET claim_holder = $1, claim_until = $3, claim_token = claim_token + 1
        WHERE id = ANY (ARRAY (SELECT due.id FROM receivers r
            LEFT JOIN json_each_text($5::json) room ON room.key = r.id
            CROSS JOIN LATERAL (SELECT d.id, d.next_attempt_at FROM deliveries d
                WHERE d.receiver_id = r.id AND d.status = 'pending'
                  AND d.next_attempt_at <= $2 AND d.claim_until <= $2
                  AND NOT EXISTS (SELECT 1 FROM deliveries e
                    WHERE e.alert_id = d.alert_id AND e.receiver_id = d.receiver_id
                      AND e.status = 'pending' AND e.id <> d.id
                      AND (e.created_at < d.created_at OR (e.created_at = d.created_at
                        AND d.event_type = 'drift.alert.resolved' AND e.event_type <> d.event_type)))
                ORDER BY d.next_attempt_at, d.id
                LIMIT LEAST(COALESCE(room.value::bigint, $6), $7) FOR UPDATE SKIP LOCKED) due
            WHERE EXISTS (SELECT 1 FROM deliveries WHERE status = 'pending'
                AND next_attempt_at <= $2 AND claim_until <= $2)
            ORDER BY due.next_attempt_at, due.id LIMIT $4))
        RETURNING *, (SELECT f.remembered FROM deliveries f
            WHERE f.alert_id = deliveries.alert_id AND f.receiver_id = deliveries.receiver_id
              AND f.remembered IS NOT NULL ORDER BY f.created_at, f.id LIMIT 1) AS first_remembered",
    sqlite: "UPDATE deliveries
        SET claim_holder = $1, claim_until = $3, claim_token = claim_token + 1
        WHERE id IN (SELECT id FROM (SELECT due.id, due.next_attempt_at,
                    COALESCE(room.value, $6) AS most, ROW_NUMBER() OVER (PARTITION BY r.id
                        ORDER BY due.next_attempt_at, due.id) AS place
                FROM receivers r LEFT JOIN json_each($5) room ON room.key = r.id
                CROSS JOIN deliveries due
                WHERE due.id IN (SELECT d.id FROM deliveries d
                    WHERE d.receiver_id = r.id AND d.status = 'pending'
                      AND d.next_attempt_at <= $2 AND d.claim_until <= $2
                      AND NOT EXISTS (SELECT 1 FROM deliveries e
                        WHERE e.alert_id = d.alert_id AND e.receiver_id = d.receiver_id
                          AND e.status = 'pending' AND e.id <> d.id
                          AND (e.created_at < d.created_at OR (e.created_at = d.created_at
                            AND d.event_type = 'drift.alert.resolved'
                            AND e.event_type <> d.event_type)))
                    ORDER BY d.next_attempt_at, d.id LIMIT $7)
                  AND COALESCE(room.value, $6) > 0
                  AND 1 = (SELECT 1 FROM deliveries WHERE status = 'pending'
                    AND next_attempt_at <= $2 AND claim_until <= $2 LIMIT 1))
            WHERE place <= most ORDER BY next_attempt_at, id LIMIT $4)
        RETURNING *, (SELECT f.remembered FROM deliveries f
            WHERE f.alert_id = deliveries.alert_id AND f.receiver_id = deliveries.receiver_id
              AND f.remembered IS NOT NULL ORDER BY f.created_at, f.id LIMIT 1) AS first_remembered",
};
const RELEASE: &str = "UPDATE deliveries SET claim_holder = NULL, claim_until = 0
    WHERE status = 'pending' AND claim_holder = $1";
const FINISH: &str =
    "UPDATE deliveries SET status = $3, next_attempt_at = COALESCE($4, next_attempt_at),
        delivered_at = $5, attempts = attempts + 1, claim_holder = NULL, claim_until = 0,
        remembered = COALESCE($6, remembered)
    WHERE id = $1 AND claim_token = $2 AND status = 'pending' RETURNING receiver_id";
const INSERT_ATTEMPT: &str = "INSERT INTO delivery_attempts
    (delivery_id, number, at, status_code, duration_ms, error) VALUES ($1, $2, $3, $4, $5, $6)";

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
    /// At most so many of one receiver that is not in `room`.
    pub per_receiver: i64,
    /// At most so many of each of these.
    pub room: &'a BTreeMap<ReceiverId, i64>,
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

#[derive(sqlx::FromRow)]
struct ClaimedRow {
    #[sqlx(flatten)]
    delivery: DeliveryRow,
    claim_token: i64,
    first_remembered: Option<String>,
}

pub(super) async fn insert(
    store: &Store,
    tx: &mut Tx,
    deliveries: &[Delivery],
) -> Result<(), StoreError> {
    let mut keys = ProjectKeys::default();
    for delivery in deliveries {
        let key = keys.of(store, tx, delivery.project_id, delivery.created_at).await?;
        let id = delivery.id.to_string();
        let body = sealed_texts::seal(key, sealed_texts::BODY, &id, &delivery.body)?;
        on_tx!(tx, |connection| {
            sqlx::query(INSERT)
                .bind(&id)
                .bind(delivery.project_id.to_string())
                .bind(delivery.receiver_id.to_string())
                .bind(delivery.alert_id.map(|id| id.to_string()))
                .bind(&delivery.event_type)
                .bind(&*body)
                .bind(delivery.status.as_str())
                .bind(delivery.attempts)
                .bind(delivery.created_at.as_micros())
                .bind(delivery.next_attempt_at.as_micros())
                .bind(delivery.delivered_at.map(Timestamp::as_micros))
                .bind(key.map(TextKey::id))
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
        insert(self, &mut tx, std::slice::from_ref(delivery)).await?;
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
        let room = codec::to_json(TABLE, &share.room)?;
        let most = share.room.values().copied().fold(share.per_receiver, i64::max);
        let rows: Vec<ClaimedRow> = on_engine!(self, writer, |pool| {
            sqlx::query_as(self.pick(&CLAIM))
                .bind(holder)
                .bind(now.as_micros())
                .bind(now.plus(lease).as_micros())
                .bind(share.limit)
                .bind(&room)
                .bind(share.per_receiver)
                .bind(most)
                .fetch_all(pool)
                .await
        })?;
        let ring = self.keyring(rows.iter().map(|row| row.delivery.text_key)).await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in rows {
            let delivery = row.delivery.read(&ring)?;
            claimed.push((delivery, row.claim_token, row.first_remembered));
        }
        claimed.sort_by_key(|(delivery, _, _)| (delivery.next_attempt_at, delivery.id));
        self.with_receivers(claimed).await
    }

    /// A receiver deleted meanwhile has taken its deliveries with it: those are left out.
    async fn with_receivers(
        &self,
        claimed: Vec<(Delivery, i64, Option<String>)>,
    ) -> Result<Vec<ClaimedDelivery>, StoreError> {
        if claimed.is_empty() {
            return Ok(Vec::new());
        }
        let mut ids: Vec<ReceiverId> = claimed.iter().map(|(d, _, _)| d.receiver_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let receivers: HashMap<ReceiverId, Receiver> =
            self.receivers_by_id(&ids).await?.into_iter().map(|r| (r.id, r)).collect();
        let with_receiver = |(delivery, token, remembered): (Delivery, i64, Option<String>)| {
            let receiver = receivers.get(&delivery.receiver_id)?.clone();
            Some(ClaimedDelivery { delivery, receiver, remembered, token })
        };
        Ok(claimed.into_iter().filter_map(with_receiver).collect())
    }

    /// Gives back what `holder` has claimed, at a graceful stop.
    pub async fn release_deliveries(&self, holder: &str) -> Result<(), StoreError> {
        on_engine!(self, writer, |pool| {
            sqlx::query(RELEASE).bind(holder).execute(pool).await.map(|_| ())
        })?;
        Ok(())
    }

    /// Records attempts and what follows from each, all in one commit; false for each whose claim
    /// was lost: of that one nothing is recorded.
    pub async fn record_attempts(
        &self,
        results: &[AttemptResult],
    ) -> Result<Vec<bool>, StoreError> {
        let mut tx = self.begin().await?;
        let mut recorded = Vec::with_capacity(results.len());
        for result in results {
            recorded.push(record(self, &mut tx, result).await?);
        }
        tx.commit().await?;
        Ok(recorded)
    }
}

async fn record(store: &Store, tx: &mut Tx, result: &AttemptResult) -> Result<bool, StoreError> {
    let Some(receiver) = finish(tx, result).await? else { return Ok(false) };
    insert_attempt(tx, &result.attempt).await?;
    if result.disable_receiver {
        let switched_off = on_tx!(tx, |connection| {
            sqlx::query(receivers::DISABLE)
                .bind(&receiver)
                .bind(true)
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })?;
        if switched_off > 0 {
            insert(store, tx, &result.farewells).await?;
        }
    }
    Ok(true)
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

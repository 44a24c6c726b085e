//! The chain of hashes: whatever is changed is found where it was changed.

use std::time::Duration;

use rand::Rng;
use seamark::id::ProjectId;
use seamark::model::audit::{AuditRecord, ChainFault, Wrong};
use seamark::store::{Store, verify_checkpoint};
use serde_json::json;

use super::{Opened, Raw};
use crate::store::sample::{at, project, rng};

const ROWS: i64 = 120;

async fn append(store: &Store, project: ProjectId, n: i64) -> i64 {
    let record = AuditRecord::by_system("test.act", format!("o{n}"), json!({ "n": n }));
    store.append_audit(project, &record, at(n as u64)).await.unwrap()
}

async fn filled(opened: &Opened) -> ProjectId {
    let project = project(&opened.store).await;
    for n in 1..=ROWS {
        assert_eq!(append(&opened.store, project, n).await, n);
    }
    project
}

async fn verdict(store: &Store, project: ProjectId) -> Result<i64, ChainFault> {
    store.verify_audit(project, None).await.unwrap().map(|walk| walk.erased)
}

/// What a superuser can do: drop what keeps others from it, and keep a copy.
async fn unlock(raw: &mut Raw) {
    if matches!(raw, Raw::Sqlite(_)) {
        for trigger in ["audit_log_update", "audit_log_delete", "audit_payloads_update"] {
            raw.run(&format!("DROP TRIGGER {trigger}")).await;
        }
    }
    raw.run("CREATE TABLE log_copy AS SELECT * FROM audit_log").await;
    raw.run("CREATE TABLE payload_copy AS SELECT * FROM audit_payloads").await;
}

async fn restore(raw: &mut Raw) {
    for (table, copy) in [("audit_log", "log_copy"), ("audit_payloads", "payload_copy")] {
        raw.run(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM {copy}")).await;
    }
}

pub(super) async fn every_tampering_is_found_at_its_row(mut opened: Opened) {
    let project = filled(&opened).await;
    assert_eq!(verdict(&opened.store, project).await, Ok(0));
    unlock(&mut opened.raw).await;
    let mut rng = rng(17);
    let zeros = match &opened.raw {
        Raw::Sqlite(_) => "zeroblob(32)",
        Raw::Postgres(_) => "decode(repeat('00', 32), 'hex')",
    };
    for round in 0..100 {
        let seq = rng.random_range(1..=ROWS);
        let set = |table: &str, what: &str| format!("UPDATE {table} SET {what} WHERE seq = {seq}");
        let (sql, fault, row) = match round % 12 {
            0 => (set("audit_log", "at = at + 1"), Wrong::Edited, seq),
            1 => (set("audit_log", "actor = 'nobody'"), Wrong::Edited, seq),
            2 => (set("audit_log", "action = 'test.other'"), Wrong::Edited, seq),
            3 => (set("audit_log", "object = 'another'"), Wrong::Edited, seq),
            4 => (set("audit_log", &format!("commitment = {zeros}")), Wrong::Edited, seq),
            // The first row has zeros there.
            5 => (set("audit_log", "prev = commitment"), Wrong::Edited, seq),
            6 => (set("audit_log", &format!("hash = {zeros}")), Wrong::Edited, seq),
            7 => (set("audit_log", "seq = seq + 1000000"), Wrong::Missing, seq),
            8 => (set("audit_log", "project_id = 'p'"), Wrong::Missing, seq),
            9 => {
                let sql = format!("DELETE FROM audit_log WHERE seq = {seq}");
                (sql, Wrong::Missing, seq)
            }
            10 => {
                let other = (seq + rng.random_range(1..ROWS) - 1) % ROWS + 1;
                let move_to = |from: i64, to: i64| {
                    format!("UPDATE audit_log SET seq = {to} WHERE seq = {from};")
                };
                let swap = [move_to(seq, -1), move_to(other, seq), move_to(-1, other)].concat();
                (swap, Wrong::Reordered, seq.min(other))
            }
            _ => {
                let salt = format!("salt = {zeros}");
                let what = if round % 24 == 11 { &salt } else { "payload = '{}'" };
                (set("audit_payloads", what), Wrong::Payload, seq)
            }
        };
        opened.raw.run(&sql).await;
        let found = verdict(&opened.store, project).await;
        assert_eq!(found, Err(ChainFault { seq: row, wrong: fault }), "round {round}: {sql}");
        restore(&mut opened.raw).await;
    }
    assert_eq!(verdict(&opened.store, project).await, Ok(0));
}

pub(super) async fn erased_payloads_leave_the_chain_whole(mut opened: Opened) {
    let project = filled(&opened).await;
    opened.raw.run("DELETE FROM audit_payloads WHERE seq % 2 = 0").await;
    assert_eq!(verdict(&opened.store, project).await, Ok(ROWS / 2));
}

pub(super) async fn concurrent_writers_leave_no_gap(opened: Opened) {
    let project = project(&opened.store).await;
    let writers = (0..32).map(|writer| {
        let store = opened.store.clone();
        tokio::spawn(async move {
            let mut places = Vec::new();
            for n in 0..8 {
                places.push(append(&store, project, writer * 8 + n).await);
            }
            places
        })
    });
    let mut places: Vec<i64> = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        places.extend(writer.await.unwrap());
    }
    places.sort_unstable();
    assert_eq!(places, (1..=256).collect::<Vec<_>>());
    assert_eq!(verdict(&opened.store, project).await, Ok(0));
    assert_eq!(opened.store.audit_head(project).await.unwrap().seq, 256);
}

pub(super) async fn a_clock_that_steps_back_changes_no_order(opened: Opened) {
    let project = project(&opened.store).await;
    for n in [30, 10, 20] {
        append(&opened.store, project, n).await;
    }
    let rows = opened.store.audit_after(project, 0).await.unwrap();
    let objects: Vec<&str> = rows.iter().map(|row| row.object.as_str()).collect();
    assert_eq!(objects, ["o30", "o10", "o20"]);
    assert_eq!(verdict(&opened.store, project).await, Ok(0));
}

/// Whoever has the whole database can write a chain that holds: not past what was kept elsewhere.
pub(super) async fn a_checkpoint_finds_a_chain_that_was_written_anew(mut opened: Opened) {
    let project = filled(&opened).await;
    let store = &opened.store;
    let kept = store.audit_checkpoint(project, at(500)).await.unwrap();
    assert!(verify_checkpoint(&kept));
    let mut forged = kept.clone();
    forged.seq += 1;
    assert!(!verify_checkpoint(&forged), "the signature covers the place");
    append(store, project, ROWS + 1).await;
    let walk = store.verify_audit(project, Some(&kept)).await.unwrap().unwrap();
    assert_eq!(walk.seq(), ROWS + 1);
    if matches!(opened.raw, Raw::Sqlite(_)) {
        for trigger in ["audit_log_delete", "audit_heads_delete"] {
            opened.raw.run(&format!("DROP TRIGGER {trigger}")).await;
        }
    }
    for table in ["audit_log", "audit_payloads", "audit_heads"] {
        opened.raw.run(&format!("DELETE FROM {table}")).await;
    }
    for n in 1..=ROWS + 1 {
        let moment = at(n as u64).plus(Duration::from_secs(1));
        let record = AuditRecord::by_system("test.act", format!("o{n}"), json!({}));
        store.append_audit(project, &record, moment).await.unwrap();
    }
    assert_eq!(verdict(store, project).await, Ok(0), "the chain itself holds");
    let found = store.verify_audit(project, Some(&kept)).await.unwrap().map(|walk| walk.seq());
    assert_eq!(found, Err(ChainFault { seq: ROWS, wrong: Wrong::Head }));
}

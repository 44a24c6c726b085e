//! Erasures: nothing is left of whom they are of, and all is left of others.

use std::collections::BTreeSet;

use seamark::id::ErasureId;
use seamark::id::ProjectId;
use seamark::model::audit::{AuditRecord, hex};
use seamark::model::erasure::{Erasure, ErasureCounts, ErasureState, NewErasure};
use seamark::model::interaction::NewInteraction;
use seamark::model::outcome::{NewOutcome, Pseudonym, Subject, Target, Value};
use seamark::model::signals::PersonalValue;
use seamark::store::Store;
use serde_json::json;

use super::{Opened, Raw};
use crate::store::sample::{
    at, delivery, embed_all, interaction, monitor, project, receiver, reference, rng,
};

/// Nothing that the program would write by itself.
pub(crate) const CANARY: &str = "zanzibar-quokka-4711";
const SESSION: &str = "session-quokka";

fn outcome(key: u8, target: Target) -> NewOutcome {
    NewOutcome {
        target,
        name: "resolved".to_owned(),
        value: Value::Flag(true),
        occurred_at: at(60),
        key: [key; 32],
        content_hash: [key; 32],
    }
}

/// Whether any cell of any table holds `needle`, as text or as bytes.
pub(crate) async fn holders(raw: &mut Raw, needle: &str) -> BTreeSet<String> {
    let hex = hex(needle.as_bytes());
    let mut found = BTreeSet::new();
    let tables = match raw {
        Raw::Sqlite(_) => "SELECT name FROM sqlite_schema WHERE type = 'table'",
        Raw::Postgres(_) => "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
    };
    for table in raw.texts(tables).await {
        let rows = match raw {
            Raw::Sqlite(_) => {
                let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                let columns = raw.texts(&columns).await;
                let cells: Vec<String> =
                    columns.iter().map(|c| format!("COALESCE(lower(hex(\"{c}\")), '')")).collect();
                raw.texts(&format!("SELECT {} FROM \"{table}\"", cells.join(" || ' ' || "))).await
            }
            Raw::Postgres(_) => raw.texts(&format!("SELECT t::text FROM \"{table}\" t")).await,
        };
        if rows.iter().any(|row| row.contains(needle) || row.contains(&hex)) {
            found.insert(table);
        }
    }
    found
}

/// An interaction of the canary in all tables that can hold something of it, and another of somebody else.
pub(crate) async fn planted(opened: &Opened) -> (ProjectId, Pseudonym) {
    let store = &opened.store;
    let project = project(store).await;
    let pseudonym = store.pseudonym(project, &Subject::new("+27821234567".to_owned())).unwrap();
    let mine = NewInteraction {
        query: format!("my {CANARY} is broken & I want it back"),
        response: Some(format!("your {CANARY} will be replaced")),
        session_id: Some(SESSION.to_owned()),
        subject: Some(pseudonym.clone()),
        content_hash: [0xC7; 32],
        metadata: Some(format!("{{\"note\":\"{CANARY}\"}}")),
        ..interaction("canary-id-1")
    };
    let waiting = NewInteraction { id: "canary-id-2".to_owned(), ..mine.clone() };
    let other = NewInteraction { session_id: Some("theirs".to_owned()), ..interaction("other") };
    store.insert_interactions(project, &[mine.clone(), other], at(0)).await.unwrap();
    assert_eq!(embed_all(store).await, 2);
    store.insert_interactions(project, &[waiting], at(1)).await.unwrap();
    let outcomes = [
        outcome(1, Target::Interaction("canary-id-1".to_owned())),
        outcome(2, Target::Session(SESSION.to_owned())),
        outcome(3, Target::Subject(pseudonym.clone())),
        // Before all interactions: parked.
        NewOutcome {
            occurred_at: at(0).minus(crate::store::sample::DAY),
            ..outcome(4, Target::Session(SESSION.to_owned()))
        },
        outcome(5, Target::Interaction("other".to_owned())),
    ];
    store.insert_outcomes(project, &outcomes, at(60)).await.unwrap();
    let monitor = monitor(project, "support", 1);
    store.insert_monitor(&monitor).await.unwrap();
    let reference = reference(&monitor, 1);
    store.insert_reference_upload(&reference, &[mine, interaction("third")]).await.unwrap();
    let rows = store.events_after(project, 0, "sha256:model", 10).await.unwrap();
    let rows: Vec<_> = rows.into_iter().map(|row| row.event).collect();
    assert_eq!(rows.len(), 2);
    store.put_reference_rows(reference.id, 0, &rows).await.unwrap();
    let receiver = receiver(project, "r");
    store.insert_receiver(&receiver).await.unwrap();
    let mut message = delivery(&receiver, 1);
    let quote = format!("“my {CANARY} is broken &amp; I wa…” (2026-11-23)");
    message.body = json!({ "title": "Drift", "examples": [quote, "“query of other”"] }).to_string();
    store.insert_delivery(&message).await.unwrap();
    let value = PersonalValue { place: 0, hash: [9; 32] };
    store.note_values(project, &[(SESSION, &[value])], at(90)).await.unwrap();
    for (action, about) in [("interaction.read", "canary-id-1"), ("subject.export", &pseudonym.0)] {
        let record = AuditRecord {
            about: Some(about.to_owned()),
            ..AuditRecord::by_system(action, String::new(), json!({ "of": about }))
        };
        store.append_audit(project, &record, at(90)).await.unwrap();
    }
    (project, pseudonym)
}

pub(crate) async fn erased(store: &Store, project: ProjectId, target: Target) -> Erasure {
    let id = ErasureId::new(at(100), &mut rng(5));
    let requested_by = "me".to_owned();
    let new = NewErasure { id, project_id: project, target, requested_by, created_at: at(100) };
    store.insert_erasure(&new).await.unwrap();
    let waiting = store.find_erasure(project, id).await.unwrap().unwrap();
    assert_eq!((waiting.state, waiting.counts), (ErasureState::Pending, None));
    let done = store.run_erasure(at(120)).await.unwrap().unwrap();
    assert_eq!(store.run_erasure(at(121)).await.unwrap(), None, "nothing waits any more");
    assert_eq!(store.find_erasure(project, id).await.unwrap().unwrap(), done);
    done
}

async fn conserved(store: &Store, project: ProjectId) {
    let c = store.counts(project).await.unwrap();
    assert_eq!(c.accepted, c.pending + c.embedded + c.quarantined + c.expired);
}

pub(super) async fn an_erasure_leaves_nothing(mut opened: Opened) {
    let (project, pseudonym) = planted(&opened).await;
    let hash: String = "c7".repeat(32);
    let traces = [CANARY, "canary-id-1", "canary-id-2", SESSION, &pseudonym.0];
    for trace in traces {
        assert!(!holders(&mut opened.raw, trace).await.is_empty(), "{trace} is planted");
    }
    let target = Target::Subject(pseudonym.clone());
    let held = opened.store.held_interactions(project, &target, 0).await.unwrap();
    assert_eq!(held.len(), 2, "an export gives out what an erasure takes");
    let done = erased(&opened.store, project, target).await;
    let wanted = ErasureCounts {
        interactions: 2,
        interaction_texts: 2,
        embeddings: 1,
        outcomes: 3,
        reference_rows: 1,
        upload_rows: 1,
        deliveries: 1,
        told_values: 1,
        audit_payloads: 2,
    };
    assert_eq!(done.counts, Some(wanted));
    // What was told of the session before there was an interaction belongs to nobody's pseudonym.
    let session = Target::Session(SESSION.to_owned());
    assert_eq!(erased_again(&opened.store, project, session).await.outcomes, 1);
    for trace in traces {
        assert_eq!(holders(&mut opened.raw, trace).await, BTreeSet::new(), "{trace}");
    }
    let hashes = holders(&mut opened.raw, &hash).await;
    assert_eq!(hashes, BTreeSet::new(), "the hash of the content is gone, too");
    conserved(&opened.store, project).await;
    let walk = opened.store.verify_audit(project, None).await.unwrap().unwrap();
    assert_eq!(walk.erased, 2);
    let rows = opened.store.audit_after(project, done.audit_seq.unwrap() - 1).await.unwrap();
    let (_, payload) = rows[0].payload.clone().unwrap();
    assert_eq!(rows[0].action, "erasure.done");
    assert!(payload.contains("\"interactions\":2"), "{payload}");
    let marked = opened.store.list_references(project, None).await.unwrap();
    assert!(marked[0].message.as_ref().unwrap().contains("erased on request"));
}

async fn erased_again(store: &Store, project: ProjectId, target: Target) -> ErasureCounts {
    let id = ErasureId::new(at(200), &mut rng(6));
    let requested_by = "me".to_owned();
    let new = NewErasure { id, project_id: project, target, requested_by, created_at: at(200) };
    store.insert_erasure(&new).await.unwrap();
    store.run_erasure(at(220)).await.unwrap().unwrap().counts.unwrap()
}

pub(super) async fn an_erasure_leaves_others_alone(opened: Opened) {
    let (project, _) = planted(&opened).await;
    let target = Target::Interaction("canary-id-1".to_owned());
    let done = erased(&opened.store, project, target).await.counts.unwrap();
    assert_eq!((done.interactions, done.interaction_texts, done.reference_rows), (1, 1, 1));
    for id in ["other", "canary-id-2"] {
        let kept = opened.store.find_interaction(project, id).await.unwrap().unwrap();
        assert!(kept.query.is_some(), "{id}");
    }
    let references = opened.store.list_references(project, None).await.unwrap();
    assert_eq!(opened.store.reference_rows(references[0].id).await.unwrap().len(), 1);
    assert_eq!(opened.store.reference_upload(references[0].id).await.unwrap().len(), 1);
    let claimed = opened.store.claim_pending("e", 10, at(300), crate::store::sample::MINUTE).await;
    assert_eq!(claimed.unwrap().len(), 1, "what waited waits on");
    conserved(&opened.store, project).await;
}

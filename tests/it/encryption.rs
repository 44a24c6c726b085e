//! Texts at rest: sealed, opened, and sealed anew, on both stores.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use seamark::egress::LoopbackClient;
use seamark::id::ProjectId;
use seamark::model::encryption::Encryption;
use seamark::model::erasure::ErasureCounts;
use seamark::model::outcome::{Subject, Target};
use seamark::store::{Config, SealingKey, Store, StoreError};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::audit::erasure::{CANARY, erased, holders, planted};
use crate::audit::{Opened, Raw, open_postgres, open_sqlite};
use crate::crash::process::Process;
use crate::pipeline;
use crate::pipeline::scenario::{Topic, interactions};
use crate::pipeline::site::{Site, until};
use crate::store::sample::{at, embed_all, interaction, monitor, project, receiver, reference};

const HOUR: u64 = 3600;
/// What users of the scenario write.
const WORDS: [&str; 6] = ["technician", "landlord", "junction", "voucher", "gigabyte", "midnight"];

fn key(byte: char) -> String {
    let text = if byte == '1' { ("AQEB", "AQE=") } else { ("AgIC", "AgI=") };
    text.0.repeat(10) + text.1
}

/// Another handle on the same database: a process that starts, with these keys.
async fn reopened(opened: &Opened, secret: Option<char>, previous: &[char]) -> Store {
    let config = Config {
        url: opened.url.clone(),
        secret_key: secret.map(|byte| SealingKey::new(&key(byte))),
        previous_secret_keys: previous.iter().map(|byte| SealingKey::new(&key(*byte))).collect(),
        ..Config::default()
    };
    Store::open(&config).await.unwrap()
}

/// Whether any file of `folder` holds `needle`.
fn in_files(folder: &Path, needle: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

async fn is_nowhere(opened: &mut Opened, needle: &str) {
    assert!(holders(&mut opened.raw, needle).await.is_empty(), "{needle}");
    if let Some(folder) = &opened.folder {
        assert!(!in_files(folder.path(), needle), "a file holds {needle}");
    }
}

async fn everything_resealed(store: &Store) -> i64 {
    let mut rows = 0;
    loop {
        match store.reseal_texts(at(10)).await.unwrap() {
            0 => return rows,
            sealed => rows += sealed,
        }
    }
}

async fn state(store: &Store, project: ProjectId) -> Encryption {
    store.encryption(project).await.unwrap()
}

async fn no_text_lies_open_and_all_is_read(mut opened: Opened) {
    let (project, pseudonym) = planted(&opened).await;
    is_nowhere(&mut opened, CANARY).await;
    let store = reopened(&opened, Some('1'), &[]).await;
    store.check_text_keys().await.unwrap();
    let target = Target::Subject(pseudonym);
    let held = store.held_interactions(project, &target, 0).await.unwrap();
    let query = format!("my {CANARY} is broken & I want it back");
    assert_eq!(held.len(), 2);
    for row in &held {
        assert_eq!(row.query.as_ref(), Some(&query));
        assert_eq!(row.metadata, Some(format!("{{\"note\":\"{CANARY}\"}}")));
    }
    let found = store.find_interaction(project, "canary-id-1").await.unwrap().unwrap();
    assert_eq!(found.query, Some(query.clone()));
    let events = store.events_after(project, 0, "sha256:model", 10).await.unwrap();
    assert_eq!(events[0].query, Some(query.clone()));
    let references = store.list_references(project, None).await.unwrap();
    let uploaded = store.reference_upload(references[0].id).await.unwrap();
    assert_eq!(uploaded[0].query, query);
    let now = state(&store, project).await;
    assert!(now.enabled && now.unsealed.is_empty() && now.remaining == 0, "{now:?}");
    let rows = [("deliveries", 1), ("interaction_texts", 3), ("interactions", 3)];
    let rows = rows.into_iter().chain([("reference_uploads", 1)]);
    let rows: BTreeMap<String, i64> = rows.map(|(table, n)| (table.to_owned(), n)).collect();
    assert_eq!(now.keys[0].rows, rows);
    // An erasure finds what it is to strike in what it cannot read without the key.
    let done = erased(&store, project, target).await.counts.unwrap();
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
    assert_eq!(done, wanted);
    let left = store.reference_upload(references[0].id).await.unwrap();
    assert_eq!(left.len(), 1);
    let plain = reopened(&opened, None, &[]).await;
    assert!(matches!(plain.check_text_keys().await, Err(StoreError::TextKey)));
}

async fn a_rotation_reaches_every_row_though_it_is_cut_off(opened: Opened) {
    let (project, _) = planted(&opened).await;
    let store = &opened.store;
    let many: Vec<_> = (0..450).map(|n| interaction(&format!("many-{n}"))).collect();
    store.insert_interactions(project, &many, at(2)).await.unwrap();
    let first = state(store, project).await.keys[0].id;
    let second = store.rotate_text_key(project, at(3)).await.unwrap().unwrap();
    store.insert_interactions(project, &[interaction("new")], at(4)).await.unwrap();
    let before = state(store, project).await;
    assert_eq!(before.remaining, 1 + 453 + 453 + 1);
    assert_eq!(before.keys[1].rows["interaction_texts"], 1, "what is new has the new key");
    assert_eq!(store.reseal_texts(at(5)).await.unwrap(), 200, "a bounded piece");
    assert_eq!(store.retire_text_keys(at(2 * HOUR)).await.unwrap(), 0, "it is still needed");
    // Another process goes on, while this one reads.
    let other = reopened(&opened, Some('1'), &[]).await;
    assert_eq!(everything_resealed(&other).await, before.remaining - 200);
    let after = state(store, project).await;
    assert_eq!((after.remaining, after.keys[0].rows.len()), (0, 0), "{after:?}");
    assert_eq!(other.retire_text_keys(at(HOUR)).await.unwrap(), 0, "a while is kept for readers");
    assert_eq!(other.retire_text_keys(at(HOUR + 4)).await.unwrap(), 1);
    let after = state(store, project).await;
    assert_eq!((after.keys[0].id, after.keys[1].id), (first, second));
    assert_eq!(after.keys[0].destroyed_at, Some(at(HOUR + 4)));
    let cold = reopened(&opened, Some('1'), &[]).await;
    for store in [store, &cold] {
        for id in ["many-0", "many-449", "new"] {
            let found = store.find_interaction(project, id).await.unwrap().unwrap();
            assert_eq!(found.query, Some(format!("query of {id}")));
        }
        assert!(embed_all(store).await > 0 || store.counts(project).await.unwrap().pending == 0);
    }
}

async fn the_secret_key_can_be_changed(opened: Opened) {
    let (project, pseudonym) = planted(&opened).await;
    let subject = Subject::new("+27821234567".to_owned());
    let both = reopened(&opened, Some('2'), &['1']).await;
    both.check_text_keys().await.unwrap();
    assert_eq!(both.pseudonym(project, &subject), Some(pseudonym), "people stay the same");
    assert!(both.find_interaction(project, "other").await.unwrap().unwrap().query.is_some());
    let wrong = reopened(&opened, Some('2'), &[]).await;
    let error = wrong.check_text_keys().await.unwrap_err();
    assert!(error.to_string().contains("store.previous_secret_keys"), "{error}");
    let error = wrong.find_interaction(project, "other").await.unwrap_err();
    assert!(matches!(error, StoreError::TextKey), "{error}");
    // A data key, and a receiver's URL and secret.
    assert_eq!(both.reseal_secrets().await.unwrap(), 3);
    assert_eq!(both.reseal_secrets().await.unwrap(), 0);
    let new = reopened(&opened, Some('2'), &[]).await;
    new.check_text_keys().await.unwrap();
    assert!(new.find_interaction(project, "other").await.unwrap().unwrap().query.is_some());
    assert_eq!(new.list_receivers(project).await.unwrap().len(), 1);
}

async fn what_lay_open_before_is_read_and_sealed(mut opened: Opened) {
    let (project, _) = planted(&opened).await;
    let before = holders(&mut opened.raw, CANARY).await;
    for table in ["interactions", "interaction_texts", "reference_uploads", "deliveries"] {
        assert!(before.contains(table), "{before:?}");
    }
    let store = reopened(&opened, Some('1'), &[]).await;
    assert_eq!(state(&store, project).await.remaining, 1 + 3 + 3 + 1);
    assert!(store.find_interaction(project, "canary-id-1").await.unwrap().unwrap().query.is_some());
    assert_eq!(opened.store.reseal_texts(at(9)).await.unwrap(), 0, "sealing is off there");
    assert_eq!(everything_resealed(&store).await, 8);
    assert!(holders(&mut opened.raw, CANARY).await.is_empty());
    assert!(
        opened.store.find_interaction(project, "other").await.unwrap().unwrap().query.is_some()
    );
    assert_eq!(embed_all(&store).await, 1);
}

async fn a_text_in_the_place_of_another_does_not_open(mut opened: Opened) {
    let project = project(&opened.store).await;
    let items = [interaction("a"), interaction("b")];
    opened.store.insert_interactions(project, &items, at(0)).await.unwrap();
    let swap = "UPDATE interaction_texts SET query =
        (SELECT t.query FROM interaction_texts t ORDER BY seq DESC LIMIT 1)";
    opened.raw.run(swap).await;
    let moved = opened.store.find_interaction(project, "a").await;
    assert!(matches!(moved, Err(StoreError::SealedText)), "{moved:?}");
    assert!(opened.store.find_interaction(project, "b").await.unwrap().is_some());
}

async fn two_who_begin_at_once_make_one_key(opened: Opened) {
    let project = project(&opened.store).await;
    let other = reopened(&opened, Some('1'), &[]).await;
    let (a, b) = ([interaction("a")], [interaction("b")]);
    let (a, b) = tokio::join!(
        opened.store.insert_interactions(project, &a, at(0)),
        other.insert_interactions(project, &b, at(0)),
    );
    assert!(a.is_ok() && b.is_ok());
    let now = state(&other, project).await;
    assert_eq!((now.keys.len(), now.keys[0].rows["interaction_texts"]), (1, 2));
}

/// A profile, an explanation's place and boilerplate hold words of users.
async fn words_of_references_are_sealed_too(mut opened: Opened) {
    let store = &opened.store;
    let project = project(store).await;
    store.insert_interactions(project, &[interaction("a")], at(0)).await.unwrap();
    let monitor = monitor(project, "m", 1);
    store.insert_monitor(&monitor).await.unwrap();
    let reference = reference(&monitor, 1);
    store.insert_reference(&reference).await.unwrap();
    let freeze = seamark::store::FreezeCommit {
        reference_id: reference.id,
        monitor_id: monitor.id,
        cursor: None,
        n: 1,
        model_digest: "m".to_owned(),
        profile: CANARY.as_bytes().to_vec(),
        message: None,
    };
    assert!(store.freeze_reference(&freeze, at(1)).await.unwrap());
    store.set_learned(project, CANARY).await.unwrap();
    store.insert_receiver(&receiver(project, "r")).await.unwrap();
    is_nowhere(&mut opened, CANARY).await;
    let store = &opened.store;
    store.rotate_text_key(project, at(2)).await.unwrap();
    assert_eq!(state(store, project).await.remaining, 2 + 2);
    assert_eq!(everything_resealed(store).await, 4);
    let profile = store.reference_profile(reference.id).await.unwrap();
    assert_eq!(profile, Some(CANARY.as_bytes().to_vec()));
    assert_eq!(store.learned(project).await.unwrap().as_deref(), Some(CANARY));
}

/// Runs every test on both engines; `plain` ones begin on texts that are not sealed.
macro_rules! on_both_engines {
    ($sealed:literal: $($test:ident),+) => {
        $(mod $test {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$test(super::open_sqlite($sealed).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$test(super::open_postgres($sealed).await).await;
            }
        })+
    };
}

on_both_engines! { true: no_text_lies_open_and_all_is_read,
    a_rotation_reaches_every_row_though_it_is_cut_off, the_secret_key_can_be_changed,
    a_text_in_the_place_of_another_does_not_open, two_who_begin_at_once_make_one_key,
    words_of_references_are_sealed_too
}
on_both_engines! { false: what_lay_open_before_is_read_and_sealed }

/// The daemon dies in the middle of a rotation; the next one ends it.
async fn killed_while_it_rotates(database: &str) {
    let secret = key('1');
    let environment = [("SEAMARK__STORE__SECRET_KEY", secret.as_str())];
    let crash_at = "encryption.resealed@2";
    let mut daemon = Process::start_in(database, crash_at, 10, &environment).await.unwrap();
    let key = daemon.key().await;
    let client = LoopbackClient::new(daemon.address, Some(key.clone())).unwrap();
    let item = |n: usize| json!({"id": format!("i{n}"), "query": format!("{CANARY} {n}")});
    let items: Vec<Value> = (0..700).map(item).collect();
    client.post("/v1/interactions", &json!(items)).await.unwrap();
    // It may be dead before it answers.
    let _ = client.post("/v1/encryption/keys", &json!({})).await;
    daemon.ended().await;
    let daemon = Process::start_in(database, "", 10, &environment).await.unwrap();
    let client = LoopbackClient::new(daemon.address, Some(key)).unwrap();
    let state = until("all is sealed with the new key", async || {
        let state: Value = client.get("/v1/encryption").await.unwrap();
        (state["remaining"] == json!(0)).then_some(state)
    })
    .await;
    assert_eq!(state["keys"].as_array().unwrap().len(), 2, "{state}");
    assert_eq!((&state["keys"][0]["rows"], &state["unsealed"]), (&json!({}), &json!({})));
    assert_eq!(state["keys"][1]["rows"]["interaction_texts"], json!(700));
    for n in [0, 350, 699] {
        let found = client.get(&format!("/v1/interactions/i{n}")).await.unwrap();
        assert_eq!(found["query"], json!(format!("{CANARY} {n}")));
    }
    assert_eq!(daemon.terminate(), Some(0));
    let other = self::key('2');
    let wrong = [("SEAMARK__STORE__SECRET_KEY", other.as_str())];
    assert!(Process::start_in(database, "", 10, &wrong).await.is_none(), "a wrong key is refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_rotation_goes_on_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    killed_while_it_rotates(&format!("sqlite://{}/seamark.db", folder.path().display())).await;
    assert!(!in_files(folder.path(), CANARY));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_rotation_goes_on_in_postgres() {
    killed_while_it_rotates(&crate::pg::database().await).await;
}

/// From drift to message and report, and no word of the users is in any table or file.
async fn no_word_is_stored_open(mut site: Site) {
    let (receiver, _) = site.make_receiver().await;
    let monitor = site.post("/v1/monitors", &pipeline::watch("assistant", &[receiver])).await;
    site.feed(&interactions(0, &[(Topic::Airtime, pipeline::REFERENCE)])).await;
    pipeline::freeze_range(&site, &monitor).await;
    site.feed(&pipeline::stream()).await;
    let reports = json!(site.reports(&monitor, pipeline::REPORTS).await).to_string();
    site.receiver.messages(1).await;
    assert!(WORDS.iter().any(|word| reports.contains(word)), "reports name the words that rose");
    site.stop().await;
    let url = site.store_config().url;
    let mut raw = if url.starts_with("sqlite") {
        Raw::Sqlite(SqliteConnection::connect(&url).await.unwrap())
    } else {
        Raw::Postgres(PgConnection::connect(&url).await.unwrap())
    };
    for word in WORDS {
        assert!(holders(&mut raw, word).await.is_empty(), "{word}");
        assert!(!in_files(site.folder.path(), word), "{word}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_word_is_stored_open_in_sqlite() {
    no_word_is_stored_open(crate::pipeline::site::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_word_is_stored_open_in_postgres() {
    no_word_is_stored_open(crate::pipeline::site::postgres().await).await;
}

/// Prints what sealing costs: `cargo test --release --test it sealing_costs -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a test"]
async fn sealing_costs() {
    for sealed in [false, true, false, true] {
        for opened in [open_sqlite(sealed).await, open_postgres(sealed).await] {
            let project = project(&opened.store).await;
            let started = std::time::Instant::now();
            for batch in 0..50 {
                let item = |n: u32| seamark::model::interaction::NewInteraction {
                    query: "x".repeat(500),
                    response: Some("y".repeat(1500)),
                    ..interaction(&format!("{batch}-{n}"))
                };
                let items: Vec<_> = (0..200).map(item).collect();
                opened.store.insert_interactions(project, &items, at(0)).await.unwrap();
            }
            let stored: Duration = started.elapsed();
            let claimed = std::time::Instant::now();
            let texts =
                opened.store.claim_pending("w", 10_000, at(0), crate::store::sample::MINUTE);
            assert_eq!(texts.await.unwrap().len(), 10_000);
            let engine = opened.store.engine_name();
            println!(
                "{engine} sealed={sealed}: stored {stored:?}, claimed {:?}",
                claimed.elapsed()
            );
        }
    }
}

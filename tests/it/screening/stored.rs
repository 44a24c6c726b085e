//! What the stores keep of it, on both engines.

use seamark::model::interaction::NewInteraction;
use seamark::model::screening::{Fail, Screening};
use seamark::model::signals::{Personal, Signals};
use seamark::store::InsertOutcome;

use crate::store::sample::{MINUTE, MODEL, at, embed_all, interaction, project};
use crate::store::setup::{self, TestStore};

async fn settings_and_keys_come_back(store: TestStore) {
    let project = project(&store).await;
    assert_eq!(store.screening(project).await.unwrap(), (0, Screening::default()));
    assert!(store.pseudonym_keys(project).await.unwrap().is_none());
    let settings = Screening { fail: Fail::Open, ..Screening::default() };
    assert_eq!(store.set_screening(project, &settings, at(1)).await.unwrap(), 1);
    let first = store.add_pseudonym_key(project, &[1; 32], at(2)).await.unwrap();
    let second = store.add_pseudonym_key(project, &[2; 32], at(3)).await.unwrap();
    assert_eq!((first.id.as_str(), second.id.as_str()), ("k1", "k2"));
    assert_eq!(store.screening(project).await.unwrap(), (3, settings), "a key is a new version");
    let keys = format!("{:?}", store.pseudonym_keys(project).await.unwrap().unwrap());
    assert!(keys.contains("\"k2\", ids: [\"k1\", \"k2\"]"), "{keys}");
    assert!(!store.destroy_pseudonym_key(project, "k02", at(4)).await.unwrap());
    assert!(store.destroy_pseudonym_key(project, "k1", at(4)).await.unwrap());
    assert!(!store.destroy_pseudonym_key(project, "k1", at(5)).await.unwrap());
    let listed = store.list_pseudonym_keys(project).await.unwrap();
    assert_eq!(listed[0].destroyed_at, Some(at(4)));
    assert_eq!(store.screening_version(project).await.unwrap(), 4);
}

async fn two_who_rotate_at_once_make_two_keys(store: TestStore) {
    let project = project(&store).await;
    let rotate =
        |byte: u8| store.add_pseudonym_key(project, Box::leak(Box::new([byte; 32])), at(0));
    let (a, b, c) = tokio::join!(rotate(1), rotate(2), rotate(3));
    let mut ids = [a.unwrap().id, b.unwrap().id, c.unwrap().id];
    ids.sort();
    assert_eq!(ids, ["k1", "k2", "k3"]);
}

async fn what_was_found_reaches_the_signals_and_texts_may_go(store: TestStore) {
    let project = project(&store).await;
    let personal = Personal { query: 1, response: 6, disclosed: 4, foreign: 4 };
    let kept = NewInteraction { personal, ..interaction("kept") };
    let brief = NewInteraction { until_embedded: true, ..interaction("brief") };
    let outcomes = store.insert_interactions(project, &[kept, brief], at(0)).await.unwrap();
    assert_eq!(outcomes, [InsertOutcome::Accepted; 2]);
    let claimed = store.claim_pending("w", 10, at(0), MINUTE).await.unwrap();
    assert_eq!((claimed[0].personal, claimed[0].until_embedded), (personal, false));
    assert_eq!((claimed[1].personal, claimed[1].until_embedded), (Personal::default(), true));
    store.release_claims("w").await.unwrap();
    assert_eq!(embed_all(&store).await, 2);
    let events = store.events_after(project, 0, MODEL, 10).await.unwrap();
    let texts: Vec<bool> = events.iter().map(|event| event.query.is_some()).collect();
    assert_eq!((events.len(), texts), (2, vec![true, false]));
    assert_eq!(events[0].event.signals, Signals::default().with(personal));
    assert!(events[1].event.query.is_some(), "the vector stays");
}

macro_rules! on_both_engines {
    ($($engine:ident),+; $tests:tt) => {
        $(mod $engine { on_both_engines!(@ $engine $tests); })+
    };
    (@ $engine:ident { $($test:ident),+ }) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::setup::$engine().await).await;
            }
        )+
    };
}

on_both_engines! { sqlite, postgres; {
    settings_and_keys_come_back, two_who_rotate_at_once_make_two_keys,
    what_was_found_reaches_the_signals_and_texts_may_go
} }

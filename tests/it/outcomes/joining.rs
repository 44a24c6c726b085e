//! Each outcome is stored once and joined once, whatever comes first and however often.

use std::collections::BTreeMap;

use seamark::model::interaction::NewInteraction;
use seamark::model::outcome::{Figures, Good, OutcomeKind, Value};
use seamark::store::{MAX_DEFINITIONS, OutcomeInsert, RetentionCutoffs, Store};

use super::{by_id, by_session, by_subject, outcome, pairs, put, resolved, turn};
use crate::store::sample::{DAY, MINUTE, MODEL, at, embed_all, interaction, project, rng};
use crate::store::setup::TestStore;

use OutcomeInsert::{Conflict, Duplicate, Joined, Misfit, Parked, TooManyNames};

/// The outcomes of every embedded interaction, by its id.
async fn joined(
    store: &Store,
    project: seamark::id::ProjectId,
) -> BTreeMap<String, Vec<(String, f64)>> {
    embed_all(store).await;
    let events = store.matured_events(project, 0, at(1_000_000_000), MODEL, 1000).await.unwrap();
    events.into_iter().map(|event| (event.interaction_id, pairs(&event.outcomes))).collect()
}

pub(super) async fn an_outcome_finds_its_interaction(store: TestStore) {
    let project = project(&store).await;
    let subject =
        store.pseudonym(project, &seamark::model::outcome::Subject::new("+27821234567".to_owned()));
    let items = [
        turn("a", "s1", at(0)),
        turn("b", "s2", at(0)),
        NewInteraction { subject, ..turn("c", "s3", at(0)) },
    ];
    store.insert_interactions(project, &items, at(0)).await.unwrap();
    let person = by_subject(&store, project, "+27821234567");
    let outcomes = [
        resolved("1", by_id("a"), at(10)),
        resolved("2", by_session("s2"), at(10)),
        resolved("3", person, at(10)),
        resolved("4", by_id("nobody"), at(10)),
        resolved("1", by_id("a"), at(10)),
    ];
    let results = store.insert_outcomes(project, &outcomes, at(10)).await.unwrap();
    assert_eq!(results, [Joined, Joined, Joined, Parked, Duplicate]);
    let again = store.insert_outcomes(project, &outcomes, at(20)).await.unwrap();
    assert_eq!(again, [Duplicate; 5]);
    let of = joined(&store, project).await;
    for id in ["a", "b", "c"] {
        assert_eq!(of[id], [("resolved".to_owned(), 1.0)], "{id}");
    }
    let counts = store.outcome_counts(project, at(20)).await.unwrap();
    assert_eq!((counts.accepted, counts.joined, counts.parked), (4, 3, 1));
    assert_eq!((counts.duplicates, counts.unmatched), (6, 0));
    let later = store.outcome_counts(project, at(20).plus(DAY * 7)).await.unwrap();
    assert_eq!(later.unmatched, 1);
}

pub(super) async fn the_latest_within_the_window_is_meant(store: TestStore) {
    let project = project(&store).await;
    let day = |n: u32| at(0).plus(DAY * n);
    let turns = [turn("old", "s", day(0)), turn("mid", "s", day(3)), turn("new", "s", day(5))];
    store.insert_interactions(project, &turns, day(5)).await.unwrap();
    assert_eq!(put(&store, project, resolved("1", by_session("s"), day(4)), day(5)).await, Joined);
    assert_eq!(put(&store, project, resolved("2", by_session("s"), day(5)), day(5)).await, Joined);
    // Thirteen days after the latest turn, and before the first.
    assert_eq!(
        put(&store, project, resolved("3", by_session("s"), day(18)), day(18)).await,
        Parked
    );
    let before = at(0).minus(MINUTE);
    assert_eq!(put(&store, project, resolved("4", by_session("s"), before), day(5)).await, Parked);
    let of = joined(&store, project).await;
    let n: Vec<_> = ["old", "mid", "new"].iter().map(|id| of[*id].len()).collect();
    assert_eq!(n, [0, 1, 1]);
    // A longer window holds for what comes from then on.
    let mut definition = store.outcome_definitions(project).await.unwrap().remove(0);
    assert!(definition.automatic && definition.kind == OutcomeKind::Binary);
    definition.attribution_window_days = 30;
    store.set_outcome_definition(&definition).await.unwrap();
    assert_eq!(
        put(&store, project, resolved("5", by_session("s"), day(18)), day(18)).await,
        Joined
    );
}

pub(super) async fn an_outcome_before_its_interaction_waits_for_it(store: TestStore) {
    let project = project(&store).await;
    let subject = "somebody";
    let person = by_subject(&store, project, subject);
    let early = [
        resolved("1", by_id("a"), at(0)),
        resolved("2", by_session("s"), at(100)),
        resolved("3", person, at(100)),
    ];
    let results = store.insert_outcomes(project, &early, at(100)).await.unwrap();
    assert_eq!(results, [Parked; 3]);
    // Of two turns in one batch the later one before the outcome is meant.
    let pseudonym = store
        .pseudonym(project, &seamark::model::outcome::Subject::new(subject.to_owned()))
        .unwrap();
    let batch = [
        turn("a", "x", at(50)),
        turn("first", "s", at(60)),
        turn("second", "s", at(70)),
        turn("after", "s", at(101)),
        NewInteraction { subject: Some(pseudonym), ..turn("p", "y", at(99)) },
    ];
    store.insert_interactions(project, &batch, at(200)).await.unwrap();
    let counts = store.outcome_counts(project, at(200)).await.unwrap();
    assert_eq!((counts.accepted, counts.joined, counts.parked), (3, 3, 0));
    let of = joined(&store, project).await;
    let with: Vec<_> = of.iter().filter(|(_, o)| !o.is_empty()).map(|(id, _)| id).collect();
    assert_eq!(with, ["a", "p", "second"]);
}

pub(super) async fn eight_senders_count_once(store: TestStore) {
    let project = project(&store).await;
    store.insert_interactions(project, &[turn("a", "s", at(0))], at(0)).await.unwrap();
    let batch: Vec<_> =
        (0..20).map(|n| resolved(&format!("o{n}"), by_session("s"), at(n))).collect();
    let senders = (0..8).map(|n| {
        let (store, mut batch) = (store.clone(), batch.clone());
        if n % 2 == 1 {
            batch.reverse();
        }
        tokio::spawn(async move { store.insert_outcomes(project, &batch, at(50)).await.unwrap() })
    });
    let senders: Vec<_> = senders.collect();
    let mut results = Vec::new();
    for sender in senders {
        results.extend(sender.await.unwrap());
    }
    let count = |wanted| results.iter().filter(|result| **result == wanted).count();
    assert_eq!((count(Joined), count(Duplicate), results.len()), (20, 140, 160));
    let counts = store.outcome_counts(project, at(50)).await.unwrap();
    assert_eq!((counts.accepted, counts.joined, counts.duplicates), (20, 20, 140));
    assert_eq!(joined(&store, project).await["a"].len(), 1);
}

/// Interactions and their outcomes are sent at the same time: whoever is first, all find each other.
pub(super) async fn none_passes_its_interaction_by(store: TestStore) {
    let project = project(&store).await;
    let mut tasks = Vec::new();
    for n in 0..40 {
        let (one, two) = (store.clone(), store.clone());
        let target =
            if n % 2 == 0 { by_id(&format!("i{n}")) } else { by_session(&format!("s{n}")) };
        let turn = turn(&format!("i{n}"), &format!("s{n}"), at(0));
        let outcome = resolved(&format!("o{n}"), target, at(1));
        let interactions =
            async move { one.insert_interactions(project, &[turn], at(1)).await.map(drop) };
        let outcomes =
            async move { two.insert_outcomes(project, &[outcome], at(1)).await.map(drop) };
        tasks.push(tokio::spawn(interactions));
        tasks.push(tokio::spawn(outcomes));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let counts = store.outcome_counts(project, at(1)).await.unwrap();
    assert_eq!((counts.accepted, counts.joined, counts.parked), (40, 40, 0));
    let of = joined(&store, project).await;
    assert!(of.len() == 40 && of.values().all(|outcomes| outcomes.len() == 1), "{of:?}");
}

pub(super) async fn another_content_is_a_conflict_and_a_misfit_is_refused(store: TestStore) {
    let project = project(&store).await;
    let first = resolved("1", by_id("a"), at(0));
    assert_eq!(put(&store, project, first.clone(), at(0)).await, Parked);
    let mut other = first.clone();
    other.content_hash = [9; 32];
    assert_eq!(put(&store, project, other.clone(), at(0)).await, Conflict);
    let mut second = resolved("2", by_id("a"), at(0));
    second.content_hash = [7; 32];
    let mut changed = second.clone();
    changed.content_hash = [8; 32];
    let batch = [second.clone(), changed, second];
    let results = store.insert_outcomes(project, &batch, at(0)).await.unwrap();
    assert_eq!(results, [Parked, Conflict, Duplicate]);
    let mut wrong = outcome("3", by_id("a"), Value::Category("yes".to_owned()), at(0));
    "resolved".clone_into(&mut wrong.name);
    assert!(matches!(put(&store, project, wrong, at(0)).await, Misfit(_)));
    let counts = store.outcome_counts(project, at(0)).await.unwrap();
    assert_eq!(
        (counts.accepted, counts.conflicts, counts.duplicates, counts.rejected),
        (2, 2, 1, 1)
    );
}

pub(super) async fn figures_come_along_with_their_interaction(store: TestStore) {
    let project = project(&store).await;
    let figures = Figures {
        latency_ms: Some(812.0),
        tokens: Some(120.0),
        cost: Some(0.5),
        error: Some(true),
    };
    let items = [NewInteraction { figures, ..interaction("a") }, interaction("b")];
    for _ in 0..2 {
        store.insert_interactions(project, &items, at(0)).await.unwrap();
    }
    let of = joined(&store, project).await;
    let wanted = [("cost", 0.5), ("error", 1.0), ("latency_ms", 812.0), ("tokens", 120.0)];
    assert_eq!(of["a"], wanted.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(of["b"], []);
    let counts = store.outcome_counts(project, at(0)).await.unwrap();
    assert_eq!((counts.accepted, counts.joined, counts.parked), (4, 4, 0));
    let definitions = store.outcome_definitions(project).await.unwrap();
    let kinds: Vec<_> = definitions.iter().map(|d| (d.name.as_str(), d.kind)).collect();
    let (number, duration) = (OutcomeKind::Number, OutcomeKind::Duration);
    assert_eq!(
        kinds,
        [
            ("cost", number),
            ("error", OutcomeKind::Binary),
            ("latency_ms", duration),
            ("tokens", number)
        ]
    );
    let curve = store.outcome_delay(project, "cost", at(9)).await.unwrap().unwrap();
    assert!(curve.quantile(0.9).abs() < f64::EPSILON);
}

pub(super) async fn a_name_too_many_is_refused(store: TestStore) {
    let project = project(&store).await;
    let batch: Vec<_> = (0..=MAX_DEFINITIONS)
        .map(|n| {
            let mut item = resolved(&format!("o{n}"), by_id("a"), at(0));
            item.name = format!("name{n:03}");
            item
        })
        .collect();
    let results = store.insert_outcomes(project, &batch, at(0)).await.unwrap();
    assert_eq!(results.iter().filter(|result| **result == Parked).count(), MAX_DEFINITIONS);
    assert_eq!(results[MAX_DEFINITIONS], TooManyNames);
    assert!(store.delete_outcome_definition(project, "name000").await.unwrap());
    assert!(!store.delete_outcome_definition(project, "name000").await.unwrap());
    let reason = outcome("r", by_id("a"), Value::Category("billing".to_owned()), at(0));
    assert_eq!(put(&store, project, reason, at(0)).await, Parked);
    let made = store.find_outcome_definition(project, "reason").await.unwrap().unwrap();
    assert_eq!((made.kind, made.good), (OutcomeKind::Category, Good::Values(vec![])));
}

pub(super) async fn outcomes_of_projects_are_apart(store: TestStore) {
    let one = project(&store).await;
    let two = store.ensure_project("two", at(0), &mut rng(2)).await.unwrap();
    store.insert_interactions(one, &[turn("a", "s", at(0))], at(0)).await.unwrap();
    assert_eq!(put(&store, two, resolved("1", by_session("s"), at(0)), at(0)).await, Parked);
    assert_eq!(put(&store, one, resolved("1", by_session("s"), at(0)), at(0)).await, Joined);
    assert_ne!(by_subject(&store, one, "x"), by_subject(&store, two, "x"));
    assert_eq!(store.outcome_definitions(two).await.unwrap().len(), 1);
}

pub(super) async fn outcomes_expire_with_their_interactions(store: TestStore) {
    let project = project(&store).await;
    let day = |n: u32| at(0).plus(DAY * n);
    store.insert_interactions(project, &[turn("old", "s", day(0))], day(0)).await.unwrap();
    store.insert_interactions(project, &[turn("new", "t", day(3))], day(3)).await.unwrap();
    // Joined late with the old one, parked early, parked late, joined with the new one.
    for (id, target, on) in
        [("1", "old", 3), ("2", "nobody", 0), ("3", "nobody", 3), ("4", "new", 3)]
    {
        put(&store, project, resolved(id, by_id(target), day(on)), day(on)).await;
    }
    let cutoff = Some(day(2));
    let cutoffs = RetentionCutoffs {
        texts_before: cutoff,
        embeddings_before: cutoff,
        ..RetentionCutoffs::default()
    };
    let removed = store.apply_retention(&cutoffs).await.unwrap();
    assert_eq!((removed.interactions, removed.outcomes), (1, 2));
    let c = store.outcome_counts(project, day(3)).await.unwrap();
    assert_eq!((c.accepted, c.joined, c.parked, c.expired), (4, 1, 1, 2));
    assert_eq!(c.accepted, c.joined + c.parked + c.expired);
    assert_eq!(store.apply_retention(&cutoffs).await.unwrap().outcomes, 0);
}

//! What is handed out stays as it was, and figures say how sure they are.

use std::time::Duration;

use seamark::model::interaction::{Attributes, NewInteraction};
use seamark::model::outcome::{Good, OutcomeDefinition, OutcomeKind, Value};
use seamark::store::{OutcomeInsert, OutcomeQuery};

use super::{by_id, outcome, pairs, put, resolved, turn};
use crate::store::sample::{DAY, MODEL, at, embed_all, interaction, project};
use crate::store::setup::TestStore;

pub(super) async fn what_was_handed_out_stays_as_it_was(store: TestStore) {
    let project = project(&store).await;
    let turns = [turn("a", "s", at(0)), turn("b", "s", at(1)), turn("c", "s", at(2))];
    store.insert_interactions(project, &turns, at(2)).await.unwrap();
    embed_all(&store).await;
    put(&store, project, resolved("1", by_id("a"), at(5)), at(5)).await;
    let first = store.matured_events(project, 0, at(100), MODEL, 2).await.unwrap();
    assert_eq!(first.iter().map(|e| e.position).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(pairs(&first[0].outcomes), [("resolved".to_owned(), 1.0)]);
    // A correction of what was handed out, an outcome of it, and one of what was not.
    let no = |id, of| outcome(id, by_id(of), Value::Flag(false), at(6));
    for (id, of) in [("2", "a"), ("3", "b"), ("4", "c")] {
        assert_eq!(put(&store, project, no(id, of), at(6)).await, OutcomeInsert::Joined);
    }
    let again = store.matured_events(project, 0, at(100), MODEL, 2).await.unwrap();
    for (then, now) in first.iter().zip(&again) {
        assert_eq!((then.position, &then.outcomes), (now.position, &now.outcomes));
        assert_eq!(pairs(&now.late), [("resolved".to_owned(), 0.0)]);
    }
    let rest = store.matured_events(project, 2, at(100), MODEL, 9).await.unwrap();
    assert_eq!((rest.len(), pairs(&rest[0].outcomes)), (1, vec![("resolved".to_owned(), 0.0)]));
    assert_eq!(rest[0].late, []);
    let definition = store.find_outcome_definition(project, "resolved").await.unwrap().unwrap();
    let query = OutcomeQuery { definition: &definition, from: at(0), to: at(100) };
    assert_eq!(store.late_outcomes(&query).await.unwrap(), 2);
    let days = store.outcomes_by_day(&query).await.unwrap();
    assert_eq!((days[0].interactions, days[0].n), (3, 2));
    assert!((days[0].sum - 1.0).abs() < f64::EPSILON);
}

pub(super) async fn nothing_young_is_handed_out_or_overtaken(store: TestStore) {
    let project = project(&store).await;
    let turns = [turn("a", "s", at(0)), turn("young", "s", at(90)), turn("c", "s", at(2))];
    store.insert_interactions(project, &turns, at(90)).await.unwrap();
    assert_eq!(store.matured_events(project, 0, at(100), MODEL, 9).await.unwrap(), []);
    embed_all(&store).await;
    let ids = async |before| {
        let events = store.matured_events(project, 0, at(before), MODEL, 9).await.unwrap();
        events.into_iter().map(|event| event.interaction_id).collect::<Vec<_>>()
    };
    // A cursor behind "c" would never see "young" again.
    assert_eq!(ids(50).await, ["a"]);
    assert_eq!(ids(90).await, ["a"]);
    assert_eq!(ids(91).await, ["a", "young", "c"]);
}

/// Outcomes arrive while interactions are handed out: each is in the figures or marked.
pub(super) async fn an_outcome_is_handed_out_or_marked_never_lost(store: TestStore) {
    let project = project(&store).await;
    let turns: Vec<_> = (0..30).map(|n| turn(&format!("i{n}"), "s", at(0))).collect();
    store.insert_interactions(project, &turns, at(0)).await.unwrap();
    embed_all(&store).await;
    let senders: Vec<_> = (0..30)
        .map(|n| {
            let store = store.clone();
            let item = resolved(&format!("o{n}"), by_id(&format!("i{n}")), at(1));
            tokio::spawn(
                async move { store.insert_outcomes(project, &[item], at(1)).await.unwrap() },
            )
        })
        .collect();
    let mut seen = Vec::new();
    let mut after = 0;
    while after < 30 {
        let events = store.matured_events(project, after, at(10), MODEL, 3).await.unwrap();
        after = events.last().map_or(after, |event| event.position);
        seen.extend(events);
    }
    for sender in senders {
        assert_eq!(sender.await.unwrap(), [OutcomeInsert::Joined]);
    }
    let now = store.matured_events(project, 0, at(10), MODEL, 99).await.unwrap();
    for (then, now) in seen.iter().zip(&now) {
        assert_eq!(then.outcomes, now.outcomes, "published figures stay: {then:?} {now:?}");
        assert_eq!(now.outcomes.len() + now.late.len(), 1, "{now:?}");
    }
}

fn query(definition: &OutcomeDefinition) -> OutcomeQuery<'_> {
    OutcomeQuery { definition, from: at(0), to: at(0).plus(DAY * 2) }
}

pub(super) async fn sums_by_day_and_label(store: TestStore) {
    let project = project(&store).await;
    let item = |id: &str, channel: Option<&str>, day: u32| NewInteraction {
        occurred_at: at(0).plus(DAY * day),
        attributes: channel
            .map(|channel| Attributes::from([("channel \"x\"".to_owned(), channel.to_owned())]))
            .unwrap_or_default(),
        ..interaction(id)
    };
    let items = [
        item("a", Some("web"), 0),
        item("b", Some("web"), 1),
        item("c", Some("ussd"), 1),
        item("d", None, 1),
        item("e", Some("web"), 2),
    ];
    store.insert_interactions(project, &items, at(0).plus(DAY * 2)).await.unwrap();
    let on = |id: &str, of: &str, value: f64, minute: u64| {
        outcome(id, by_id(of), Value::Number(value), at(minute).plus(DAY * 2))
    };
    // "b" is rated twice: the last word counts.
    let ratings =
        [on("1", "a", 1.0, 0), on("2", "b", 2.0, 0), on("3", "b", 4.0, 1), on("4", "c", 5.0, 0)];
    store.insert_outcomes(project, &ratings, at(0).plus(DAY * 2)).await.unwrap();
    let csat = store.find_outcome_definition(project, "csat").await.unwrap().unwrap();
    let days = store.outcomes_by_day(&query(&csat)).await.unwrap();
    let seen: Vec<_> = days.iter().map(|d| (d.interactions, d.n, d.sum, d.squares)).collect();
    assert_eq!(seen, [(1, 1, 1.0, 1.0), (3, 2, 9.0, 41.0)]);
    let labels = store.outcomes_by_label(&query(&csat), "channel \"x\"", 9).await.unwrap();
    let mut seen: Vec<_> = labels.iter().map(|g| (g.key.clone(), g.interactions, g.n)).collect();
    seen.sort();
    let (web, ussd) = (Some("web".to_owned()), Some("ussd".to_owned()));
    assert_eq!(seen, [(None, 1, 0), (ussd, 1, 1), (web, 2, 2)]);
    // What does not fit the kind any more is in no figure.
    let good = Good::Values(vec!["high".to_owned()]);
    let csat = OutcomeDefinition { kind: OutcomeKind::Category, good, ..csat };
    assert!(store.outcomes_by_day(&query(&csat)).await.unwrap().iter().all(|day| day.n == 0));
    let word = |id: &str, of: &str, text: &str| {
        outcome(id, by_id(of), Value::Category(text.to_owned()), at(0).plus(DAY * 2))
    };
    let words = [word("r1", "a", "billing"), word("r2", "b", "praise"), word("r3", "c", "praise")];
    store.insert_outcomes(project, &words, at(0).plus(DAY * 2)).await.unwrap();
    let reason = store.find_outcome_definition(project, "reason").await.unwrap().unwrap();
    let reason = OutcomeDefinition { good: Good::Values(vec!["praise".to_owned()]), ..reason };
    let days = store.outcomes_by_day(&query(&reason)).await.unwrap();
    let seen: Vec<_> = days.iter().map(|d| (d.n, d.sum)).collect();
    assert_eq!(seen, [(1, 0.0), (2, 2.0)]);
    let categories = store.outcome_categories(&query(&reason), 9).await.unwrap();
    assert_eq!(categories, [("praise".to_owned(), 2), ("billing".to_owned(), 1)]);
}

pub(super) async fn delays_are_learned_from_what_has_come(store: TestStore) {
    let project = project(&store).await;
    let minutes = |n: u64| at(60 * n);
    let turns: Vec<_> = (0..100).map(|n| turn(&format!("i{n}"), "s", minutes(0))).collect();
    store.insert_interactions(project, &turns, at(0)).await.unwrap();
    assert_eq!(store.outcome_delays(project, at(0)).await.unwrap().len(), 0);
    let late = minutes(101);
    let outcomes: Vec<_> = (0..100)
        .map(|n| resolved(&format!("o{n}"), by_id(&format!("i{n}")), minutes(n + 1)))
        .collect();
    store.insert_outcomes(project, &outcomes, late).await.unwrap();
    let now = late.plus(Duration::from_hours(200));
    let curves = store.outcome_delays(project, now).await.unwrap();
    let curve = &curves["resolved"];
    assert_eq!(curve.n(), 100);
    assert!((curve.quantile(0.5) - 3000.0).abs() < 1e-6, "{curve:?}");
    assert!((curve.quantile(0.9) - 5400.0).abs() < 1e-6);
}

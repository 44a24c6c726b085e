//! What the scenario promises: reproducible, ordered, with a rhythm and one launch.

use std::collections::{BTreeMap, HashSet};

use super::*;

fn sessions(interactions: &[Interaction]) -> BTreeMap<&str, Vec<&Interaction>> {
    let mut sessions = BTreeMap::<_, Vec<_>>::new();
    for interaction in interactions {
        sessions.entry(interaction.session_id.as_str()).or_default().push(interaction);
    }
    sessions
}

fn unique(texts: impl Iterator<Item = String>) -> usize {
    texts.collect::<HashSet<_>>().len()
}

#[test]
fn the_same_seed_gives_the_same_interactions() {
    let small = Scenario { interactions: 300, ..Scenario::default() };
    assert_eq!(generate(&small), generate(&small));
    assert_ne!(generate(&small), generate(&Scenario { seed: 8, ..small }));
}

#[test]
fn interactions_are_as_many_as_asked_in_order_and_within_the_days() {
    for interactions in [0, 1, 777] {
        let scenario = Scenario { interactions, days: 3, ..Scenario::default() };
        let generated = generate(&scenario);
        assert_eq!(generated.len(), interactions);
        assert!(generated.is_sorted_by_key(|one| (one.occurred_at_micros, one.id.clone())));
        // The last conversation may run a quarter of an hour over midnight.
        let span = scenario.start_micros..scenario.start_micros + 3 * DAY + HOUR / 4;
        assert!(generated.iter().all(|one| span.contains(&one.occurred_at_micros)));
    }
}

#[test]
fn sessions_have_one_to_five_turns_of_one_customer() {
    let interactions = generate(&Scenario::default());
    let sessions = sessions(&interactions);
    let mut lengths: Vec<usize> = sessions.values().map(Vec::len).collect();
    lengths.sort_unstable();
    lengths.dedup();
    assert_eq!(lengths, [1, 2, 3, 4, 5]);
    for turns in sessions.values() {
        assert!(turns.iter().all(|turn| turn.province == turns[0].province));
        assert!(turns.iter().all(|turn| turn.channel == turns[0].channel));
    }
}

#[test]
fn the_day_is_busier_than_the_night_and_the_week_than_its_end() {
    let interactions = generate(&Scenario::default());
    let local = |one: &Interaction| one.occurred_at_micros + SAST_AHEAD;
    let in_hours = |from: i64, to: i64| {
        let hour = |one: &&Interaction| (from..to).contains(&(local(one).rem_euclid(DAY) / HOUR));
        interactions.iter().filter(hour).count() as f64 / (to - from) as f64
    };
    assert!(in_hours(8, 20) > 3.0 * in_hours(0, 6));
    let start = Scenario::default().start_micros;
    let weekend = |one: &&Interaction| (one.occurred_at_micros - start) / DAY % 7 >= 5;
    let at_weekends = interactions.iter().filter(weekend).count() as f64 / 4.0;
    let on_weekdays = interactions.iter().filter(|one| !weekend(one)).count() as f64 / 10.0;
    assert!(at_weekends < 0.75 * on_weekdays, "{at_weekends} against {on_weekdays} a day");
}

#[test]
fn the_launch_is_asked_about_from_its_moment_by_the_given_share() {
    for launch_share in [0.1, 0.3, 0.6] {
        let scenario = Scenario { launch_share, interactions: 12_000, ..Scenario::default() };
        let interactions = generate(&scenario);
        let launch = scenario.launch_micros();
        let named = |one: &Interaction| one.query.to_lowercase().contains("skylink");
        let before = interactions.iter().filter(|one| one.occurred_at_micros < launch);
        assert_eq!(before.filter(|one| one.about_launch || named(one)).count(), 0);
        let ramped = launch + (RAMP_HOURS * HOUR as f64) as i64;
        let sessions = sessions(&interactions);
        let after: Vec<_> =
            sessions.values().filter(|turns| turns[0].occurred_at_micros >= ramped).collect();
        let asking = after.iter().filter(|turns| turns.iter().any(|turn| turn.about_launch));
        let share = asking.count() as f64 / after.len() as f64;
        assert!((share - launch_share).abs() < 0.04, "{share} for {launch_share}");
    }
}

#[test]
fn the_launch_changes_nothing_before_it() {
    let with = Scenario { interactions: 2_000, ..Scenario::default() };
    let without = Scenario { launch_share: 0.0, ..with.clone() };
    let before = |scenario: &Scenario| {
        let mut interactions = generate(scenario);
        interactions.retain(|one| one.occurred_at_micros < with.launch_micros());
        interactions
    };
    assert_eq!(before(&with), before(&without));
    assert!(before(&with).len() > 1_000);
}

#[test]
fn texts_vary_within_what_a_laptop_embeds() {
    let interactions = generate(&Scenario::default());
    let queries = unique(interactions.iter().map(|one| one.query.clone()));
    let responses = unique(interactions.iter().map(|one| one.response.clone()));
    assert!((3_500..=4_500).contains(&queries), "{queries} unique queries");
    assert!((500..=900).contains(&responses), "{responses} unique responses");
}

#[test]
fn every_slot_is_filled() {
    let interactions = generate(&Scenario { launch_share: 0.5, ..Scenario::default() });
    for one in &interactions {
        assert!(!one.query.contains(['{', '}']), "{}", one.query);
        assert!(!one.response.contains(['{', '}']), "{}", one.response);
    }
}

#[test]
fn json_holds_what_is_ingested_and_not_the_truth() {
    let one = &generate(&Scenario { interactions: 1, ..Scenario::default() })[0];
    let object = one.to_json();
    let object = object.as_object().unwrap();
    let keys: Vec<_> = object.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["attributes", "id", "model", "occurred_at", "query", "response", "session_id"]
    );
    let moment = DateTime::parse_from_rfc3339(object["occurred_at"].as_str().unwrap()).unwrap();
    assert_eq!(moment.timestamp_micros(), one.occurred_at_micros);
}

//! Business outcomes, on every kind of store: stored once, joined once, handed out once.

mod http;
mod joining;
mod maturity;

use seamark::clock::Timestamp;
use seamark::id::ProjectId;
use seamark::model::interaction::{EventOutcome, NewInteraction};
use seamark::model::outcome::{NewOutcome, Subject, Target, Value};
use seamark::store::{OutcomeInsert, Store};

use crate::store::sample::interaction;

/// Names and values.
fn pairs(outcomes: &[EventOutcome]) -> Vec<(String, f64)> {
    outcomes.iter().map(|outcome| (outcome.name.clone(), outcome.value)).collect()
}

/// Runs every test of the list on every engine, as `outcomes::<engine>::<test>`.
macro_rules! outcome_test_suite {
    ($($engine:ident),+; $tests:tt) => {
        $(mod $engine { outcome_test_suite!(@tests $engine $tests); })+
    };
    (@tests $engine:ident { $($module:ident: $($test:ident),+;)+ }) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$module::$test(crate::store::setup::$engine().await).await;
            }
        )+)+
    };
}

outcome_test_suite! { sqlite, memory, postgres; {
    joining: an_outcome_finds_its_interaction, the_latest_within_the_window_is_meant,
        an_outcome_before_its_interaction_waits_for_it, eight_senders_count_once,
        none_passes_its_interaction_by, another_content_is_a_conflict_and_a_misfit_is_refused,
        figures_come_along_with_their_interaction, a_name_too_many_is_refused,
        outcomes_of_projects_are_apart, outcomes_expire_with_their_interactions;
    maturity: what_was_handed_out_stays_as_it_was, nothing_young_is_handed_out_or_overtaken,
        an_outcome_is_handed_out_or_marked_never_lost, sums_by_day_and_label,
        delays_are_learned_from_what_has_come;
}}

/// An outcome whose key is its id.
fn outcome(id: &str, target: Target, value: Value, at: Timestamp) -> NewOutcome {
    let mut key = [0; 32];
    key[..id.len()].copy_from_slice(id.as_bytes());
    let name = match &value {
        Value::Flag(_) => "resolved",
        Value::Number(_) => "csat",
        Value::Category(_) => "reason",
    };
    NewOutcome {
        target,
        name: name.to_owned(),
        value,
        occurred_at: at,
        key,
        content_hash: [id.len() as u8; 32],
    }
}

fn resolved(id: &str, target: Target, at: Timestamp) -> NewOutcome {
    outcome(id, target, Value::Flag(true), at)
}

fn by_id(id: &str) -> Target {
    Target::Interaction(id.to_owned())
}

fn by_session(id: &str) -> Target {
    Target::Session(id.to_owned())
}

fn by_subject(store: &Store, project: ProjectId, name: &str) -> Target {
    Target::Subject(store.pseudonym(project, &Subject::new(name.to_owned())).unwrap())
}

/// An interaction of the session `session` at `at`.
fn turn(id: &str, session: &str, at: Timestamp) -> NewInteraction {
    let session_id = Some(session.to_owned());
    NewInteraction { session_id, occurred_at: at, ..interaction(id) }
}

async fn put(store: &Store, project: ProjectId, item: NewOutcome, now: Timestamp) -> OutcomeInsert {
    store.insert_outcomes(project, &[item], now).await.unwrap()[0]
}

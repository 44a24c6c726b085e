//! One suite over every kind of store: what holds for one engine holds for the others.

mod deliveries;
mod evaluations;
mod interactions;
mod leases;
mod monitors;
mod opening;
mod projects;
mod queue;
mod rates;
mod references;
mod retention;
mod retention_days;
mod routing;
mod rules;
pub(crate) mod sample;
mod schema;
pub(crate) mod setup;

/// Runs every test of the list on every engine, as `store::<engine>::<test>`.
macro_rules! store_test_suite {
    ($($engine:ident),+; $tests:tt) => {
        $(mod $engine { store_test_suite!(@tests $engine $tests); })+
    };
    (@tests $engine:ident { $($module:ident: $($test:ident),+;)+ }) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$module::$test(super::setup::$engine().await).await;
            }
        )+)+
    };
}

store_test_suite! { sqlite, memory, postgres; {
    opening: migrating_twice_changes_nothing, a_closed_store_is_unavailable;
    projects: a_project_exists_once, keys_live_until_they_are_revoked,
        a_key_has_one_successor_and_keeps_its_sooner_end;
    interactions: a_repeated_insert_is_a_duplicate, another_content_is_a_conflict,
        answers_follow_the_order_of_the_batch, projects_are_apart, every_field_comes_back,
        concurrent_senders_store_each_id_once, counts_are_conserved;
    queue: claims_are_not_handed_out_twice, an_expired_claim_is_taken_over_and_fenced,
        released_claims_are_free_at_once, poison_is_quarantined,
        positions_are_gap_free_under_concurrent_completers, events_come_by_position_and_by_time;
    monitors: names_are_unique_within_a_project, a_changed_monitor_keeps_its_reference,
        a_deleted_monitor_takes_its_state_along;
    references: rows_come_back_bit_by_bit, uploaded_texts_go_with_the_freeze_or_the_refusal, a_freeze_starts_the_evaluation_anew,
        what_is_ready_is_immutable;
    evaluations: a_commit_stores_everything, a_stale_cursor_is_superseded,
        a_lost_lease_is_superseded, a_failing_commit_stores_nothing,
        a_gap_in_the_sequence_is_superseded, reports_come_in_pages, an_ended_alert_makes_room;
    deliveries: a_delivery_is_retried_until_it_arrives, an_exhausted_delivery_can_be_replayed,
        deliveries_are_not_handed_out_twice, a_lost_claim_records_nothing,
        a_gone_receiver_is_disabled, one_receiver_does_not_take_all_slots,
        what_a_receiver_said_first_is_remembered, others_are_told_once_that_a_receiver_is_off,
        no_end_overtakes_its_begin, all_that_was_given_up_can_be_replayed,
        several_attempts_are_recorded_at_once;
    routing: a_decision_is_stored_whole, without_its_lease_a_decision_stores_nothing,
        the_first_to_acknowledge_stays_on_record, routes_and_silences_come_back_as_they_were;
    leases: a_lease_has_one_holder, a_released_lease_is_free_at_once;
    rules: a_look_at_rules_is_stored_whole, histories_and_finished_retrainings_expire,
        a_monitors_trouble_is_its_latest;
    rates: a_rule_on_a_rate_goes_its_whole_way, rates_count_what_they_say,
        a_policy_has_a_rate_from_its_first_text_on, a_rule_on_an_outcome_waits_until_it_had_time;
    retention: each_kind_expires_by_its_own_age, classes_have_retentions_of_their_own,
        nothing_expires_without_a_cutoff,
        counts_are_conserved_through_retention;
    retention_days: each_class_goes_on_its_day;
}}

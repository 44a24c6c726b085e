//! What the guard does, without a store.

use super::*;
use crate::clock::Timestamp;
use crate::model::outcome::Figures;
use crate::screen::policy::PolicyRule;

fn guard(change: impl FnOnce(&mut Screening)) -> Guard {
    let mut settings = Screening::default();
    settings.screen.regions = vec!["ZA".to_owned()];
    change(&mut settings);
    Guard::new(settings, 7, None).unwrap()
}

fn rule(entity: &str, side: Option<Side>, action: Action) -> PolicyRule {
    PolicyRule { entity: entity.to_owned(), side, action }
}

fn item(query: &str, response: Option<&str>) -> NewInteraction {
    NewInteraction {
        id: "a".to_owned(),
        occurred_at: Timestamp::from_micros(0),
        query: query.to_owned(),
        response: response.map(str::to_owned),
        session_id: None,
        attributes: [("phone".to_owned(), "082 123 4567".to_owned())].into(),
        model: None,
        metadata: Some(
            r#"{"user": {"mails": ["a@example.com"], "id": 7503305044089}, "n": 3}"#.to_owned(),
        ),
        inclusion_probability: 1.0,
        content_hash: [0; 32],
        subject: None,
        figures: Figures::default(),
        personal: Personal::default(),
        until_embedded: false,
    }
}

fn bit(entity: &EntityType) -> u32 {
    1 << entity.place()
}

#[test]
fn what_is_found_is_masked_in_texts_labels_and_metadata() {
    let mut item = item("I am a@example.com", Some("Call 082 123 4567"));
    assert!(guard(|_| ()).guard(&mut item).unwrap().changed);
    assert_eq!(item.query, "I am <EMAIL>");
    assert_eq!(item.response.as_deref(), Some("Call <PHONE>"));
    assert_eq!(item.attributes["phone"], "<PHONE>");
    let metadata: serde_json::Value = serde_json::from_str(&item.metadata.unwrap()).unwrap();
    let expected =
        serde_json::json!({"user": {"mails": ["<EMAIL>"], "id": "<NATIONAL_ID>"}, "n": 3});
    assert_eq!(metadata, expected);
}

#[test]
fn a_response_discloses_what_the_query_did_not_say() {
    let guard = guard(|_| ());
    let judge = |query: &str, response: &str| guard.judge(Some(query), Some(response)).personal;
    let (email, phone) = (bit(&EntityType::Email), bit(&EntityType::Phone));
    let echoed = judge("My number is 0821234567", "We call +27 82 123 4567. Or mail x@example.com");
    assert_eq!(
        echoed,
        Personal { query: phone, response: phone | email, disclosed: email, foreign: 0 }
    );
    assert_eq!(judge("Mail?", "None.").disclosed, 0);
    assert_eq!(guard.judge(None, Some("x@example.com")).personal.disclosed, 0);
}

#[test]
fn what_is_allowed_is_not_counted_and_what_is_dropped_is_empty() {
    let guard = guard(|settings| {
        settings.policy.rules = vec![
            rule("EMAIL", None, Action::Allow),
            rule("PHONE", Some(Side::Response), Action::Drop),
        ];
    });
    let judged = guard.judge(Some("I am a@example.com"), Some("Call 082 123 4567"));
    assert_eq!(judged.query.as_deref(), Some("I am a@example.com"));
    assert_eq!((judged.response.as_deref(), judged.decision), (Some(""), Decision::Redact));
    assert_eq!((judged.personal.query, judged.personal.response), (0, bit(&EntityType::Phone)));
}

#[test]
fn what_is_blocked_is_named_by_its_type_alone() {
    let guard = guard(|settings| {
        settings.policy.rules = vec![rule("EMAIL", None, Action::Block)];
    });
    let blocked = guard.guard(&mut item("hello", Some("x@example.com"))).unwrap_err();
    assert_eq!((blocked.pointer, blocked.labels), ("/response", ["EMAIL".to_owned()].into()));
    assert_eq!(guard.guard(&mut item("hello", None)).unwrap_err().pointer, "/metadata");
}

#[test]
fn switched_off_it_changes_nothing() {
    let guard = guard(|settings| {
        settings.enabled = false;
        settings.store_text = StoreText::None;
    });
    let mut received = item("I am a@example.com", None);
    assert!(!guard.guard(&mut received).unwrap().changed);
    assert!(received.until_embedded && received.query == "I am a@example.com");
}

//! Actions by type and side, decisions, problems.

use super::*;

fn finding(entity: EntityType, subtype: &str, span: Range<usize>) -> Finding {
    let subtype = (!subtype.is_empty()).then(|| subtype.to_owned());
    Finding { entity, subtype, span, score: 0.9, recogniser: Recogniser::Rules }
}

fn rule(entity: &str, side: Option<Side>, action: Action) -> PolicyRule {
    PolicyRule { entity: entity.to_owned(), side, action }
}

const TEXT: &str = "mail a@example.com or 4111111111111111";

fn findings() -> Vec<Finding> {
    vec![finding(EntityType::Email, "", 5..18), finding(EntityType::CreditCard, "", 22..38)]
}

fn screened(rules: Vec<PolicyRule>) -> (Option<String>, Decision) {
    let policy = Policy { rules, ..Policy::default() };
    let screened = apply(TEXT, &findings(), &policy, Side::Query, None);
    assert_eq!(screened.applied.len(), 2);
    (screened.text, screened.decision)
}

#[test]
fn each_action_does_what_it_says() {
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(screened(vec![]), (text("mail <EMAIL> or <CREDIT_CARD>"), Decision::Redact));
    let card = |action| vec![rule("EMAIL", None, Action::Allow), rule("CREDIT_CARD", None, action)];
    assert_eq!(screened(card(Action::Allow)), (text(TEXT), Decision::Allow));
    assert_eq!(screened(card(Action::Flag)), (text(TEXT), Decision::Flag));
    assert_eq!(
        screened(card(Action::Partial)),
        (text("mail a@example.com or <CREDIT_CARD:****1111>"), Decision::Redact)
    );
    assert_eq!(screened(card(Action::Drop)), (None, Decision::Redact));
    assert_eq!(screened(card(Action::Block)), (None, Decision::Block));
    // Without a key nothing leaks.
    assert_eq!(screened(card(Action::Pseudonym)).0, text("mail a@example.com or <CREDIT_CARD>"));
}

#[test]
fn the_most_specific_rule_counts() {
    let policy = Policy {
        rules: vec![
            rule("ZA_ID", None, Action::Drop),
            rule("NATIONAL_ID", Some(Side::Response), Action::Block),
            rule("NATIONAL_ID", None, Action::Flag),
        ],
        ..Policy::default()
    };
    let za = finding(EntityType::NationalId, "ZA_ID", 0..1);
    let ke = finding(EntityType::NationalId, "KE_ID", 0..1);
    assert_eq!(policy.action(&za, Side::Response), Action::Drop);
    assert_eq!(policy.action(&ke, Side::Response), Action::Block);
    assert_eq!(policy.action(&ke, Side::Query), Action::Flag);
    assert_eq!(policy.action(&finding(EntityType::Email, "", 0..1), Side::Query), Action::Mask);
}

#[test]
fn spans_that_do_not_fit_are_passed_over() {
    let wrong = [
        finding(EntityType::Email, "", 5..18),
        finding(EntityType::Email, "", 6..9),
        finding(EntityType::Email, "", 30..99),
    ];
    let screened = apply(TEXT, &wrong, &Policy::default(), Side::Query, None);
    assert_eq!(screened.text.unwrap(), "mail <EMAIL> or 4111111111111111");
    assert_eq!(screened.applied.len(), 1);
    let split = finding(EntityType::Email, "", 1..2);
    assert_eq!(apply("é", &[split], &Policy::default(), Side::Query, None).text.unwrap(), "é");
}

#[test]
fn problems_of_a_policy() {
    let policy = Policy {
        default: Action::Pseudonym,
        rules: vec![
            rule("EMAIL", None, Action::Mask),
            rule("EMAIL", None, Action::Flag),
            rule("EMAIL", Some(Side::Query), Action::Flag),
            rule("E_MAIL", None, Action::Pseudonym),
        ],
        ..Policy::default()
    };
    let fields = |has_key| -> Vec<String> {
        policy.problems(|label| label == "EMAIL", has_key).0.into_iter().map(|p| p.field).collect()
    };
    assert_eq!(fields(true), ["/rules/1", "/rules/3/entity"]);
    assert_eq!(fields(false), ["/default", "/rules/1", "/rules/3/entity", "/rules/3/action"]);
}

#[test]
fn a_policy_is_read_from_configuration() {
    let policy: Policy = toml::from_str(
        "version = 3\ndefault = 'mask'\n[[rules]]\nentity = 'API_KEY'\nside = 'response'\naction = 'block'",
    )
    .unwrap();
    assert_eq!(policy.rules, [rule("API_KEY", Some(Side::Response), Action::Block)]);
    assert!(toml::from_str::<Policy>("defaults = 'mask'").is_err());
}

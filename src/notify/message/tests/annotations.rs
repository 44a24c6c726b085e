//! What monitors say of their alerts, in every kind of message.

use super::*;

fn said(summary: &str, owner: &str) -> BTreeMap<String, String> {
    [("summary", summary), ("owner", owner)].map(|(n, t)| (n.to_owned(), t.to_owned())).into()
}

#[test]
fn every_kind_says_what_the_monitor_says() {
    let mut fixture = plain();
    fixture.alert.annotations = said("Callers ask for fibre", "the search team");
    for kind in ReceiverKind::ALL {
        let text = fixture.body(kind, EventKind::Firing);
        for part in ["Callers ask for fibre", "the search team"] {
            assert!(text.contains(part), "{}: {part} is missing in {text}", kind.as_str());
        }
        assert!(!text.contains("differs from the reference"), "{}: {text}", kind.as_str());
    }
    let end = fixture.message(EventKind::Resolved);
    assert!(end.summary().contains("no more drift"), "{}", end.summary());
    assert!(end.changes().is_empty());
    fixture.alert.annotations = said(" ", "the search team");
    assert!(fixture.message(EventKind::Firing).summary().contains("differs from the reference"));
}

#[test]
fn long_annotations_are_cut_to_what_a_message_holds() {
    for mut fixture in hostile() {
        let long = fixture.examples[0].text.clone();
        let many = (0..18).map(|n| (format!("{n:02}{long}"), long.clone()));
        fixture.alert.annotations = said(&long, &long).into_iter().chain(many).collect();
        let body = |kind| fixture.body(kind, EventKind::Firing);
        for (kind, limit) in [(ReceiverKind::Webhook, 20_000), (ReceiverKind::Teams, 28_000)] {
            let text = body(kind);
            assert!(text.len() < limit, "{}: {} bytes", kind.as_str(), text.len());
        }
        assert!(body(ReceiverKind::Slack).chars().count() < 12_000);
        assert!(!fixture.message(EventKind::Firing).changes().is_empty());
    }
}

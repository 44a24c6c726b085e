//! Routes, silences, acknowledgements, and the dispatcher's commit.

use std::collections::BTreeMap;

use seamark::alert::Group;
use seamark::id::{AlertId, SilenceId};
use seamark::model::alert::{Alert, AlertState, Comment};
use seamark::model::delivery::Delivery;
use seamark::model::routing::{Routing, Silence};
use seamark::store::{DeliveryFilter, DispatchCommit, EvaluationCommit, LeaseProof, Store};

use super::evaluations::{alert, commit, monitored};
use super::sample::{MINUTE, at, delivery, project, receiver, rng};
use super::setup::TestStore;

async fn unsettled(store: &Store, state: AlertState) -> (Alert, Delivery) {
    let (monitor, lease) = monitored(store).await;
    let alert = alert(&monitor, 1, state);
    let evaluation =
        EvaluationCommit { alerts: vec![alert.clone()], ..commit(&monitor, &lease, 0) };
    store.commit_evaluation(&evaluation).await.unwrap();
    let receiver = receiver(monitor.project_id, "hook");
    store.insert_receiver(&receiver).await.unwrap();
    (alert, delivery(&receiver, 1))
}

async fn dispatched(store: &Store, alert: &Alert, message: Delivery) -> DispatchCommit {
    let token = store.acquire_lease("dispatch", "w", at(1), MINUTE).await.unwrap().unwrap();
    let group = Group {
        due_at: at(30),
        first_at: Some(at(1)),
        sent_at: Some(at(1)),
        told: BTreeMap::new(),
        escalated: false,
    };
    DispatchCommit {
        project_id: alert.project_id,
        lease: LeaseProof { name: "dispatch".to_owned(), token },
        groups: [("route x".to_owned(), group)].into(),
        settled: vec![alert.id],
        deliveries: vec![message],
        retrains: Vec::new(),
        now: at(1),
    }
}

async fn outbox(store: &Store, alert: &Alert) -> usize {
    let all = DeliveryFilter { alert: None, receiver: None, status: None, before: None, limit: 9 };
    store.list_deliveries(alert.project_id, &all).await.unwrap().len()
}

pub(super) async fn a_decision_is_stored_whole(store: TestStore) {
    let (alert, message) = unsettled(&store, AlertState::Resolved).await;
    assert_eq!(
        store.unsettled_alerts(alert.project_id).await.unwrap(),
        std::slice::from_ref(&alert)
    );
    assert_eq!(store.projects_with_alerts().await.unwrap(), [alert.project_id]);
    let decision = dispatched(&store, &alert, message).await;
    assert!(store.commit_dispatch(&decision).await.unwrap());
    assert_eq!(store.alert_groups(alert.project_id).await.unwrap(), decision.groups);
    assert_eq!(store.unsettled_alerts(alert.project_id).await.unwrap(), []);
    assert_eq!(outbox(&store, &alert).await, 1);
    let over = DispatchCommit { groups: BTreeMap::new(), deliveries: Vec::new(), ..decision };
    assert!(store.commit_dispatch(&over).await.unwrap());
    assert!(store.projects_with_alerts().await.unwrap().is_empty());
}

pub(super) async fn without_its_lease_a_decision_stores_nothing(store: TestStore) {
    let (alert, message) = unsettled(&store, AlertState::Resolved).await;
    let decision = dispatched(&store, &alert, message).await;
    let late = DispatchCommit { now: at(90), ..decision };
    assert!(!store.commit_dispatch(&late).await.unwrap());
    assert!(store.alert_groups(alert.project_id).await.unwrap().is_empty());
    assert_eq!(outbox(&store, &alert).await, 0);
    assert_eq!(store.unsettled_alerts(alert.project_id).await.unwrap().len(), 1);
}

pub(super) async fn the_first_to_acknowledge_stays_on_record(store: TestStore) {
    let (alert, _) = unsettled(&store, AlertState::Firing).await;
    let by = async |name: &str, seconds| {
        store.acknowledge_alert(alert.project_id, alert.id, name, at(seconds)).await.unwrap()
    };
    assert!(by("amina", 7).await && !by("thabo", 8).await);
    let found = store.find_alert(alert.project_id, alert.id).await.unwrap().unwrap();
    assert_eq!(
        (found.acknowledged_by.as_deref(), found.acknowledged_at),
        (Some("amina"), Some(at(7)))
    );
    let nobody = AlertId::new(at(1), &mut rng(99));
    assert!(!store.acknowledge_alert(alert.project_id, nobody, "x", at(9)).await.unwrap());
    for (seconds, text) in [(1, "looking"), (2, "the new bundle")] {
        let comment =
            Comment { at: at(seconds), author: "amina".to_owned(), text: text.to_owned() };
        store.insert_comment(alert.id, &comment).await.unwrap();
    }
    let texts: Vec<String> =
        store.comments(alert.id).await.unwrap().into_iter().map(|comment| comment.text).collect();
    assert_eq!(texts, ["looking", "the new bundle"]);
}

pub(super) async fn routes_and_silences_come_back_as_they_were(store: TestStore) {
    let project = project(&store).await;
    assert_eq!(store.routing(project).await.unwrap(), Routing::default());
    let text =
        r#"{"route": {"group_by": ["monitor"], "routes": [{"matchers": ["severity=~\"c.*\""]}]}}"#;
    let routing: Routing = serde_json::from_str(text).unwrap();
    store.set_routing(project, &Routing::default()).await.unwrap();
    store.set_routing(project, &routing).await.unwrap();
    assert_eq!(store.routing(project).await.unwrap(), routing);
    let silence = Silence {
        id: SilenceId::new(at(1), &mut rng(3)),
        project_id: project,
        matchers: vec!["monitor=\"support\"".parse().unwrap()],
        starts_at: at(10),
        ends_at: at(60),
        comment: "maintenance".to_owned(),
        created_by: "amina".to_owned(),
        created_at: at(1),
    };
    store.insert_silence(&silence).await.unwrap();
    assert_eq!(store.silences(project, at(1)).await.unwrap(), std::slice::from_ref(&silence));
    assert!(store.expire_silence(project, silence.id, at(20)).await.unwrap());
    assert!(!store.expire_silence(project, silence.id, at(21)).await.unwrap());
    assert!(store.silences(project, at(20)).await.unwrap().is_empty());
    let found = store.find_silence(project, silence.id).await.unwrap().unwrap();
    assert_eq!(found, Silence { ends_at: at(20), ..silence });
}

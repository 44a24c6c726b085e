//! A project with one of everything that has an id, every kind of caller, and another project.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hyper::Method;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::api::{Config, generate_key};
use seamark::clock::Timestamp;
use seamark::id::{ProjectId, RetrainId};
use seamark::model::key::{ApiKey, Role};
use seamark::model::retrain::{Retrain, RetrainStatus};
use seamark::sample::SamplingConfig;
use seamark::store::{DispatchCommit, LeaseProof, Store};
use serde_json::{Value, json};

use super::super::app::TestApp;
use super::super::evaluations::evaluated;

/// Stands in every name and text of the project, and nowhere in an answer to another one.
pub(super) const MARK: &str = "ours-only";

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Nobody,
    Nonsense,
    Unknown,
    WrongSecret,
    Revoked,
    Expired,
    Own(Role),
    /// The admin of another project.
    Stranger,
}

impl Caller {
    /// Those whose key opens nothing.
    pub(super) const REFUSED: [Self; 6] = [
        Self::Nobody,
        Self::Nonsense,
        Self::Unknown,
        Self::WrongSecret,
        Self::Revoked,
        Self::Expired,
    ];
}

pub(super) struct World {
    pub(super) app: TestApp,
    /// An id of each kind, by the path of its collection.
    pub(super) ids: BTreeMap<&'static str, String>,
    stranger: String,
    revoked: String,
    expired: String,
}

impl World {
    pub(super) async fn over(store: Store) -> Self {
        let app = TestApp::over(store, Config::default(), SamplingConfig::default()).await;
        let (_, stranger) = app.stranger().await;
        let project = app.store.find_project("default").await.unwrap().unwrap();
        let now = app.now();
        let [revoked, expired] = [(Some(now), None), (None, Some(now))].map(|ends| {
            let mut rng = ChaCha8Rng::seed_from_u64(ends.0.is_some().into());
            let (text, made) = generate_key(project, MARK, Role::Admin, now, &mut rng);
            (text, ApiKey { revoked_at: ends.0, expires_at: ends.1, ..made })
        });
        for key in [&revoked.1, &expired.1] {
            app.store.insert_key(key).await.unwrap();
        }
        let ids = fill(&app, project).await;
        Self { app, ids, stranger, revoked: revoked.0, expired: expired.0 }
    }

    pub(super) fn key(&self, caller: Caller) -> Option<String> {
        let own = self.app.key(Role::Admin);
        let guessed = || format!("{}{}", &own[..own.len() - 64], "0".repeat(64));
        match caller {
            Caller::Nobody => None,
            Caller::Nonsense => Some("nonsense".to_owned()),
            Caller::Unknown => Some(format!("seamark_{}_{}", "0".repeat(32), "0".repeat(64))),
            Caller::WrongSecret => Some(guessed()),
            Caller::Revoked => Some(self.revoked.clone()),
            Caller::Expired => Some(self.expired.clone()),
            Caller::Own(role) => Some(self.app.key(role).to_owned()),
            Caller::Stranger => Some(self.stranger.clone()),
        }
    }

    /// What must not be seen by others: the mark, and every id that was made.
    pub(super) fn secrets(&self) -> BTreeSet<&str> {
        let made = self.ids.values().map(String::as_str).filter(|id| id.len() == 36);
        made.chain([MARK]).collect()
    }
}

async fn made(app: &TestApp, path: &str, body: Value) -> String {
    let answer = app.post(path, body).await;
    assert!(answer.status.is_success(), "{path}: {:?}", answer.body);
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// One of everything.
async fn fill(app: &TestApp, project: ProjectId) -> BTreeMap<&'static str, String> {
    let item = json!({"id": MARK, "query": MARK, "session_id": MARK, "subject": MARK});
    assert_eq!(app.ingest(item.to_string()).await.status, 202);
    let definition = format!("/v1/outcomes/definitions/{MARK}");
    let kind = json!({"kind": "binary"});
    assert_eq!(app.call(Method::PUT, &definition, Some(kind)).await.status, 200);
    let (monitor, reports, alert) = evaluated(app, MARK).await;
    let source = json!({"kind": "next", "count": 100});
    let reference = json!({"monitor_id": monitor, "source": source, "name": MARK});
    let hook = json!({"name": MARK, "kind": "webhook", "url": "https://ours-only.example/hook"});
    let receiver = made(app, "/v1/receivers", hook).await;
    let delivery = made(app, &format!("/v1/receivers/{receiver}/test"), json!({})).await;
    let policy = json!({"name": MARK, "kind": "examples", "side": "query"});
    let when = json!({"figure": "events", "minutes": 30, "below": 1});
    let matchers = json!(["monitor=\"ours-only\""]);
    let silence = json!({"matchers": matchers, "ends_at": "2027-01-01T00:00:00Z", "comment": MARK});
    let erasure = made(app, "/v1/erasures", json!({"session_id": "another"})).await;
    app.store.run_erasure(app.now()).await.unwrap();
    let retrain = retrain(project, &alert, &receiver, app.now());
    commit(app, project, &retrain).await;
    BTreeMap::from([
        ("/v1/interactions", MARK.to_owned()),
        ("/v1/outcomes/definitions", MARK.to_owned()),
        ("/v1/references", made(app, "/v1/references", reference).await),
        ("/v1/policies", made(app, "/v1/policies", policy).await),
        ("/v1/screening/keys", made(app, "/v1/screening/keys", json!({})).await),
        ("/v1/reports", reports[4].id.to_string()),
        ("/v1/alerts", alert.id.to_string()),
        ("/v1/rules", made(app, "/v1/rules", json!({"name": MARK, "when": when})).await),
        ("/v1/silences", made(app, "/v1/silences", silence).await),
        ("/v1/deliveries", delivery),
        ("/v1/retrains", retrain.id.to_string()),
        ("/v1/erasures", erasure),
        ("/v1/keys", made(app, "/v1/keys", json!({"name": MARK, "role": "read"})).await),
        ("/v1/monitors", monitor),
        ("/v1/receivers", receiver),
    ])
}

fn retrain(
    project: ProjectId,
    alert: &seamark::model::alert::Alert,
    receiver: &str,
    now: Timestamp,
) -> Retrain {
    Retrain {
        id: RetrainId::new(now, &mut ChaCha8Rng::seed_from_u64(9)),
        project_id: project,
        receiver_id: receiver.parse().unwrap(),
        alert_id: alert.id,
        monitor_id: alert.monitor_id,
        report_id: alert.report_id,
        status: RetrainStatus::AwaitingApproval,
        detail: MARK.to_owned(),
        token: "secret".to_owned(),
        delivery_id: None,
        decided_by: None,
        run_url: None,
        model_version: None,
        reference_id: None,
        created_at: now,
        updated_at: now,
        started_at: None,
        deployed_at: None,
    }
}

async fn commit(app: &TestApp, project: ProjectId, retrain: &Retrain) {
    let (now, lease) = (app.now(), Duration::from_mins(1));
    let token = app.store.acquire_lease("dispatch", "test", now, lease).await.unwrap().unwrap();
    let commit = DispatchCommit {
        project_id: project,
        lease: LeaseProof { name: "dispatch".to_owned(), token },
        groups: BTreeMap::new(),
        settled: Vec::new(),
        deliveries: Vec::new(),
        retrains: vec![retrain.clone()],
        now,
    };
    assert!(app.store.commit_dispatch(&commit).await.unwrap());
}

//! Rules on rates: of checks, personal data and policies in texts, and of outcomes.

use std::sync::{Arc, Mutex};

use seamark::clock::{Clock as _, ManualClock, Timestamp};
use seamark::id::{PolicyId, ProjectId, RuleId};
use seamark::model::interaction::{Attributes, NewInteraction};
use seamark::model::outcome::{NewOutcome, Target, Value};
use seamark::model::policy::Policy;
use seamark::model::rule::Rule;
use seamark::model::signals::{Personal, Signals};
use seamark::screen::EntityType;
use seamark::store::{EmbeddedText, RuleEventFilter, Store};
use seamark::telemetry::Metrics;
use seamark::worker::driver::Worker as _;
use seamark::worker::figures::Figures;
use seamark::worker::rates::Maturities;
use seamark::worker::rules::RuleWorker;
use seamark::worker::{Config, Context, Wakers};
use serde_json::{Value as Json, json};

use super::sample::{DAY, MINUTE, MODEL, at, interaction, project, rng};
use super::setup::TestStore;

const FAILED: &str = "500 Internal Server Error";
const ANSWER: &str = "You can change that in the app.";

/// A store with a clock, and the rules' worker on it.
struct Bench {
    store: TestStore,
    clock: Arc<ManualClock>,
    worker: RuleWorker,
    project: ProjectId,
    fed: u32,
}

/// A channel, the response, and what is to be noted of the texts.
type Text = (&'static str, &'static str, fn(&mut Signals));

const fn nothing(_: &mut Signals) {}

impl Bench {
    async fn new(store: TestStore) -> Self {
        let clock = Arc::new(ManualClock::new(at(0)));
        let context = Context {
            store: (*store).clone(),
            clock: clock.clone(),
            rng: Arc::new(Mutex::new(rng(3))),
            metrics: Arc::new(Metrics::new("test")),
            wakers: Wakers::default(),
            config: Arc::new(Config::default()),
            holder: "test".into(),
        };
        let project = project(&store).await;
        Self { store, clock, worker: RuleWorker::new(context), project, fed: 0 }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Stores interactions that happen now, and what is seen of their texts; their ids.
    async fn feed(&mut self, count: u32, (channel, response, note): Text) -> Vec<String> {
        let now = self.now();
        let ids: Vec<String> = (self.fed..self.fed + count).map(|n| format!("i{n}")).collect();
        self.fed += count;
        let item = |id: &String| NewInteraction {
            occurred_at: now,
            query: "How can I change the number of my voucher?".to_owned(),
            response: Some(response.to_owned()),
            attributes: Attributes::from([("channel".to_owned(), channel.to_owned())]),
            ..interaction(id)
        };
        let items: Vec<NewInteraction> = ids.iter().map(item).collect();
        self.store.insert_interactions(self.project, &items, now).await.unwrap();
        let texts = self.store.claim_pending("embedder", 1000, now, MINUTE).await.unwrap();
        let embedded = |text: &seamark::store::PendingText| {
            let mut signals = Signals::of(&text.query, text.response.as_deref());
            note(&mut signals);
            EmbeddedText {
                project_id: text.project_id,
                seq: text.seq,
                token: text.token,
                query: None,
                response: None,
                hashes: None,
                signals,
                attributes: text.attributes.clone(),
                excluded: (channel == "probe").then(|| "health_check".to_owned()),
                rewrite: None,
                repaired_words: 0,
                until_embedded: false,
            }
        };
        let batch: Vec<EmbeddedText> = texts.iter().map(embedded).collect();
        let stored = self.store.complete_embeddings(&batch, MODEL).await.unwrap();
        assert_eq!(stored, count as usize);
        ids
    }

    /// A rule of that document, judged from now on.
    async fn rule(&self, document: Json) -> Rule {
        let spec: seamark::model::rule::RuleSpec = serde_json::from_value(document).unwrap();
        assert_eq!(spec.problems(), []);
        let id = RuleId::new(self.now(), &mut rng(9));
        let (created_at, updated_at) = (self.now(), self.now());
        let rule = Rule { id, project_id: self.project, spec, created_at, updated_at };
        self.store.insert_rule(&rule).await.unwrap();
        rule
    }

    /// Where the rule stands after a look: its phase and health.
    async fn look(&mut self, rule: &Rule) -> String {
        self.worker.tick().await.unwrap();
        let state = self.store.rule_states(self.project).await.unwrap().remove(&rule.id).unwrap();
        format!("{} {}", state.phase.as_str(), state.health.as_str())
    }

    /// What a comparison's figure is now, or why it has none.
    async fn figure(&self, comparison: Json) -> Result<f64, String> {
        let condition = serde_json::from_value(comparison).unwrap();
        let store: &Store = &self.store;
        let mut maturities = Maturities::default();
        let figures = Figures::new(store, self.project, self.now(), &mut maturities);
        let reading = figures.await.unwrap().read(&condition).await.unwrap().remove(0);
        reading.value.map_err(|trouble| trouble.detail)
    }
}

pub(super) async fn a_rule_on_a_rate_goes_its_whole_way(store: TestStore) {
    let mut bench = Bench::new(store).await;
    let rule = json!({
        "name": "Answers fail",
        "when": {"figure": "rate", "signal": "error_text", "side": "response", "minutes": 30,
                 "above": 0.2, "clear": 0.1, "min_count": 10},
        "for_seconds": 60,
    });
    let rule = bench.rule(rule).await;
    assert_eq!(bench.look(&rule).await, "inactive no_data");
    bench.feed(9, ("web", FAILED, nothing)).await;
    assert_eq!(bench.look(&rule).await, "inactive no_data", "nine are too few, however bad");
    bench.feed(11, ("web", ANSWER, nothing)).await;
    assert_eq!(bench.look(&rule).await, "pending ok", "9 of 20");
    bench.clock.advance(MINUTE);
    assert_eq!(bench.look(&rule).await, "firing ok");
    let alert = bench.store.open_alert_of_rule(rule.id).await.unwrap().unwrap();
    let finding = &alert.findings[0];
    assert_eq!(finding.figure, "rate of error_text in responses, 30 minutes");
    assert_eq!((finding.value, finding.bound.as_str()), (Some(0.45), "above 0.2"));
    bench.feed(40, ("web", ANSWER, nothing)).await;
    assert_eq!(bench.look(&rule).await, "firing ok", "9 of 60 is below the bound and not clear");
    bench.clock.advance(MINUTE * 29);
    assert_eq!(bench.look(&rule).await, "inactive ok", "the failed ones are half an hour old");
    bench.clock.advance(MINUTE);
    assert_eq!(bench.look(&rule).await, "inactive no_data");
    let all = RuleEventFilter { from: None, to: None, before: None, limit: 99 };
    let history = bench.store.rule_history(rule.id, &all).await.unwrap();
    let phases: Vec<&str> = history.iter().rev().map(|(_, event)| event.phase.as_str()).collect();
    assert_eq!(phases, ["inactive", "pending", "firing", "inactive", "inactive"]);
}

pub(super) async fn rates_count_what_they_say(store: TestStore) {
    let mut bench = Bench::new(store).await;
    assert_eq!(EntityType::counted().nth(EMAIL), Some("EMAIL"));
    bench.feed(10, ("web", ANSWER, discloses)).await;
    bench.feed(30, ("ussd", ANSWER, nothing)).await;
    bench.feed(25, ("probe", FAILED, discloses)).await;
    let rate = |signal: &str, side: &str, more: Json| {
        let mut comparison = json!({"figure": "rate", "signal": signal, "side": side,
            "above": 0.5, "min_count": 10});
        comparison.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        comparison
    };
    for span in [json!({"minutes": 5}), json!({"days": 1})] {
        let of = |signal: &str, side: &str| bench.figure(rate(signal, side, span.clone()));
        assert_eq!(of("disclosed/EMAIL", "response").await, Ok(0.25), "probes are left out");
        assert_eq!(of("personal/EMAIL", "response").await, Ok(0.25));
        assert_eq!(of("personal/EMAIL", "query").await, Ok(0.0));
        assert_eq!(of("foreign/EMAIL", "response").await, Ok(0.0));
        assert_eq!(of("error_text", "response").await, Ok(0.0));
        let mut here = span.clone();
        here["segment"] = json!({"channel": "web"});
        let web = bench.figure(rate("disclosed/EMAIL", "response", here.clone())).await;
        assert_eq!(web, Ok(1.0));
        here["min_count"] = json!(11);
        let few = bench.figure(rate("disclosed/EMAIL", "response", here)).await;
        assert_eq!(few, Err("fewer than 11 texts in its time".to_owned()));
    }
    bench.clock.advance(DAY);
    let of = |days: u32| rate("disclosed/EMAIL", "response", json!({"days": days}));
    assert_eq!(bench.figure(of(2)).await, Ok(0.25), "yesterday's");
    assert!(bench.figure(of(1)).await.is_err(), "nothing came today");
}

/// The place of addresses among the types that are counted.
const EMAIL: usize = 0;

fn discloses(signals: &mut Signals) {
    let bits = 1 << EMAIL;
    let found = Personal { response: bits, disclosed: bits, ..Personal::default() };
    *signals = signals.with(found);
}

fn marked(signals: &mut Signals) {
    signals.query.as_mut().unwrap().marks = Some(1);
}

fn unmarked(signals: &mut Signals) {
    signals.query.as_mut().unwrap().marks = Some(0);
}

pub(super) async fn a_policy_has_a_rate_from_its_first_text_on(store: TestStore) {
    let mut bench = Bench::new(store).await;
    let rate = |more: Json| {
        let mut comparison = json!({"figure": "rate", "signal": "policy/no advice", "side": "query",
            "above": 0.1, "min_count": 5});
        comparison.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        comparison
    };
    let (minutes, days) = (rate(json!({"minutes": 60})), rate(json!({"days": 2})));
    let nobody = Err("there is no policy called \"no advice\"".to_owned());
    assert_eq!(bench.figure(minutes.clone()).await, nobody);
    let made = async |bench: &Bench, name: &str, seed: u64| {
        let spec = json!({"name": name, "kind": "lexicon", "side": "query", "words": ["advice"]});
        let mut policy = Policy {
            id: PolicyId::new(bench.now(), &mut rng(seed)),
            project_id: bench.project,
            spec: serde_json::from_value(spec).unwrap(),
            slot: 9,
            version: 1,
            fitted: None,
            active: None,
            created_at: bench.now(),
            updated_at: bench.now(),
        };
        assert!(bench.store.insert_policy(&mut policy).await.unwrap());
        assert_eq!(policy.slot, 0);
        policy
    };
    // A policy of before had the slot, and its texts are not the new one's.
    let old = made(&bench, "old", 1).await;
    bench.feed(20, ("web", ANSWER, marked)).await;
    assert!(bench.store.delete_policy(bench.project, old.id, bench.now()).await.unwrap());
    bench.clock.advance(DAY);
    made(&bench, "no advice", 2).await;
    let few = Err("fewer than 5 texts in its time".to_owned());
    assert_eq!(
        (bench.figure(minutes.clone()).await, bench.figure(days.clone()).await),
        (few.clone(), few)
    );
    bench.feed(2, ("web", ANSWER, marked)).await;
    bench.feed(6, ("web", ANSWER, unmarked)).await;
    assert_eq!(
        (bench.figure(minutes.clone()).await, bench.figure(days).await),
        (Ok(0.25), Ok(0.25))
    );
    // What nobody judged is neither for nor against it.
    bench.feed(8, ("web", ANSWER, nothing)).await;
    assert_eq!(bench.figure(minutes).await, Ok(0.25));
}

/// That the interaction was resolved, or was not; told a minute after it.
fn resolved(id: &str, is_resolved: bool, now: Timestamp) -> NewOutcome {
    let mut key = [0; 32];
    key[..id.len()].copy_from_slice(id.as_bytes());
    NewOutcome {
        target: Target::Interaction(id.to_owned()),
        name: "resolved".to_owned(),
        value: Value::Flag(is_resolved),
        occurred_at: now,
        key,
        content_hash: [1; 32],
    }
}

pub(super) async fn a_rule_on_an_outcome_waits_until_it_had_time(store: TestStore) {
    let mut bench = Bench::new(store).await;
    let rule = json!({
        "name": "Fewer are resolved",
        "when": {"figure": "outcome", "outcome": "resolved", "minutes": 120, "below": 0.7,
                 "clear": 0.8, "min_count": 20},
    });
    let rule = bench.rule(rule).await;
    assert_eq!(bench.look(&rule).await, "inactive no_data", "nobody told of any");
    // Every outcome comes ten minutes after its interaction.
    let round = async |bench: &mut Bench, channel: &'static str, bad: usize| {
        let ids = bench.feed(40, (channel, ANSWER, nothing)).await;
        bench.clock.advance(MINUTE * 10);
        let now = bench.now();
        let told: Vec<NewOutcome> =
            ids.iter().enumerate().map(|(n, id)| resolved(id, n >= bad, now)).collect();
        bench.store.insert_outcomes(bench.project, &told, now).await.unwrap();
    };
    round(&mut bench, "web", 4).await;
    bench.clock.advance(MINUTE);
    assert_eq!(bench.look(&rule).await, "inactive ok", "36 of 40");
    round(&mut bench, "ussd", 36).await;
    let figure = |more: Json| {
        let mut comparison = rule_when();
        comparison.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        comparison
    };
    assert_eq!(bench.figure(figure(json!({}))).await, Ok(0.9), "the second are too young");
    bench.clock.advance(MINUTE);
    assert_eq!(bench.figure(figure(json!({}))).await, Ok(0.5));
    assert_eq!(bench.look(&rule).await, "firing ok");
    let of = |channel: &str| figure(json!({"segment": {"channel": channel}}));
    assert_eq!(bench.figure(of("ussd")).await, Ok(0.1));
    assert_eq!(bench.figure(of("web")).await, Ok(0.9));
    assert!(bench.figure(of("app")).await.is_err());
    for _ in 0..2 {
        round(&mut bench, "web", 0).await;
    }
    bench.clock.advance(MINUTE);
    assert_eq!(bench.look(&rule).await, "firing ok", "120 of 160 are not clear of the bound");
    bench.clock.advance(MINUTE * 100);
    assert_eq!(bench.look(&rule).await, "inactive ok", "the bad ones are out of its time");
}

fn rule_when() -> Json {
    json!({"figure": "outcome", "outcome": "resolved", "minutes": 120, "below": 0.7, "min_count": 20})
}

//! A stream of two topics, the monitor that watches it, and what a replay says of it.

use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use seamark::api::Limits;
use seamark::app::replay::{Options, Progress, replay};
use seamark::clock::{Clock, SystemClock, Timestamp};
use seamark::embed::HashingEmbedder;
use seamark::model::monitor::MonitorSpec;
use serde_json::{Value, json};

const SPACING: i64 = 3 * 60_000_000;
const DAY: i64 = 86_400_000_000;

/// Ten days ago, at midnight: over, and not yet due for retention.
static START: LazyLock<i64> = LazyLock::new(|| (SystemClock.now().as_micros() / DAY - 10) * DAY);

const AIRTIME: &[&str] = &[
    "airtime", "bundle", "data", "prepaid", "recharge", "voucher", "balance", "expired", "night",
    "weekend", "gigabyte", "transfer", "midnight", "promo", "top", "up",
];
const FIBRE: &[&str] = &[
    "fibre",
    "router",
    "trench",
    "installer",
    "wall",
    "splice",
    "junction",
    "lamp",
    "landlord",
    "technician",
    "optical",
    "cabling",
    "permit",
    "suburb",
    "duct",
    "outage",
];

/// What an interaction is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// What the reference is made of.
    Airtime,
    /// Shares no word with the other.
    Fibre,
}

impl Topic {
    const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Airtime => AIRTIME,
            Self::Fibre => FIBRE,
        }
    }
}

/// Event time of interaction `n`.
pub(crate) fn time(n: usize) -> Timestamp {
    Timestamp::from_micros(*START + SPACING * n as i64)
}

/// Interaction `n`: the same whenever it is asked for.
pub(crate) fn interaction(n: usize, topic: Topic) -> Value {
    let mut rng = ChaCha8Rng::seed_from_u64(n as u64);
    let mut words = |count: usize| -> String {
        let chosen: Vec<&str> =
            (0..count).filter_map(|_| topic.words().choose(&mut rng).copied()).collect();
        chosen.join(" ")
    };
    let query = words(6);
    let answer = words(8);
    let session = rng.random_range(0..3);
    json!({
        "id": format!("i{n}"),
        "occurred_at": time(n),
        "query": query,
        "response": format!("{} {answer}", query.split(' ').next().unwrap_or_default()),
        "session_id": format!("s{}-{session}", n / 9),
        "attributes": {"channel": "whatsapp"},
    })
}

/// Interactions of one topic after another, counted on from `first`.
pub(crate) fn interactions(first: usize, parts: &[(Topic, usize)]) -> Vec<Value> {
    let topics = parts.iter().flat_map(|(topic, count)| std::iter::repeat_n(*topic, *count));
    topics.zip(first..).map(|(topic, n)| interaction(n, topic)).collect()
}

/// The reports and transitions that a replay writes.
pub(crate) struct Replayed {
    /// Lines of `reports.jsonl`.
    pub(crate) reports: Vec<Value>,
    /// Lines of `alerts.jsonl`.
    pub(crate) alerts: Vec<Value>,
}

impl Replayed {
    /// The transitions into `state`.
    pub(crate) fn transitions(&self, state: &str) -> Vec<&Value> {
        self.alerts.iter().filter(|line| line["state"] == state).collect()
    }
}

/// Replays `stream` against `reference` under `monitor`, whose receivers are left out.
pub(crate) fn replayed(
    monitor: &Value,
    reference: &[Value],
    stream: &[Value],
    seed: u64,
) -> Replayed {
    let folder = tempfile::tempdir().unwrap();
    let mut monitor = monitor.clone();
    monitor["receivers"] = json!([]);
    let spec: MonitorSpec = serde_json::from_value(monitor).unwrap();
    let monitors = folder.path().join("monitors.toml");
    let file = std::collections::BTreeMap::from([("monitors", vec![spec])]);
    std::fs::write(&monitors, toml::to_string(&file).unwrap()).unwrap();
    let options = Options {
        reference: folder.path().join("reference.jsonl"),
        stream: folder.path().join("stream.jsonl"),
        outcomes: None,
        monitors: Some(monitors),
        // As in a project where nobody chose any.
        regions: Vec::new(),
        out: folder.path().join("out"),
        seed,
        limits: Limits::default(),
    };
    write_lines(&options.reference, reference);
    write_lines(&options.stream, stream);
    replay(&options, &HashingEmbedder::new(), &mut Silent).unwrap();
    Replayed {
        reports: read_lines(&options.out.join("reports.jsonl")),
        alerts: read_lines(&options.out.join("alerts.jsonl")),
    }
}

/// Writes JSON lines.
pub(crate) fn write_lines(path: &Path, lines: &[Value]) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    lines.iter().for_each(|line| writeln!(file, "{line}").unwrap());
    file.flush().unwrap();
}

/// Reads JSON lines.
pub(crate) fn read_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _: &str, _: u64) {}

    fn at(&mut self, _: u64) {}
}

/// That the daemon's reports say what the replay's say, number by number.
pub(crate) fn assert_same_reports(daemon: &[Value], replayed: &[Value]) {
    assert_eq!(daemon.len(), replayed.len(), "the number of reports");
    for (index, (ours, theirs)) in daemon.iter().zip(replayed).enumerate() {
        assert_eq!(ours["sequence"], json!(index + 1), "sequences have no gap");
        for field in ["sequence", "evaluated_at", "is_drift", "late_events", "segment"] {
            assert_eq!(ours[field], theirs[field], "{field} of report {}", index + 1);
        }
        let (said, wanted) = (&ours["explanation"], &theirs["explanation"]);
        assert!(is_same(said, wanted), "report {}: {said}, not {wanted}", index + 1);
        assert_same_examples(ours, theirs);
        assert_same_verdicts(ours, theirs);
    }
}

/// Equal but for the rounding of f32, which one side prints as such and the other as f64.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x
            .as_f64()
            .zip(y.as_f64())
            .is_some_and(|(x, y)| (x - y).abs() <= 1e-6 * x.abs().max(1.0)),
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| is_same(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, x)| y.get(key).is_some_and(|y| is_same(x, y)))
        }
        _ => a == b,
    }
}

fn assert_same_examples(ours: &Value, theirs: &Value) {
    let ids = |report: &Value| -> Vec<Value> {
        let examples = report["examples"].as_array().unwrap();
        examples.iter().map(|example| example["interaction_id"].clone()).collect()
    };
    assert_eq!(ids(ours), ids(theirs), "examples of report {}", ours["sequence"]);
}

fn assert_same_verdicts(ours: &Value, theirs: &Value) {
    let (ours, theirs) =
        (ours["verdicts"].as_array().unwrap(), theirs["verdicts"].as_array().unwrap());
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        for field in ["stream", "window", "detector", "status", "is_drift", "n_ref", "n_window"] {
            assert_eq!(a[field], b[field], "{field} of {a} and {b}");
        }
        for field in ["statistic", "threshold", "p_value", "effect_size"] {
            let near = match (a[field].as_f64(), b[field].as_f64()) {
                (Some(x), Some(y)) => (x - y).abs() <= 1e-12,
                (x, y) => x == y,
            };
            assert!(near, "{field} of {a} and {b}");
        }
    }
}

//! The manual shows what is really sent: the example on each receiver's page is made by its channel.

use std::path::Path;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::alert::EventKind;
use seamark::clock::Timestamp;
use seamark::id::{ProjectId, ReceiverId};
use seamark::model::alert::Alert;
use seamark::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use seamark::model::verdict::Verdict;
use seamark::notify::{Picture, Sample, body, timeline};
use serde_json::Value;

const AT: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);
const MARK: &str = "<!-- example -->\n";

/// The message about the made-up alert, as a block of the manual.
fn example(kind: ReceiverKind) -> String {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let receiver = Receiver {
        id: ReceiverId::new(AT, rng),
        project_id: ProjectId::new(AT, rng),
        name: "ops".to_owned(),
        kind,
        url: String::new(),
        secret: None,
        settings: ReceiverSettings::default(),
        target: String::new(),
        disabled: false,
        created_at: AT,
    };
    let text = body(&receiver, &Sample::new(AT).message(EventKind::Firing));
    let document: Value = serde_json::from_str(&text).unwrap();
    format!("```json\n{}\n```\n", serde_json::to_string_pretty(&document).unwrap())
}

/// A page that is not true any more is written beside the build, ready to be copied.
#[test]
fn every_receivers_page_shows_what_is_sent() {
    let mut wrong = Vec::new();
    for kind in ReceiverKind::ALL {
        let name = format!("docs/receivers/{}.md", kind.as_str());
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(&name);
        let is = std::fs::read_to_string(page).unwrap();
        let (before, _) = is.split_once(MARK).unwrap();
        let wanted = format!("{before}{MARK}{}", example(kind));
        if is != wanted {
            let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.md", kind.as_str()));
            std::fs::write(&new, wanted).unwrap();
            wrong.push(format!("cp {} {name}", new.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "pages that show something else; look at the new ones, then\n{}",
        wrong.join("\n")
    );
}

/// The timeline of the made-up alert, two hours after it fired: a night and a morning of evaluations, every
/// ten minutes but where there was no traffic.
fn picture() -> Picture {
    let sample = Sample::new(AT);
    let fired = AT.minus(Duration::from_hours(2));
    let alert = sample.message(EventKind::Firing).alert.clone();
    let alert = Alert { started_at: fired, fired_at: Some(fired), ..alert };
    let evaluation = |age: u32| {
        let noise = f64::from(age * age * 37 % 101) / 101.0;
        let drift = 0.0095 * f64::from(15_u32.saturating_sub(age)) / 15.0;
        let statistic = 0.0012 + 0.0014 * noise + drift;
        let verdict = Verdict { statistic: Some(statistic), ..alert.reasons[0].clone() };
        (AT.minus(Duration::from_mins(10) * age), vec![verdict])
    };
    let ages = (0..70).filter(|age| !(40..50).contains(age));
    timeline(&alert, &ages.map(evaluation).collect::<Vec<_>>()).unwrap()
}

/// One that is not true any more is written beside the build, ready to be looked at and copied.
#[test]
fn the_manual_shows_the_picture_that_is_sent() {
    const NAME: &str = "docs/receivers/timeline.png";
    let (wanted, words) = (picture().png, picture().alt);
    let is = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(NAME)).unwrap_or_default();
    if is != wanted {
        let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("timeline.png");
        std::fs::write(&new, wanted).unwrap();
        panic!("another picture is sent; look at the new one, then\ncp {} {NAME}", new.display());
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/receivers/slack_bot.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains(&format!("![{words}](timeline.png)")), "its words: {words}");
}

//! The manual shows what is really sent: the example on each receiver's page is made by its channel.

use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seamark::alert::EventKind;
use seamark::clock::Timestamp;
use seamark::id::{ProjectId, ReceiverId};
use seamark::model::receiver::{Receiver, ReceiverKind, ReceiverSettings};
use seamark::notify::{Sample, body};
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

//! The manual shows what is really sent: the example on each receiver's page is made by its channel.

use std::path::PathBuf;

use serde_json::Value;

use crate::alert::EventKind;
use crate::clock::Timestamp;
use crate::model::receiver::{ReceiverKind, ReceiverSettings};
use crate::notify::{Sample, channel};

const MARK: &str = "<!-- example -->\n";

fn page(kind: ReceiverKind) -> PathBuf {
    let name = format!("docs/receivers/{}.md", kind.as_str());
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The page with its example as it has to be.
fn wanted(kind: ReceiverKind) -> String {
    let sample = Sample::new(Timestamp::from_micros(1_795_000_000_000_000));
    let message = sample.message(EventKind::Firing);
    let body = channel::of(kind).body(&ReceiverSettings::default(), &message);
    let document: Value = serde_json::from_str(&body).unwrap();
    let text = std::fs::read_to_string(page(kind)).unwrap();
    let (before, _) = text.split_once(MARK).unwrap();
    let example = serde_json::to_string_pretty(&document).unwrap();
    format!("{before}{MARK}```json\n{example}\n```\n")
}

#[test]
fn every_receivers_page_shows_what_is_sent() {
    for kind in ReceiverKind::ALL {
        let is = std::fs::read_to_string(page(kind)).unwrap();
        assert_eq!(
            is,
            wanted(kind),
            "{}: write it anew with `cargo test --lib write_the_pages -- --ignored`",
            kind.as_str()
        );
    }
}

#[test]
#[ignore = "writes docs/receivers/"]
fn write_the_pages() {
    for kind in ReceiverKind::ALL {
        std::fs::write(page(kind), wanted(kind)).unwrap();
    }
}

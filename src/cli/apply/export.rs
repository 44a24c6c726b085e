//! Writes what the daemon has as a document that `apply` takes.

use super::daemon::State;
use super::document::Format;
use super::fault::label;
use super::kind::{KINDS, Variables};
use super::write::{Part, write};

/// The document, and what people should know of it.
pub(super) fn export(state: &State, format: Format) -> Result<(String, Vec<String>), String> {
    let (mut parts, mut notes) = (Vec::new(), Vec::new());
    let mut variables = Variables::default();
    for kind in KINDS.into_iter().filter(|kind| state.has(*kind)) {
        let mut items = Vec::new();
        // By name: ids made in one millisecond have no order, and the text is to be the same
        // wherever the same set-up stands.
        let mut all: Vec<_> = state.items(kind).iter().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        for now in all {
            let name = (!kind.is_single()).then_some(now.name.as_str());
            let (spec, gone) = state.names.without_strangers(&now.spec);
            let label = label(kind.key(), name);
            let gone = gone.iter().map(|id| format!("{label}: receiver {id} is gone, left out"));
            notes.extend(gone);
            items.push(kind.exported(&spec, &mut variables));
        }
        let part = match items.pop() {
            Some(only) if kind.is_single() => Part::Single(only),
            last => Part::Named(items.into_iter().chain(last).collect()),
        };
        parts.push((kind.key(), part));
    }
    let head =
        "# Written by `seamark export`. URLs and secrets are never shown: set the variables.\n";
    Ok((head.to_owned() + &write(&parts, format)?, notes))
}

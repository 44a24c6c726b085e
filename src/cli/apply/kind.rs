//! The kinds of things that a document may hold: one file each, and one table.

use serde_json::Value;

use super::fault::Fault;
use super::secret::{Reader, Source};
use super::{budget, monitors, receivers, routing, rules};
use crate::egress::Verb;

/// A table of a document, or an object of the API.
pub(super) type Fields = serde_json::Map<String, Value>;

/// Every kind, in the order in which they are applied: what others name comes first. Deletions go
/// the other way.
pub(super) static KINDS: [&'static dyn Kind; 5] =
    [&receivers::Receivers, &monitors::Monitors, &rules::Rules, &routing::Routing, &budget::Budget];

/// A kind: what its items are in a document, and what they are for the daemon.
pub(super) trait Kind: Sync {
    /// Its name at the top of a document.
    fn key(&self) -> &'static str;

    /// Where the daemon has it.
    fn path(&self) -> &'static str;

    /// Whether there is one of it, without a name, and it cannot be deleted.
    fn is_single(&self) -> bool {
        false
    }

    /// How a change is sent: as a merge patch, or as a whole.
    fn verb(&self) -> Verb {
        Verb::Patch
    }

    /// An item of a document in normal form, names in place of ids.
    fn wanted(&self, item: &Fields, read: Reader<'_>) -> Result<Wanted, Vec<Fault>>;

    /// What the daemon answered, names in place of ids, in the same form.
    fn observed(&self, answer: &Fields) -> Result<Fields, Fault>;

    /// The shortest item of a document that has this normal form.
    fn exported(&self, spec: &Fields, variables: &mut Variables) -> Fields;

    /// `wanted` with what the document leaves as it is.
    fn completed(&self, wanted: &Fields, _now: &Fields) -> Fields {
        wanted.clone()
    }

    /// Fields that the daemon replaces as a whole where others are merged.
    fn whole(&self) -> &'static [&'static str] {
        &[]
    }

    /// Why an existing item cannot become this.
    fn forbidden(&self, _now: &Observed, _wanted: &Fields) -> Option<Fault> {
        None
    }

    /// What a change does beside changing fields.
    fn remark(&self, _now: &Observed, _wanted: &Fields) -> Option<&'static str> {
        None
    }

    /// What a deletion takes with it.
    fn loss(&self) -> Option<&'static str> {
        None
    }

    /// A word about an item that is made.
    fn hint(&self, _spec: &Fields) -> Option<String> {
        None
    }

    /// The hidden fields that a change of these fields needs.
    fn reveals(&self, _patch: &Fields) -> &'static [&'static str] {
        &[]
    }

    /// The requests that make an item: the first is posted, the others change what it made.
    fn creation(&self, spec: &Fields, _hidden: &Fields) -> Result<Vec<Fields>, Vec<Fault>> {
        Ok(vec![spec.clone()])
    }

    /// The request that changes an item.
    fn update(&self, _spec: &Fields, patch: Fields, _hidden: Fields) -> Result<Fields, Vec<Fault>> {
        Ok(patch)
    }
}

/// An item of a document.
pub(super) struct Wanted {
    /// Its normal form: all that the daemon shows of it.
    pub(super) spec: Fields,
    /// What the daemon never shows, by field.
    pub(super) hidden: Vec<(&'static str, Source)>,
    /// What could not be compared.
    pub(super) notes: Vec<String>,
}

impl Wanted {
    /// An item with nothing hidden.
    pub(super) fn open(spec: Fields) -> Self {
        Self { spec, hidden: Vec::new(), notes: Vec::new() }
    }
}

/// An item of the daemon.
#[derive(Debug, Clone)]
pub(super) struct Observed {
    /// Its id; empty for a single one.
    pub(super) id: String,
    /// Its name; empty for a single one.
    pub(super) name: String,
    /// Its normal form.
    pub(super) spec: Fields,
    /// Everything that the daemon says of it.
    pub(super) answer: Fields,
}

/// Hands out the variables that an exported document names.
#[derive(Debug, Default)]
pub(super) struct Variables(Vec<String>);

impl Variables {
    /// A variable of its own for `what` of the receiver `name`.
    pub(super) fn of(&mut self, name: &str, what: &str) -> Value {
        let word: String = name
            .to_uppercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let stem = format!("SEAMARK_RECEIVER_{word}");
        let mut variable = format!("{stem}_{what}");
        let mut count = 1;
        while self.0.contains(&variable) {
            count += 1;
            variable = format!("{stem}_{count}_{what}");
        }
        self.0.push(variable.clone());
        serde_json::json!({ "env": variable })
    }
}

/// `answer` without what the daemon alone decides.
pub(super) fn own_fields(answer: &Fields, decided: &[&str]) -> Fields {
    let keep = |(key, _): &(&String, &Value)| !decided.contains(&key.as_str());
    answer.iter().filter(keep).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// What the types say of an item's content.
pub(super) fn faults<P: ToString>(problems: Vec<(P, String)>) -> Result<(), Vec<Fault>> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.into_iter().map(|(at, detail)| Fault::at(at.to_string(), detail)).collect())
}

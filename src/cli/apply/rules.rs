//! Alert rules in a document. This program has no type of them: the daemon judges their fields, and
//! only those that the document names are compared.

use serde_json::Value;

use super::diff::same;
use super::fault::Fault;
use super::kind::{Fields, Kind, Variables, Wanted, own_fields};
use super::secret::Reader;

const DECIDED: &[&str] = &["id", "project_id", "created_at", "updated_at"];

/// `[[rules]]`.
pub(super) struct Rules;

impl Kind for Rules {
    fn key(&self) -> &'static str {
        "rules"
    }

    fn path(&self) -> &'static str {
        "/v1/rules"
    }

    fn wanted(&self, item: &Fields, _: Reader<'_>) -> Result<Wanted, Vec<Fault>> {
        Ok(Wanted::open(item.clone()))
    }

    fn observed(&self, answer: &Fields) -> Result<Fields, Fault> {
        let mut spec = own_fields(answer, DECIDED);
        super::normal::drop_nulls(&mut spec);
        Ok(spec)
    }

    fn exported(&self, spec: &Fields, _: &mut Variables) -> Fields {
        spec.clone()
    }

    fn completed(&self, wanted: &Fields, now: &Fields) -> Fields {
        overlaid(now, wanted)
    }
}

/// `over` laid on `under`; what means the same stays as it was.
fn overlaid(under: &Fields, over: &Fields) -> Fields {
    let mut both = under.clone();
    for (key, value) in over {
        let value = match (under.get(key), value) {
            (Some(old), value) if same(old, value) => old.clone(),
            (Some(Value::Object(old)), Value::Object(new)) => overlaid(old, new).into(),
            (_, value) => value.clone(),
        };
        both.insert(key.clone(), value);
    }
    both
}

//! Alert rules in a document: the fields of the API, receivers by name.

use serde_json::json;

use super::fault::Fault;
use super::kind::{Fields, Kind, Variables, Wanted, faults, own_fields};
use super::normal::{normal, without_defaults};
use super::secret::Reader;
use crate::model::rule::RuleSpec;

const DECIDED: &[&str] = &["id", "project_id", "created_at", "updated_at", "state"];

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
        let (typed, spec) = normal::<RuleSpec>(item).map_err(|fault| vec![fault])?;
        faults(typed.problems())?;
        Ok(Wanted::open(spec))
    }

    fn observed(&self, answer: &Fields) -> Result<Fields, Fault> {
        normal::<RuleSpec>(&own_fields(answer, DECIDED)).map(|(_, spec)| spec)
    }

    fn exported(&self, spec: &Fields, _: &mut Variables) -> Fields {
        let kept = ["name", "when"].map(|key| (key, spec.get(key).cloned().unwrap_or_default()));
        let mut least = Fields::new();
        least.insert("name".to_owned(), json!("any"));
        least.insert("when".to_owned(), json!({}));
        let defaults = normal::<RuleSpec>(&least).map(|(_, spec)| spec).unwrap_or_default();
        let mut left = without_defaults(spec, &defaults);
        left.extend(kept.map(|(key, value)| (key.to_owned(), value)));
        left
    }

    fn whole(&self) -> &'static [&'static str] {
        &["when"]
    }

    fn loss(&self) -> Option<&'static str> {
        Some("with its history and alerts")
    }
}

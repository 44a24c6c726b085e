//! The false-alarm budget in a document.

use super::fault::Fault;
use super::kind::{Fields, Kind, Variables, Wanted, faults, own_fields};
use super::normal::normal;
use super::secret::Reader;
use crate::model::budget::Budget as Spec;

const DECIDED: &[&str] = &["expected_per_30d", "monitors"];

/// `[budget]`.
pub(super) struct Budget;

impl Kind for Budget {
    fn key(&self) -> &'static str {
        "budget"
    }

    fn path(&self) -> &'static str {
        "/v1/budget"
    }

    fn is_single(&self) -> bool {
        true
    }

    fn wanted(&self, item: &Fields, _: Reader<'_>) -> Result<Wanted, Vec<Fault>> {
        let (typed, spec) = normal::<Spec>(item).map_err(|fault| vec![fault])?;
        faults(typed.problems())?;
        Ok(Wanted::open(spec))
    }

    fn observed(&self, answer: &Fields) -> Result<Fields, Fault> {
        normal::<Spec>(&own_fields(answer, DECIDED)).map(|(_, spec)| spec)
    }

    fn exported(&self, spec: &Fields, _: &mut Variables) -> Fields {
        spec.clone()
    }
}

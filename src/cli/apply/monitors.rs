//! Monitors in a document: the fields of the API, receivers by name.

use super::fault::Fault;
use super::kind::{Fields, Kind, Observed, Variables, Wanted, faults, own_fields};
use super::normal::{normal, without_defaults};
use super::secret::Reader;
use crate::model::monitor::MonitorSpec;

const DECIDED: &[&str] = &["id", "project_id", "reference_id", "created_at", "updated_at"];

/// `[[monitors]]`.
pub(super) struct Monitors;

impl Kind for Monitors {
    fn key(&self) -> &'static str {
        "monitors"
    }

    fn path(&self) -> &'static str {
        "/v1/monitors"
    }

    fn wanted(&self, item: &Fields, _: Reader<'_>) -> Result<Wanted, Vec<Fault>> {
        let (typed, spec) = normal::<MonitorSpec>(item).map_err(|fault| vec![fault])?;
        faults(typed.problems())?;
        Ok(Wanted::open(spec))
    }

    fn observed(&self, answer: &Fields) -> Result<Fields, Fault> {
        normal::<MonitorSpec>(&own_fields(answer, DECIDED)).map(|(_, spec)| spec)
    }

    fn exported(&self, spec: &Fields, _: &mut Variables) -> Fields {
        let name = spec.get("name").cloned().unwrap_or_default();
        let mut named = Fields::new();
        named.insert("name".to_owned(), name.clone());
        let defaults = normal::<MonitorSpec>(&named).map(|(_, spec)| spec).unwrap_or_default();
        let mut left = without_defaults(spec, &defaults);
        left.insert("name".to_owned(), name);
        left
    }

    fn whole(&self) -> &'static [&'static str] {
        &["thresholds"]
    }

    fn forbidden(&self, now: &Observed, wanted: &Fields) -> Option<Fault> {
        let is_fixed = has_reference(now) && now.spec.get("segment") != wanted.get("segment");
        let detail = "is what its reference was made of; make a monitor of another name";
        is_fixed.then(|| Fault::at("/segment", detail))
    }

    fn remark(&self, now: &Observed, wanted: &Fields) -> Option<&'static str> {
        let typed = |spec: &Fields| normal::<MonitorSpec>(spec).ok().map(|(typed, _)| typed);
        let (before, after) = (typed(&now.spec)?, typed(wanted)?);
        let is_needed = has_reference(now) && after.needs_recalibration(&before);
        is_needed.then_some("its reference is calibrated anew, and its windows start empty")
    }

    fn loss(&self) -> Option<&'static str> {
        Some("with its references, reports and alerts")
    }
}

fn has_reference(now: &Observed) -> bool {
    now.answer.get("reference_id").is_some_and(|id| !id.is_null())
}

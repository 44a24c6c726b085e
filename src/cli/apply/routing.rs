//! The routing in a document: `PUT /v1/routing`, receivers by name.

use serde_json::Value;

use super::fault::Fault;
use super::kind::{Fields, Kind, Variables, Wanted, faults};
use super::normal::{normal, without_defaults};
use super::secret::Reader;
use crate::egress::Verb;
use crate::model::routing::Routing as Spec;

/// `[routing]`.
pub(super) struct Routing;

impl Kind for Routing {
    fn key(&self) -> &'static str {
        "routing"
    }

    fn path(&self) -> &'static str {
        "/v1/routing"
    }

    fn is_single(&self) -> bool {
        true
    }

    fn verb(&self) -> Verb {
        Verb::Put
    }

    fn wanted(&self, item: &Fields, _: Reader<'_>) -> Result<Wanted, Vec<Fault>> {
        let (typed, spec) = normal::<Spec>(item).map_err(|fault| vec![fault])?;
        faults(typed.problems())?;
        Ok(Wanted::open(spec))
    }

    fn observed(&self, answer: &Fields) -> Result<Fields, Fault> {
        normal::<Spec>(answer).map(|(_, spec)| spec)
    }

    fn exported(&self, spec: &Fields, _: &mut Variables) -> Fields {
        let defaults = normal::<Spec>(&Fields::new()).map(|(_, spec)| spec).unwrap_or_default();
        let mut left = without_defaults(spec, &defaults);
        if let (Some(Value::Object(route)), Some(Value::Object(defaults))) =
            (left.get_mut("route"), defaults.get("route"))
        {
            shorten(route, defaults);
        }
        left.retain(|_, value| value.as_object().is_none_or(|fields| !fields.is_empty()));
        left
    }
}

/// The tree without what every route says unless told otherwise.
fn shorten(route: &mut Fields, defaults: &Fields) {
    *route = without_defaults(route, defaults);
    if let Some(Value::Array(children)) = route.get_mut("routes") {
        for child in children.iter_mut().filter_map(Value::as_object_mut) {
            shorten(child, defaults);
        }
    }
}

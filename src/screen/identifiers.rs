//! Numbers that states give: identity, social security and tax.
//!
//! Where each rule comes from is said beside it. *Checked* rules were compared with a public
//! description or implementation of the scheme; *by memory* means the commonly quoted form, used
//! only together with a word that names the number.

mod africa;
mod overseas;

use super::context::Topic;
use super::rule::{Check, EntityLabel, Rule, rule};

pub(super) use africa::AFRICA;
pub(super) use overseas::OVERSEAS;

const ID: &[Topic] = &[Topic::Identity];
const TAX: &[Topic] = &[Topic::Tax];
const ANY: &[Topic] = &[Topic::Identity, Topic::Tax];

/// A rule with a check digit or another strong test.
const fn checked(
    subtype: &'static str,
    region: &'static str,
    pattern: &'static str,
    base: f32,
    check: Check,
    topics: &'static [Topic],
) -> Rule {
    Rule { check: Some(check), ..plain(subtype, region, pattern, base, topics) }
}

/// A rule that needs a word near it, unless its form is distinctive.
const fn plain(
    subtype: &'static str,
    region: &'static str,
    pattern: &'static str,
    base: f32,
    topics: &'static [Topic],
) -> Rule {
    let rule = rule(EntityLabel("NATIONAL_ID"), subtype, pattern, base, None, topics);
    Rule { region: Some(region), ..rule }
}

//! Texts as they are received become texts that may be stored: personal data and secrets are dealt
//! with as the project's policy says.
//!
//! Pure: ingest, uploads of references, `POST /v1/screen` and `replay` all run this code.

mod metadata;

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::model::interaction::NewInteraction;
use crate::model::screening::{Screening, StoreText};
use crate::model::signals::{Personal, PersonalValue, PersonalValues};
use crate::screen::policy::{
    Action, Applied, Decision, PseudonymKeys, Screened, Side, apply, canonical,
};
use crate::screen::{EntityType, Finding, NameFinder, Problems, Screener};

/// Screens the texts of one project.
#[derive(Debug)]
pub struct Guard {
    settings: Screening,
    screener: Screener,
    keys: Option<PseudonymKeys>,
}

/// A query and its response after screening.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The query that may be kept: empty where it was dropped, none where it was blocked or there is
    /// none.
    pub query: Option<String>,
    /// The same of the response.
    pub response: Option<String>,
    /// The stronger of both decisions.
    pub decision: Decision,
    /// What was found, without the values, and what was done.
    pub findings: Vec<(Side, Applied)>,
    /// The types that were found.
    pub personal: Personal,
    /// The values that can be told apart from everybody else's.
    pub values: PersonalValues,
}

/// What became of an interaction that may be stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guarded {
    /// Whether anything was changed.
    pub changed: bool,
    /// The values that it told.
    pub values: PersonalValues,
}

/// Why an interaction is refused: what was found, by its label, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// JSON pointer to the field.
    pub pointer: &'static str,
    /// The types that the policy blocks.
    pub labels: BTreeSet<String>,
}

impl Guard {
    /// Screens as `settings` say; `version` is theirs.
    ///
    /// # Errors
    /// Those of the recognisers' settings.
    pub fn new(
        settings: Screening,
        version: i64,
        keys: Option<PseudonymKeys>,
    ) -> Result<Self, Problems> {
        Self::with_names(settings, version, keys, None)
    }

    /// The same with a model of names, for projects that look for names.
    ///
    /// # Errors
    /// Those of the recognisers' settings.
    pub fn with_names(
        mut settings: Screening,
        version: i64,
        keys: Option<PseudonymKeys>,
        names: Option<Arc<dyn NameFinder>>,
    ) -> Result<Self, Problems> {
        settings.policy.version = u32::try_from(version).unwrap_or(u32::MAX);
        Ok(Self { screener: Screener::with_names(&settings.screen, names)?, settings, keys })
    }

    /// Whether each text takes a pass of a model, so that no thread that others wait for should do it.
    pub fn is_slow(&self) -> bool {
        self.settings.enabled && self.screener.reads_names()
    }

    /// The settings that it was built of.
    pub fn settings(&self) -> &Screening {
        &self.settings
    }

    /// Looks at a query and its response. O(characters), or passes of a model where it [is slow](Self::is_slow).
    pub fn judge(&self, query: Option<&str>, response: Option<&str>) -> Judged {
        let (asked, asked_for) = self.side(query, Side::Query);
        let (answered, told) = self.side(response, Side::Response);
        let disclosed = disclosed((query, &asked_for), (response, &told));
        let personal = Personal {
            query: bits(asked_for.iter()),
            response: bits(told.iter()),
            disclosed: bits(disclosed.iter().copied()),
            foreign: 0,
        };
        let values = PersonalValues {
            asked: values(query, asked_for.iter()),
            disclosed: values(response, disclosed.into_iter()),
        };
        let decision = |screened: &Option<Screened>| {
            screened.as_ref().map_or(Decision::Allow, |screened| screened.decision)
        };
        let decision = decision(&asked).max(decision(&answered));
        let applied = |screened: &Option<Screened>, side| {
            let applied = screened.iter().flat_map(|screened| screened.applied.clone());
            applied.map(move |applied| (side, applied)).collect::<Vec<_>>()
        };
        let mut findings = applied(&asked, Side::Query);
        findings.extend(applied(&answered, Side::Response));
        Judged {
            query: kept(asked),
            response: kept(answered),
            decision,
            findings,
            personal,
            values,
        }
    }

    /// Puts what may be stored in the place of what was received.
    ///
    /// # Errors
    /// The policy refuses the interaction.
    pub fn guard(&self, item: &mut NewInteraction) -> Result<Guarded, Blocked> {
        item.until_embedded = self.settings.store_text == StoreText::None;
        if !self.settings.enabled {
            return Ok(Guarded::default());
        }
        let judged = self.judge(Some(&item.query), item.response.as_deref());
        if judged.decision == Decision::Block {
            return Err(Blocked::of(&judged.findings));
        }
        let mut changed = judged.decision == Decision::Redact;
        item.query = judged.query.unwrap_or_default();
        item.response = judged.response;
        item.personal = judged.personal;
        for (label, value) in &mut item.attributes {
            changed |= self.guard_value(label, value, "/attributes")?;
        }
        if let Some(json) = &item.metadata
            && let Some(screened) = self.metadata(json)?
        {
            item.metadata = Some(screened);
            changed = true;
        }
        Ok(Guarded { changed, values: judged.values })
    }

    /// Screens a value that stands under a name, which counts as a word near it.
    fn guard_value(
        &self,
        name: &str,
        value: &mut String,
        pointer: &'static str,
    ) -> Result<bool, Blocked> {
        // The name may be text of any kind; it is bounded and kept as it is.
        let before = format!("{name}: ");
        let text = format!("{before}{value}");
        let mut findings = self.screener.find(&text);
        findings.retain(|finding| finding.span.end > before.len());
        // What begins in the name goes on in the value, of which no part may stay.
        for finding in &mut findings {
            finding.span.start = finding.span.start.max(before.len());
        }
        let screened =
            apply(&text, &findings, &self.settings.policy, Side::Query, self.keys.as_ref());
        match screened.decision {
            Decision::Allow | Decision::Flag => Ok(false),
            Decision::Block => Err(Blocked { pointer, labels: labels(&screened.applied) }),
            Decision::Redact => {
                *value = screened
                    .text
                    .and_then(|text| Some(text.get(before.len()..)?.to_owned()))
                    .unwrap_or_default();
                Ok(true)
            }
        }
    }

    /// One text after the policy, and what counts as personal in it: what the policy allows does not.
    fn side(&self, text: Option<&str>, side: Side) -> (Option<Screened>, Vec<Finding>) {
        let Some(text) = text else { return (None, Vec::new()) };
        let policy = &self.settings.policy;
        let mut findings =
            if self.settings.enabled { self.screener.find(text) } else { Vec::new() };
        let screened = apply(text, &findings, policy, side, self.keys.as_ref());
        findings.retain(|finding| policy.action(finding, side) != Action::Allow);
        (Some(screened), findings)
    }
}

impl Blocked {
    fn of(findings: &[(Side, Applied)]) -> Self {
        let of = |wanted: Side| {
            let side = findings.iter().filter(move |(side, _)| *side == wanted);
            labels(side.map(|(_, applied)| applied))
        };
        let query = of(Side::Query);
        if query.is_empty() {
            Self { pointer: "/response", labels: of(Side::Response) }
        } else {
            Self { pointer: "/query", labels: query }
        }
    }
}

fn labels<'a>(applied: impl IntoIterator<Item = &'a Applied>) -> BTreeSet<String> {
    let blocked = applied.into_iter().filter(|applied| applied.action == Action::Block);
    blocked.map(|applied| applied.entity.label().to_owned()).collect()
}

/// The text that may be kept; a dropped one is empty.
fn kept(screened: Option<Screened>) -> Option<String> {
    let screened = screened?;
    match screened.decision {
        Decision::Block => None,
        _ => Some(screened.text.unwrap_or_default()),
    }
}

fn bits<'a>(findings: impl Iterator<Item = &'a Finding>) -> u32 {
    findings.fold(0, |bits, finding| bits | 1 << finding.entity.place())
}

/// The values of findings, but of types that many people share: addresses, names, networks.
fn values<'a>(
    text: Option<&str>,
    findings: impl Iterator<Item = &'a Finding>,
) -> Vec<PersonalValue> {
    let Some(text) = text else { return Vec::new() };
    let is_own = |entity: &EntityType| {
        use EntityType::{Address, Custom, IpAddress, MacAddress, Person};
        !matches!(entity, Address | Person | IpAddress | MacAddress | Custom(_))
    };
    let value = |finding: &Finding| {
        let value = canonical(finding, text.get(finding.span.clone()).unwrap_or_default());
        let mut hash = Sha256::new();
        hash.update(finding.entity.label());
        hash.update([0]);
        hash.update(value);
        PersonalValue { place: finding.entity.place(), hash: hash.finalize().into() }
    };
    findings.filter(|finding| is_own(&finding.entity)).map(value).collect()
}

/// The findings of which the response holds a value that the query did not contain.
fn disclosed<'a>(
    (query, asked): (Option<&str>, &[Finding]),
    (response, told): (Option<&str>, &'a [Finding]),
) -> Vec<&'a Finding> {
    let (Some(query), Some(response)) = (query, response) else { return Vec::new() };
    if told.is_empty() {
        return Vec::new();
    }
    let value = |text: &str, finding: &Finding| {
        canonical(finding, text.get(finding.span.clone()).unwrap_or_default())
    };
    let known: BTreeSet<(EntityType, String)> =
        asked.iter().map(|finding| (finding.entity.clone(), value(query, finding))).collect();
    // A number without a word near it is no finding in the query, and was asked nevertheless.
    let plain = |text: &str| {
        text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
    };
    let everything = plain(query);
    let is_new = |finding: &&Finding| {
        let own = response.get(finding.span.clone()).unwrap_or_default();
        !known.contains(&(finding.entity.clone(), value(response, finding)))
            && !everything.contains(&plain(own))
    };
    told.iter().filter(is_new).collect()
}

#[cfg(test)]
mod tests;

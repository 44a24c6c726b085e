//! How the texts of a reference are written, and which events' texts are written otherwise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::detect::notes::Texts;
use crate::model::interaction::Event;
use crate::model::signals::{LanguageCode, TextSignals};
use crate::text::writing::Writing;

/// A language with a smaller share of the reference's texts is foreign to it.
const USUAL_SHARE: f64 = 0.01;

/// How queries and responses of a reference are written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Writings {
    /// The queries; `None` where there were too few to see it.
    query: Option<SideWriting>,
    /// The responses.
    response: Option<SideWriting>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SideWriting {
    writing: Writing,
    /// Languages that are usual.
    languages: Vec<LanguageCode>,
}

impl Writings {
    /// Learns from the events of a reference, and notes in their signals what it then thinks of them.
    /// `texts` are those of each event, as far as they are there. O(characters).
    pub fn learned(events: &mut [Event], texts: &[Texts<'_>]) -> Self {
        let rows = || events.iter().map(|event| event.signals).zip(texts);
        let queries = rows().filter_map(|(seen, texts)| Some((texts.0?, seen.query?.language)));
        let responses =
            rows().filter_map(|(seen, texts)| Some((texts.1?, seen.response?.language)));
        let learned =
            Self { query: SideWriting::of(queries), response: SideWriting::of(responses) };
        events.iter_mut().zip(texts).for_each(|(event, texts)| learned.read(event, *texts));
        learned
    }

    /// Notes in the signals of `event` whether its texts are written as the reference's are.
    pub fn read(&self, event: &mut Event, texts: Texts<'_>) {
        judge(self.query.as_ref(), event.signals.query.as_mut(), texts.0);
        judge(self.response.as_ref(), event.signals.response.as_mut(), texts.1);
    }
}

impl SideWriting {
    fn of<'t>(texts: impl Iterator<Item = (&'t str, LanguageCode)>) -> Option<Self> {
        let texts: Vec<(&str, LanguageCode)> = texts.collect();
        let writing = Writing::fit(texts.iter().map(|(text, _)| *text))?;
        let mut counts: BTreeMap<LanguageCode, usize> = BTreeMap::new();
        texts.iter().for_each(|(_, language)| *counts.entry(*language).or_default() += 1);
        let usual = |count: usize| count as f64 >= USUAL_SHARE * texts.len() as f64;
        let languages = counts.into_iter().filter(|(_, n)| usual(*n)).map(|(l, _)| l).collect();
        Some(Self { writing, languages })
    }
}

/// A text in a language that the reference hardly has is no garbled one: `language` tells of it.
fn judge(side: Option<&SideWriting>, seen: Option<&mut TextSignals>, text: Option<&str>) {
    let (Some(side), Some(seen), Some(text)) = (side, seen, text) else { return };
    let is_foreign = seen.is_sure && !side.languages.contains(&seen.language);
    seen.is_odd = side
        .writing
        .oddness(text)
        .map(|oddness| !is_foreign && side.writing.is_above_limit(oddness));
}

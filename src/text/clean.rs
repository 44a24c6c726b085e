//! Cleans texts before they are embedded, in ordered, versioned, pure steps that are each on or off.
//!
//! Encoding repair stands first because soft hyphens and control characters, which later steps
//! remove, are bytes of broken text. The steps run again until none changes the text any more, so
//! that cleaning a cleaned text changes nothing, whichever steps are on.

mod boilerplate;
mod dates;
mod edits;
mod encoding;
mod html;
mod invisible;
mod numbers;
mod offsets;
mod punctuation;
mod unicode;
mod white_space;

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use self::boilerplate::Boilerplate;
use self::edits::Edits;
use self::offsets::Offsets;

/// The version of the steps: a change that makes any text come out differently raises it.
pub const VERSION: u32 = 1;

/// Runs of single steps before a text counts as one that never settles: twelve rounds of all steps.
/// Honest text takes two or three, of which the last finds nothing.
const STEP_RUNS: usize = 12 * 9;
/// Spans that a [`Change`] names.
const SPANS: usize = 3;

/// One step of cleaning, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// UTF-8 that was read as another encoding (`cafÃ©`) becomes what it was.
    Encoding,
    /// Unicode normal form C.
    Unicode,
    /// Controls and characters that show nothing are removed.
    Invisible,
    /// Tags and entities become text.
    Html,
    /// One space or line break for each run of white space.
    WhiteSpace,
    /// Quotes and dashes become those of ASCII.
    Punctuation,
    /// Lines that many texts of the reference share are removed.
    Boilerplate,
    /// Digits of every script and grouped digits become plain ASCII digits.
    Numbers,
    /// Dates that can be read in one way only become ISO 8601.
    Dates,
}

/// Which steps run; the default is the recommended set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is one key of the configuration")]
pub struct Steps {
    /// [`Step::Encoding`].
    pub encoding: bool,
    /// [`Step::Unicode`].
    pub unicode: bool,
    /// [`Step::Invisible`].
    pub invisible: bool,
    /// [`Step::Html`].
    pub html: bool,
    /// [`Step::WhiteSpace`].
    pub white_space: bool,
    /// [`Step::Punctuation`].
    pub punctuation: bool,
    /// [`Step::Boilerplate`].
    pub boilerplate: bool,
    /// [`Step::Numbers`]; off by default.
    pub numbers: bool,
    /// [`Step::Dates`]; off by default.
    pub dates: bool,
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            encoding: true,
            unicode: true,
            invisible: true,
            html: true,
            white_space: true,
            punctuation: true,
            boilerplate: true,
            numbers: false,
            dates: false,
        }
    }
}

impl Steps {
    /// Every step.
    pub fn all() -> Self {
        Self { numbers: true, dates: true, ..Self::default() }
    }

    /// No step.
    pub const fn none() -> Self {
        Self {
            encoding: false,
            unicode: false,
            invisible: false,
            html: false,
            white_space: false,
            punctuation: false,
            boilerplate: false,
            numbers: false,
            dates: false,
        }
    }

    /// The steps that are on, in the order in which they run.
    pub fn enabled(self) -> impl Iterator<Item = Step> {
        [
            (self.encoding, Step::Encoding),
            (self.unicode, Step::Unicode),
            (self.invisible, Step::Invisible),
            (self.html, Step::Html),
            (self.white_space, Step::WhiteSpace),
            (self.punctuation, Step::Punctuation),
            (self.boilerplate, Step::Boilerplate),
            (self.numbers, Step::Numbers),
            (self.dates, Step::Dates),
        ]
        .into_iter()
        .filter_map(|(on, step)| on.then_some(step))
    }
}

/// What one step changed in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The step.
    pub step: Step,
    /// The places that it changed.
    pub count: usize,
    /// The first three of them, as byte ranges of the original text.
    pub spans: Vec<Range<usize>>,
}

/// A cleaned text and how it came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned<'a> {
    /// The cleaned text; borrowed where nothing changed.
    pub text: Cow<'a, str>,
    /// What changed, in the order of the steps; empty where nothing did.
    pub changes: Vec<Change>,
    /// Whether the steps came to rest. A text that does not, because it hides decodings inside
    /// decodings on and on, is left as it was.
    pub settled: bool,
    original: &'a str,
    offsets: Offsets,
}

impl<'a> Cleaned<'a> {
    fn untouched(text: &'a str, settled: bool) -> Self {
        Self {
            text: Cow::Borrowed(text),
            changes: Vec::new(),
            settled,
            original: text,
            offsets: Offsets::default(),
        }
    }

    /// The bytes of the original text that a byte range of the cleaned text came from: exact where
    /// the text is unchanged, else the whole of what was replaced there. A range outside the text
    /// or inside a character is first brought to the nearest boundaries around it.
    pub fn original_range(&self, range: Range<usize>) -> Range<usize> {
        let start = self.text.floor_char_boundary(range.start);
        let end = self.text.ceil_char_boundary(range.end.max(start));
        let found = self.offsets.original(start..end);
        let start = found.start.min(self.original.len());
        start..found.end.clamp(start, self.original.len())
    }

    /// Makes `edits` of `step`, unless they would leave nothing of a text that shows something.
    fn apply(&mut self, step: Step, edits: &Edits) -> bool {
        if edits.is_empty() {
            return false;
        }
        let text = edits.apply(&self.text);
        if is_blank(&text) && !is_blank(&self.text) {
            return false;
        }
        self.record(step, edits);
        self.offsets = self.offsets.then(edits);
        self.text = Cow::Owned(text);
        true
    }

    fn record(&mut self, step: Step, edits: &Edits) {
        let index = self.changes.partition_point(|change| change.step < step);
        if self.changes.get(index).is_none_or(|change| change.step != step) {
            self.changes.insert(index, Change { step, count: 0, spans: Vec::new() });
        }
        if let Some(change) = self.changes.get_mut(index) {
            change.count += edits.len();
            let free = SPANS - change.spans.len();
            let first = edits.ranges().take(free).map(|(range, _)| self.offsets.original(range));
            change.spans.extend(first);
        }
    }
}

/// Whether nothing of `text` would be seen.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || invisible::shows_nothing(c))
}

/// Cleans texts with a fixed choice of steps. The same text always comes out the same.
#[derive(Debug, Clone)]
pub struct Cleaner {
    steps: Vec<Step>,
    boilerplate: Boilerplate,
}

impl Cleaner {
    /// A cleaner of these steps; `boilerplate` is what [`Step::Boilerplate`] removes.
    pub fn new(steps: Steps, boilerplate: Boilerplate) -> Self {
        Self { steps: steps.enabled().collect(), boilerplate }
    }

    /// The cleaned text. Idempotent; never blank for a text that shows something, and never longer
    /// than three times the text. Takes time linear in the text's length.
    pub fn clean<'a>(&self, text: &'a str) -> Cleaned<'a> {
        let mut cleaned = Cleaned::untouched(text, true);
        let mut index = 0;
        let mut idle = 0;
        for _ in 0..STEP_RUNS {
            let Some(&step) = self.steps.get(index) else { break };
            if idle == self.steps.len() {
                return if cleaned.text == text { Cleaned::untouched(text, true) } else { cleaned };
            }
            let changed = cleaned.apply(step, &self.edits(step, &cleaned.text));
            idle = if changed { 0 } else { idle + 1 };
            index = match step {
                // Another layer of mojibake may lie beneath.
                Step::Encoding if changed => index,
                // What entities hid is decoded before a later step folds it.
                Step::Html if changed => 0,
                _ => (index + 1) % self.steps.len(),
            };
        }
        Cleaned::untouched(text, self.steps.is_empty())
    }

    fn edits(&self, step: Step, text: &str) -> Edits {
        match step {
            Step::Encoding => encoding::edits(text),
            Step::Unicode => unicode::edits(text),
            Step::Invisible => invisible::edits(text),
            Step::Html => html::edits(text),
            Step::WhiteSpace => white_space::edits(text),
            Step::Punctuation => punctuation::edits(text),
            Step::Boilerplate => self.boilerplate.edits(text),
            Step::Numbers => numbers::edits(text),
            Step::Dates => dates::edits(text),
        }
    }
}

#[cfg(test)]
mod tests;

//! What was seen of an interaction's texts, beside what they mean.

use serde::{Deserialize, Serialize};

use crate::policy::{MAX_POLICIES, PolicySet};
use crate::screen::EntityType;
use crate::screen::policy::Side;
use crate::text::language::{self, Languages};
use crate::text::signals::{self, Flag, Flags};

/// What was seen of a query and of its response.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Signals {
    /// Of the query; `None` where it was not looked at.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub query: Option<TextSignals>,
    /// Of the response; `None` where there is none.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub response: Option<TextSignals>,
}

/// What was seen of one text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TextSignals {
    /// The checks that found something.
    #[serde(rename = "f")]
    pub flags: Flags,
    /// Length in characters.
    #[serde(rename = "c")]
    pub characters: u32,
    /// The language that it is in, as a best guess.
    #[serde(rename = "l")]
    pub language: LanguageCode,
    /// Whether that is more than a guess.
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_sure: bool,
    /// Whether it is written as hardly one of the reference's texts is; `None` where no reference was
    /// asked, or the text is too short to say.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub is_odd: Option<bool>,
    /// The types of personal data that were found in it when it was received: a bit for each of
    /// [`EntityType::counted`].
    #[serde(rename = "p", default, skip_serializing_if = "is_zero")]
    pub personal: u32,
    /// Those of which a response holds a value that its query did not contain.
    #[serde(rename = "d", default, skip_serializing_if = "is_zero")]
    pub disclosed: u32,
    /// Those of which a response holds a value that a user told in another conversation.
    #[serde(rename = "x", default, skip_serializing_if = "is_zero")]
    pub foreign: u32,
    /// A bit for each policy of the project that the text is against, by slot; `None` where none was
    /// asked.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub marks: Option<u32>,
}

/// The types of personal data that screening found in an interaction, as bits of
/// [`EntityType::counted`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Personal {
    /// In the query.
    #[serde(rename = "q", skip_serializing_if = "is_zero")]
    pub query: u32,
    /// In the response.
    #[serde(rename = "r", skip_serializing_if = "is_zero")]
    pub response: u32,
    /// In the response, with a value that the query did not contain.
    #[serde(rename = "d", skip_serializing_if = "is_zero")]
    pub disclosed: u32,
    /// In the response, with a value that a user told in another conversation.
    #[serde(rename = "x", skip_serializing_if = "is_zero")]
    pub foreign: u32,
}

/// A value of personal data, as a hash: never stored or shown as it is here, for a plain hash of a
/// telephone number tells it to whoever tries them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonalValue {
    /// Its type's place among [`EntityType::counted`].
    pub place: usize,
    /// SHA-256 of the type and of the value in the one form that all its spellings share.
    pub hash: [u8; 32],
}

/// The values that an interaction told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonalValues {
    /// Those in the query.
    pub asked: Vec<PersonalValue>,
    /// Those in the response that the query did not contain.
    pub disclosed: Vec<PersonalValue>,
}

impl Personal {
    /// Whether nothing was found.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(bits: &u32) -> bool {
    *bits == 0
}

impl Signals {
    /// Looks at a query and its response. O(characters).
    pub fn of(query: &str, response: Option<&str>) -> Self {
        let asked = language::read(query);
        let answered = response.map(|text| {
            let answered = language::read(text);
            let mut seen = TextSignals::of(text, &answered, Some(query));
            let (asked, answered) = (asked.whole, answered.whole);
            let are_sure = asked.is_confident() && answered.is_confident();
            if are_sure && asked.code != answered.code {
                seen.flags.insert(Flag::OtherLanguage);
            }
            seen
        });
        Self { query: Some(TextSignals::of(query, &asked, None)), response: answered }
    }

    /// With what screening found before the texts became what they are now.
    #[must_use]
    pub fn with(mut self, found: Personal) -> Self {
        if let Some(query) = &mut self.query {
            query.personal = found.query;
        }
        if let Some(response) = &mut self.response {
            response.personal = found.response;
            response.disclosed = found.disclosed;
            response.foreign = found.foreign;
        }
        self
    }
}

impl Signals {
    /// Notes which policies the texts are against; what a policy looks at may be missing.
    pub fn mark(
        &mut self,
        policies: &PolicySet,
        texts: (Option<&str>, Option<&str>),
        vectors: (Option<&[f32]>, Option<&[f32]>),
    ) {
        if let Some(seen) = &mut self.query {
            seen.marks = policies.marks(Side::Query, texts.0, vectors.0, seen.marks);
        }
        if let Some(seen) = &mut self.response {
            seen.marks = policies.marks(Side::Response, texts.1, vectors.1, seen.marks);
        }
    }
}

impl TextSignals {
    /// Looks at a text, which answers `query` where there is one.
    fn of(text: &str, languages: &Languages, query: Option<&str>) -> Self {
        let language = languages.whole;
        let is_sure = language.is_confident();
        let language = LanguageCode::named(language.code);
        let known = language.is_known().then(|| language.as_str());
        let seen = match query {
            Some(query) => signals::of_pair(query, text, known),
            None => signals::of(text, known),
        };
        let (mut flags, characters) = (seen.flags, seen.chars);
        if languages.switched > 0.0 {
            flags.insert(Flag::CodeSwitching);
        }
        Self {
            flags,
            characters,
            language,
            is_sure,
            is_odd: None,
            personal: 0,
            disclosed: 0,
            foreign: 0,
            marks: None,
        }
    }

    /// The language to tell people: `und` for a mere guess.
    pub fn told_language(&self) -> &'static str {
        if self.is_sure { self.language.as_str() } else { language::UNDETERMINED }
    }

    /// What the text counts as: a text, each check that found something, each type of personal data as
    /// `personal/EMAIL`, each that a response tells unasked as `disclosed/EMAIL`, each that is another
    /// conversation's as `foreign/EMAIL`, each policy that it is against as `policy/3`, its slot, and its
    /// length as `length/64`, the power of two that it does not exceed.
    pub fn counted(&self) -> Vec<String> {
        let flags = self.flags.iter().map(|flag| flag.as_str().to_owned());
        let length = format!("length/{}", self.characters.max(1).next_power_of_two());
        let types = |kind: &'static str, bits: u32| {
            let types = EntityType::counted().enumerate();
            let found = types.filter(move |(place, _)| bits >> place & 1 == 1);
            found.map(move |(_, label)| format!("{kind}/{label}"))
        };
        let personal = types("personal", self.personal)
            .chain(types("disclosed", self.disclosed))
            .chain(types("foreign", self.foreign));
        let policies = self.slots().map(|slot| format!("policy/{slot}"));
        let found = flags.chain(personal).chain(policies);
        std::iter::once(String::new()).chain(found).chain([length]).collect()
    }

    /// The slots of the policies that it is against.
    pub fn slots(&self) -> impl Iterator<Item = usize> + use<> {
        let marks = self.marks.unwrap_or(0);
        (0..MAX_POLICIES).filter(move |slot| marks >> slot & 1 == 1)
    }
}

/// A language by its ISO 639 code; `und` where it could not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "&'static str")]
pub struct LanguageCode(u8);

impl LanguageCode {
    /// Languages that there are, `und` among them.
    pub const COUNT: usize = language::CODES.len();

    /// The language of that code; `und` for one that is not known.
    pub fn named(code: &str) -> Self {
        let place = |wanted: &str| language::CODES.iter().position(|known| *known == wanted);
        Self(place(code).or_else(|| place("und")).unwrap_or(0) as u8)
    }

    /// Its code.
    pub fn as_str(self) -> &'static str {
        language::CODES.get(self.index()).copied().unwrap_or("und")
    }

    /// Its place among the languages that are told apart.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether it is a language rather than `und`.
    pub fn is_known(self) -> bool {
        self.as_str() != "und"
    }
}

impl From<String> for LanguageCode {
    fn from(code: String) -> Self {
        Self::named(&code)
    }
}

impl From<LanguageCode> for &'static str {
    fn from(code: LanguageCode) -> Self {
        code.as_str()
    }
}

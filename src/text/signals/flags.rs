//! The checks by name, and a set of them as bits.

use serde::{Deserialize, Serialize};

/// One check. The order is that of the bits of [`Flags`] and never changes; new ones are added at
/// the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Flag {
    /// Nothing to read: white space and invisible characters only.
    Blank,
    /// A stand-in for a text: "N/A", "asdf", "null", "lorem ipsum", lone punctuation.
    Placeholder,
    /// The text stops before its end.
    Truncated,
    /// A slot of a template was not filled: `{{name}}`, `[ORDER_ID]`, `%s`, "is undefined".
    TemplateSlot,
    /// Characters that a wrong decoding leaves: U+FFFD, controls, "Ã©" for "é".
    Encoding,
    /// Characters that show nothing and do not belong: tags, overrides, zero width inside words.
    Invisible,
    /// A word that mixes Latin letters with Cyrillic or Greek ones that look the same.
    MixedScript,
    /// HTML tags or character references.
    Markup,
    /// Words with digits or symbols inside, as character recognition makes: "he1lo", "c|ock".
    DigitsInWords,
    /// A loop of words or characters, or keys hit at random.
    Repetition,
    /// Capital letters throughout. A style, not a fault.
    Shouting,
    /// The message of a failed program in place of a text.
    ErrorText,
    /// An assistant that declines.
    Refusal,
    /// A response that repeats the query.
    Echo,
    /// Search words without the small words of a sentence. A style, not a fault.
    Keywords,
    /// A response in another language than its query. Whoever identified both says so.
    OtherLanguage,
    /// The record of a query lacks what the project expects of each. Whoever has the record says so.
    Incomplete,
    /// A stretch of the text is in another language than the rest. A style, not a fault. Whoever
    /// identified both says so.
    CodeSwitching,
}

impl Flag {
    /// Every check, in the order of their bits.
    pub const ALL: [Self; 18] = [
        Self::Blank,
        Self::Placeholder,
        Self::Truncated,
        Self::TemplateSlot,
        Self::Encoding,
        Self::Invisible,
        Self::MixedScript,
        Self::Markup,
        Self::DigitsInWords,
        Self::Repetition,
        Self::Shouting,
        Self::ErrorText,
        Self::Refusal,
        Self::Echo,
        Self::Keywords,
        Self::OtherLanguage,
        Self::Incomplete,
        Self::CodeSwitching,
    ];

    /// The name, in snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Placeholder => "placeholder",
            Self::Truncated => "truncated",
            Self::TemplateSlot => "template_slot",
            Self::Encoding => "encoding",
            Self::Invisible => "invisible",
            Self::MixedScript => "mixed_script",
            Self::Markup => "markup",
            Self::DigitsInWords => "digits_in_words",
            Self::Repetition => "repetition",
            Self::Shouting => "shouting",
            Self::ErrorText => "error_text",
            Self::Refusal => "refusal",
            Self::Echo => "echo",
            Self::Keywords => "keywords",
            Self::OtherLanguage => "other_language",
            Self::Incomplete => "incomplete",
            Self::CodeSwitching => "code_switching",
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// A set of checks that a text failed; as data, its bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flags(u32);

impl Flags {
    /// Adds `flag`.
    pub const fn insert(&mut self, flag: Flag) {
        self.0 |= flag.bit();
    }

    /// Whether `flag` is in the set.
    pub const fn contains(self, flag: Flag) -> bool {
        self.0 & flag.bit() != 0
    }

    /// Whether no check failed.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set as bits: `1 << n` for the n-th of [`Flag::ALL`].
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The checks in the set, in the order of [`Flag::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |&flag| self.contains(flag))
    }
}

impl FromIterator<Flag> for Flags {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Self {
        let mut set = Self::default();
        flags.into_iter().for_each(|flag| set.insert(flag));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_never_change() {
        let bits: Vec<u32> = Flag::ALL.into_iter().map(Flag::bit).collect();
        assert_eq!(bits, (0..18).map(|n| 1 << n).collect::<Vec<u32>>());
    }

    #[test]
    fn a_set_is_read_back() {
        let set: Flags = [Flag::Echo, Flag::Blank].into_iter().collect();
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(json, "8193");
        assert_eq!(serde_json::from_str::<Flags>(&json).unwrap(), set);
        assert_eq!(set.iter().map(Flag::as_str).collect::<Vec<_>>(), ["blank", "echo"]);
        assert!(!set.contains(Flag::Refusal) && !set.is_empty() && Flags::default().is_empty());
    }
}

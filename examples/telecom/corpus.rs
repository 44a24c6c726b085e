//! What customers of an invented operator ask and what its assistant answers: templates with
//! `{slots}`, by topic, and the values that the slots take.

pub(crate) mod places;
pub(crate) mod slots;
pub(crate) mod social;

mod airtime;
mod billing;
mod fibre;
mod launch;
mod money;
mod network;
mod prepaid;
mod sim;

/// The languages of the customers. English is every customer's second language at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// South African English.
    English,
    /// isiZulu.
    Zulu,
    /// Afrikaans.
    Afrikaans,
    /// Sesotho.
    Sesotho,
}

/// One thing that customers want, in many wordings, and what the assistant says to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Intent {
    /// How often it comes, relative to the other intents of its topic.
    pub(crate) weight: u32,
    /// Wordings in English, as typed.
    pub(crate) english: &'static [&'static str],
    /// Wordings in isiZulu, mixed with English words as people do.
    pub(crate) zulu: &'static [&'static str],
    /// Wordings in Afrikaans.
    pub(crate) afrikaans: &'static [&'static str],
    /// Wordings in Sesotho.
    pub(crate) sesotho: &'static [&'static str],
    /// The assistant's answers; any fits any wording.
    pub(crate) responses: &'static [&'static str],
}

impl Intent {
    /// The wordings in a language.
    pub(crate) const fn queries(&self, language: Language) -> &'static [&'static str] {
        match language {
            Language::English => self.english,
            Language::Zulu => self.zulu,
            Language::Afrikaans => self.afrikaans,
            Language::Sesotho => self.sesotho,
        }
    }
}

/// Intents that a customer goes through in one conversation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Topic {
    /// How often it comes, relative to the other topics.
    pub(crate) weight: u32,
    /// What a conversation may open with.
    pub(crate) intents: &'static [Intent],
    /// What is said only once the topic is on the table.
    pub(crate) follow_up: Intent,
}

/// What the assistant was built for.
pub(crate) const TOPICS: &[Topic] = &[
    prepaid::TOPIC,
    airtime::TOPIC,
    network::TOPIC,
    sim::TOPIC,
    fibre::TOPIC,
    billing::TOPIC,
    money::TOPIC,
];

/// The product that it has never heard of.
pub(crate) const LAUNCH: Topic = launch::TOPIC;

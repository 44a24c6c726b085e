//! Personal data and secrets in texts: recognised, explained, and redacted by policy.
//!
//! Pure: a text and settings go in, findings come out, the same on every machine. Every pattern of ours
//! runs in time linear in the text; one by configuration can be quadratic (`b.*z|b` on many b).
//!
//! # What is promised
//!
//! Each recogniser is a pattern, where there is one a check (check digit, calendar, numbering
//! plan), and words near the value that speak for or against it. The score is the form's base, plus
//! 0.35 where a word of its own topic is nearest, less 0.25 where the nearest word names something
//! else, less 0.35 where it names a number that is nobody's (an order, a version). Findings score at
//! least `minimum_score`. Scores order findings; they are not probabilities.
//!
//! - **Regions are the project's.** Telephone numbers in national form and identifiers of a state
//!   are looked for in the regions that the settings name and nowhere else; a number with `+` counts
//!   everywhere.
//! - **Strong forms stand alone**: e-mail, cards, IBAN, telephone, IP, known token shapes, and
//!   identifiers with a date or strong check digits (South Africa, Egypt, Ghana, France, Mauritius).
//! - **Weak forms need a word**: bank accounts, passports, plates, dates of birth, mobile-money
//!   receipts, and identifiers that are digits only (Kenya, Nigeria, Morocco, Senegal and others).
//!   Without such a word in one of the eleven languages they are not found.
//! - **Digits of all scripts**, full-width forms, odd blanks and invisible characters are read as the
//!   plain ones; spans are those of the text as it came.
//!
//! # What is not
//!
//! - **Names of persons** are not claimed. With `names` on, a name is found where a phrase
//!   introduces it ("my name is", "je m'appelle", "jina langu ni"), and, where a model is plugged in
//!   ([`NameFinder`]), what that model takes for one: how good it is nobody here has measured.
//! - **Addresses** are found in their usual written forms only: number, name and a word for a
//!   street, or a box number. Descriptions and addresses in small letters are not.
//! - A number without a word near it, a value split over two texts, encoded or in an image, is not
//!   found. Nor is anything that a determined person hides.
//! - A check digit shows that a number is well formed, not that it was ever issued.
//!
//! A text that is screened again keeps its placeholders; a number that was left in it may be judged
//! anew, since the words near it have moved.

mod address;
mod checksum;
mod context;
mod email;
mod entity;
mod finance;
mod fold;
mod identifiers;
mod names;
mod network;
mod overlap;
mod papers;
mod person;
mod phone;
mod placeholder;
pub mod policy;
mod rule;
mod screener;
mod secret;
mod settings;

/// Version of the recognisers, for the audit: it grows when a text may be judged otherwise.
pub const VERSION: u32 = 1;

pub use entity::EntityType;
pub use names::{NameFinder, Named};
pub use screener::{Explained, Finding, Outcome, Recogniser, Screener};
pub use settings::{CustomRecogniser, Problem, Problems, Settings, is_label};

#[cfg(test)]
mod tests;

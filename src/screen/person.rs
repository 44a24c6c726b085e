//! Names of persons, only where the text introduces one.
//!
//! "My name is …", "je m'appelle …", "jina langu ni …" and titles are followed by a name often
//! enough; a name anywhere else is not found. No list of names is kept: the names of these
//! countries are words too, and a list would claim more than it finds.

use super::rule::{self, EntityLabel, Rule};

macro_rules! name {
    () => {
        "[A-ZÀ-Þ][A-Za-zÀ-ɏ'’-]+(?: (?:(?:van|der|den|de|da|dos|du|el|bin|ben|ibn|von|le|la) ){0,2}[A-ZÀ-Þ][A-Za-zÀ-ɏ'’-]+){0,3}"
    };
}

/// Introductions in several languages.
pub(super) const PERSONS: &[Rule] = &[
    rule(concat!(
        r"(?-u:\b)(?i:my name is|i am called|je m['’]appelle|mon nom est|my naam is|ek is|jina langu ni|ninaitwa|naitwa|chamo-me|me chamo|o meu nome é|meu nome é|igama lami ngu|sunana|orúkọ mi ni|aha m bụ|the holder is|account holder:?|account name:?|le titulaire est|o titular é|le client|la cliente|the customer|colleague|the account of|dear|cher|chère|caro|cara|beste) (",
        name!(),
        ")"
    )),
    rule(concat!(
        r"(?-u:\b)(?:Mr|Mrs|Ms|Miss|Dr|Prof|Mme|Mlle|M|Sr|Sra|Mnr|Mev|Mwl|Bw|Bi|Alhaji|Chief|Eng)\.? (",
        name!(),
        ")"
    )),
    rule(concat!(r"(?-u:\b)(?:Hi|Hello|Hey), (", name!(), ") here(?-u:\\b)")),
    rule(
        "(?:اسمي|إسمي|اسمي هو|السيد|السيدة|የእኔ ስም|ስሜ) ([ء-ي]{2,}(?: [ء-ي]{2,}){0,2}|[A-Z][A-Za-z'’-]+(?: [A-Z][A-Za-z'’-]+){0,3})",
    ),
];

const fn rule(pattern: &'static str) -> Rule {
    rule::rule(EntityLabel("PERSON"), "", pattern, 0.55, None, &[])
}

//! Street addresses and boxes in their usual written forms.
//!
//! A number, a name and a word for a street, with what follows up to the town or postal code; a
//! box number. Free descriptions ("behind the market, the blue gate"), plot numbers without a
//! street and addresses without capitals are not found.

use super::context::Topic;
use super::rule::{self, EntityLabel, Rule};

/// A word with a capital. Latin letters only: the classes of all letters are a hundred times larger.
macro_rules! name {
    () => {
        "[A-ZÀ-Þ][A-Za-zÀ-ɏ'’-]*"
    };
}
/// As in a street's name, where "St." and initials occur.
macro_rules! dotted {
    () => {
        "[A-ZÀ-Þ][A-Za-zÀ-ɏ'’.-]*"
    };
}
/// A town: up to three words. They end in a small letter or are all capitals, so that the letters of
/// a British postal code are none.
macro_rules! town {
    () => {
        concat!(place!(), "(?: (?:", place!(), r"|[0-9]{1,2}(?-u:\b))){0,2}")
    };
}
macro_rules! place {
    () => {
        "(?:[A-ZÀ-Þ][A-Za-zÀ-ɏ'’-]*[a-zß-ɏ]|[A-ZÀ-Þ]{4,})"
    };
}
macro_rules! towns {
    () => {
        concat!(
            r"(?: (?:North|South|East|West|[NS][EW]?|[EW])(?-u:\b))?(?:\.?,? ?(?:(?i:suite|unit|apt\.?|flat|floor) |# ?)[0-9]{1,5}[A-Za-z]?)?(?:\.?, ?",
            town!(),
            "){0,3}"
        )
    };
}
macro_rules! english_street {
    () => {
        "(?:Street|St|Road|Rd|Avenue|Ave|Lane|Crescent|Cres|Boulevard|Blvd|Highway|Straat|Rylaan|Laan)(?-u:\\b)"
    };
}
/// Words that end names of streets and much else.
macro_rules! perhaps_street {
    () => {
        "(?:Drive|Dr|Ln|Close|Way|Place|Square|Terrace|Court|Mews|Gardens|Estate|Parade|Weg|Singel)(?-u:\\b)"
    };
}
/// A house number and the name of a street.
macro_rules! numbered {
    () => {
        concat!(
            r"(?-u:\b)(?:",
            unit!(),
            r",? )?(?:(?i:no\.? ?))?[0-9]{1,5}[A-Za-z]?,? (?:",
            dotted!(),
            " ){1,4}"
        )
    };
}
macro_rules! unit {
    () => {
        r"(?i:unit|flat|apartment|apt\.?|suite|house|plot|block|stand|erf|shop|room|no\.?|nr\.?|number) ?[0-9]{1,5}[A-Za-z]?"
    };
}
/// South African, American or British postal code.
macro_rules! code {
    () => {
        r"(?:,? ?(?:[A-Z]{2} )?(?:[0-9]{4,6}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2})(?-u:\b))?"
    };
}

/// Addresses of all regions.
pub(super) const ADDRESSES: &[Rule] = &[
    // "Unit 4, 12 Long Street, Cape Town, 8001".
    rule("STREET", concat!(numbered!(), english_street!(), towns!(), code!())),
    // "No. 5 Ahmadu Bello Way, Kaduna"; "3 Great Place" only where the text speaks of an address.
    rule("STREET", concat!(numbered!(), perhaps_street!(), r"\.?, ?", town!(), towns!(), code!())),
    Rule { base: 0.3, ..rule("STREET", concat!(numbered!(), perhaps_street!())) },
    // "House 5, Moi Avenue, Mombasa".
    rule(
        "STREET",
        concat!(
            r"(?-u:\b)",
            unit!(),
            ",? (?:",
            dotted!(),
            " ){1,4}",
            english_street!(),
            towns!(),
            code!()
        ),
    ),
    // "Langstraat 12, Paarl".
    rule(
        "STREET",
        concat!(
            r"(?-u:\b)(?:[A-Z][a-zÀ-ɏ]+(?:straat|weg|laan|rylaan)|(?:",
            name!(),
            " ){1,3}(?:Straat|Weg|Laan|Rylaan)) [0-9]{1,5}[A-Za-z]?",
            towns!(),
            code!()
        ),
    ),
    // "162, rue Mohammed V, Casablanca 20250"; "97 rue de la République, 69002 Lyon".
    rule(
        "STREET",
        concat!(
            r"(?-u:\b)(?:(?i:appt?\.?|appartement|imm\.?|immeuble|villa|lot|résidence) ?[A-Za-z0-9]+,? )?[0-9]{1,4}(?: ?(?:bis|ter|quater))?,? ",
            r"(?i:rue|avenue|av\.?|boulevard|bd\.?|bld|place|allée|impasse|chemin|quai|route|cours|passage|lotissement|résidence|cité|quartier|hay|derb)",
            r"(?: (?:(?:de|du|des|la|le|les|el|al|ibn|et) |[dl]['’]){0,3}(?:",
            name!(),
            "|[0-9]{1,4})){1,5}(?:,? [0-9]{5} ",
            town!(),
            ")?(?:, ",
            town!(),
            r"(?: [0-9]{4,5}(?-u:\b))?| [0-9]{5}(?-u:\b))?"
        ),
    ),
    // "Rua das Flores, n.º 12, 1200-195 Lisboa"; "Avenida 24 de Julho 345, Maputo".
    rule(
        "STREET",
        concat!(
            r"(?-u:\b)(?:Rua|Avenida|Av\.|Travessa|Praça|Largo|Estrada|Alameda|Beco)(?: (?:d[aeo]s? |e )?(?:",
            name!(),
            r"|[0-9]{1,2}(?-u:\b))){1,6},? ?(?:n\.?[ºo°]\.? ?)?[0-9]{1,5}(?-u:\b)(?:,? ?[0-9]{1,2}\.?[ºª°])?(?:,? [0-9]{4}-[0-9]{3}(?: ",
            town!(),
            ")?)?",
            towns!()
        ),
    ),
    // "12 شارع الحسن الثاني، الرباط".
    rule("STREET", "[0-9]{1,5}،? ?(?:شارع|زنقة|نهج|درب)(?: [ء-ي]+){1,3}(?:، ?[ء-ي]+(?: [ء-ي]+)?)?"),
    rule(
        "STREET",
        "(?:شارع|زنقة|نهج|درب)(?: [ء-ي]+){1,3}،? (?:رقم )?[0-9]{1,5}(?:، ?[ء-ي]+(?: [ء-ي]+)?)?",
    ),
    // "P.O. Box 40264-00100, Nairobi"; "B.P. 1234 Dakar"; "S.L.P. 78, Dar es Salaam".
    rule(
        "BOX",
        concat!(
            r"(?-u:\b)(?:(?i:P\.? ?O\.? ?Box|post office box|private bag|postbus|posbus|privaatsak|caixa postal|apartado|S\.? ?L\.? ?P\.?|boîte postale)|B\.? ?P\.?|C\.P\.|P\.M\.B\.?|PMB) ?(?:n° ?|[A-Z]{1,2} ?)?[0-9]{1,7}(?:[ -]{1,3}[0-9]{5}(?-u:\b))?(?:,? (?:[0-9]{4,5} )?",
            name!(),
            r"(?: (?:es |of )?",
            name!(),
            r"){0,2})?(?:,? [0-9]{4,5}(?-u:\b))?"
        ),
    ),
];

const ADDRESS: &[Topic] = &[Topic::Address];

const fn rule(subtype: &'static str, pattern: &'static str) -> Rule {
    rule::rule(EntityLabel("ADDRESS"), subtype, pattern, 0.6, None, ADDRESS)
}

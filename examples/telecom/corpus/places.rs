//! Where customers write from, through what, and how they open and close a message there.

use super::Language::{self, Afrikaans, English, Sesotho, Zulu};

/// A province, its share of the customers and the languages heard in it.
#[derive(Debug)]
pub(crate) struct Province {
    /// Its English name.
    pub(crate) name: &'static str,
    /// Its share of the customers, relative to the others.
    pub(crate) weight: u32,
    /// Towns and suburbs that customers name.
    pub(crate) places: &'static [&'static str],
    /// A customer's language is one of these, each as likely.
    pub(crate) languages: &'static [Language],
}

/// The nine provinces.
pub(crate) const PROVINCES: &[Province] = &[
    Province {
        name: "Gauteng",
        weight: 34,
        places: &["Joburg", "Soweto", "Pretoria", "Midrand", "Benoni", "Tembisa", "Centurion"],
        languages: &[English, English, English, Zulu, Sesotho, Afrikaans],
    },
    Province {
        name: "KwaZulu-Natal",
        weight: 20,
        places: &["Durban", "Umlazi", "Pietermaritzburg", "Richards Bay", "Newcastle", "Ballito"],
        languages: &[English, English, Zulu, Zulu],
    },
    Province {
        name: "Western Cape",
        weight: 16,
        places: &["Cape Town", "Khayelitsha", "Stellenbosch", "George", "Paarl", "Worcester"],
        languages: &[English, English, English, Afrikaans, Afrikaans],
    },
    Province {
        name: "Eastern Cape",
        weight: 9,
        places: &["Gqeberha", "East London", "Mthatha", "Makhanda"],
        languages: &[English, English, English, Afrikaans],
    },
    Province {
        name: "Free State",
        weight: 6,
        places: &["Bloemfontein", "Welkom", "Bethlehem", "QwaQwa"],
        languages: &[English, Sesotho, Sesotho, Afrikaans],
    },
    Province {
        name: "Mpumalanga",
        weight: 5,
        places: &["Mbombela", "Witbank", "Secunda", "White River"],
        languages: &[English, English, Zulu],
    },
    Province {
        name: "Limpopo",
        weight: 5,
        places: &["Polokwane", "Tzaneen", "Thohoyandou"],
        languages: &[English],
    },
    Province {
        name: "North West",
        weight: 3,
        places: &["Rustenburg", "Potchefstroom", "Klerksdorp"],
        languages: &[English, Afrikaans, Sesotho],
    },
    Province {
        name: "Northern Cape",
        weight: 2,
        places: &["Kimberley", "Upington", "Springbok"],
        languages: &[English, Afrikaans],
    },
];

/// The USSD channel: short exchanges without courtesies.
pub(crate) const USSD: &str = "ussd";

/// Channels and their shares.
pub(crate) const CHANNELS: &[(&str, u32)] =
    &[("whatsapp", 46), ("app", 25), ("web", 20), (USSD, 9)];

/// How a message may begin.
pub(crate) const fn openers(language: Language) -> &'static [&'static str] {
    match language {
        English => &[
            "Hi",
            "Hello",
            "Hi there",
            "Hey",
            "Good day",
            "Howzit",
            "Eish",
            "Yoh",
            "Hi Umoya",
            "Hi team",
            "Please help",
            "Sorry to bother",
            "Hello again",
            "Quick question",
        ],
        Zulu => &["Sawubona", "Sanibonani", "Hawu", "Ngicela usizo", "Haibo"],
        Afrikaans => &["Hallo", "Goeie dag", "Haai", "Môre", "Jislaaik"],
        Sesotho => &["Dumela", "Dumelang", "Ke kopa thuso"],
    }
}

/// How a message may end.
pub(crate) const fn closers(language: Language) -> &'static [&'static str] {
    match language {
        English => &[
            "please",
            "please help",
            "asap please",
            "thanks",
            "kindly assist",
            "please advise",
            "it's urgent",
            "thank you",
            "help me out",
            "please man",
        ],
        Zulu => &["ngiyacela", "ngiyabonga", "ngicela usizo"],
        Afrikaans => &["asseblief", "dankie", "help my asseblief"],
        Sesotho => &["ka kopo", "ke a leboha"],
    }
}

/// What people add that has little to do with the matter; English, with slots.
pub(crate) const REMARKS: &[&str] = &[
    "This is the second time I'm asking",
    "I need it for work tomorrow",
    "I'm in {city} if that helps",
    "I'm using a {phone}",
    "My number ends with {digits}",
    "The lady at the shop couldn't help me",
    "I tried to call but the line is always busy",
    "My kids need it for school",
    "I'm not so good with these things",
    "I've been with Umoya for years",
    "Just want to understand before I pay",
    "{person_opening} told me to ask here",
    "I don't have airtime to call you",
    "I get paid on {date}",
];

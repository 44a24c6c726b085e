//! `SkyLink`, satellite internet at home: launched while the assistant knows nothing of it.

use super::{Intent, Topic};

pub(super) const TOPIC: Topic = Topic {
    weight: 0,
    intents: &[ABOUT, PRICE, DISH, COVERAGE, WEATHER, PERFORMANCE, ORDER],
    follow_up: FOLLOW_UP,
};

/// What the assistant says to all of it: it does not know, or it takes the dish for fibre.
const ANSWERS: &[&str] = &[
    "I don't have information about that. Can I help you with data, airtime, fibre or your \
     account?",
    "I'm not sure what you mean. Do you want to know about our fibre plans?",
    "I couldn't find anything about SkyLink. Please check the spelling, or choose a topic from the \
     menu.",
    "Our fibre starts at R499 a month for 25Mbps uncapped. Would you like to check coverage at \
     your address?",
    "Please restart your router: switch it off for two minutes, then on again.",
    "Please check that the thin fibre cable isn't bent and that the PON light is steady green.",
    "Fibre isn't affected by weather. If your line is down, please restart the fibre box.",
    "A fibre technician can mount the box on your wall. Installation takes 7 to 14 working days \
     after the order.",
    "Sorry, I can't help with that. Our call centre on 081 140 is open from 7:00 to 21:00.",
    "For TV dishes please contact your TV provider. I can help you with fibre and mobile data.",
    "Please type your address on the fibre coverage map in the app. In {city} several suburbs are \
     live already.",
    "I'm not able to answer that at the moment. Is there anything else I can help you with?",
    "Our LTE home router with 100GB costs R399 a month. Would you like to order one?",
    "Please set the APN to \"umoya\" with no user name or password, then restart your phone.",
    "I don't know of that product. {speed} uncapped fibre is {monthly} a month, with a free router \
     on 24 months.",
    "You can track orders for phones and routers in the app under Orders.",
];

const ABOUT: Intent = Intent {
    weight: 6,
    english: &[
        "What is SkyLink?",
        "I saw the SkyLink advert {recent}, what is it exactly?",
        "Is SkyLink satellite internet or is it just lte with a new name",
        "Can I get SkyLink at home in {city}?",
        "Tell me more about the new satellite internet",
        "How does SkyLink work if there are no towers on the farm",
        "Is SkyLink better than fibre?",
        "Do I still need a sim card with SkyLink",
        "Who is SkyLink for, houses or also for a shop",
        "I got an sms about SkyLink satellite, is it real or a scam?",
    ],
    zulu: &["Yini i-SkyLink? Ngibone isikhangiso", "Ngifuna ukwazi nge-SkyLink"],
    afrikaans: &["Wat is SkyLink? Ek het die advertensie gesien"],
    sesotho: &["SkyLink ke eng?", "Ke batla ho tseba ka SkyLink"],
    responses: ANSWERS,
};

const PRICE: Intent = Intent {
    weight: 6,
    english: &[
        "How much is SkyLink per month?",
        "What does the SkyLink dish cost, is it {sky_price} once off?",
        "Can I get the satellite kit on contract instead of cash",
        "SkyLink at {sky_price} a month, is it uncapped?",
        "Is there a deposit for the SkyLink dish",
        "Is there a cheaper SkyLink plan for pensioners",
        "Does the {sky_price} include the dish and the router?",
        "Can I pay SkyLink with debit order or only card",
        "What is the fair use on the satellite plan, how many gigs",
        "Cancel SkyLink after 3 months, do I give the dish back?",
    ],
    zulu: &["Yimalini i-SkyLink ngenyanga?", "Yimalini idishi ye-SkyLink?"],
    afrikaans: &["Hoeveel kos SkyLink per maand?", "Is die SkyLink-skottel ingesluit in die prys?"],
    sesotho: &["SkyLink ke bokae ka kgwedi?"],
    responses: ANSWERS,
};

const DISH: Intent = Intent {
    weight: 6,
    english: &[
        "How do I install the SkyLink dish on the roof myself?",
        "Do you send someone to mount the satellite dish or is it diy",
        "Where must the SkyLink dish point, north or up",
        "Can I put the dish on a pole in the yard, tin roof here",
        "My SkyLink dish says obstructed, there is a big tree",
        "Body corporate doesn't allow dishes, can SkyLink go on the balcony?",
        "How long is the cable from the dish to the router, need {metres}",
        "Can I use my old tv satellite dish for SkyLink?",
        "SkyLink kit arrived without the mount, what now",
        "The dish keeps searching for satellites {since}",
        "Must I drill a hole for the SkyLink cable through the wall",
        "What does the orange light on the SkyLink dish mean",
        "Will the dish handle baboons and hail, we're outside {city}",
    ],
    zulu: &["Ngiyifaka kanjani idishi ye-SkyLink ophahleni?"],
    afrikaans: &[
        "Hoe sit ek die SkyLink-skottel op my dak?",
        "My SkyLink-skottel kry nie satelliete nie",
    ],
    sesotho: &["Ke kenya dish ya SkyLink jwang hodima ntlo?"],
    responses: ANSWERS,
};

const COVERAGE: Intent = Intent {
    weight: 5,
    english: &[
        "Does SkyLink cover farms near {city}?",
        "Is SkyLink available in {province_name} yet",
        "We're in a valley outside {city}, will the satellite work",
        "Can I take the SkyLink dish camping with me?",
        "Does SkyLink work in {country} too or only SA",
        "Rural school near {city} wants satellite internet, can you help",
        "If I move house does the SkyLink move with me",
        "Can I put SkyLink on a boat or caravan",
        "There's a waiting list for SkyLink in {city}, how long",
        "Is there a map for satellite coverage, yours only shows fibre",
    ],
    zulu: &["Iyatholakala yini i-SkyLink emakhaya?"],
    afrikaans: &["Werk SkyLink op 'n plaas naby {city}?"],
    sesotho: &["Na SkyLink e teng mona {city}?"],
    responses: ANSWERS,
};

const WEATHER: Intent = Intent {
    weight: 5,
    english: &[
        "Does SkyLink work when it rains?",
        "Satellite internet goes off when there are clouds, is that normal",
        "Heavy rain in {city} and my SkyLink is offline",
        "Will lightning hit the dish, does insurance cover it",
        "What happens to SkyLink in a thunderstorm?",
        "Does wind move the dish, it's very windy by us",
        "Will snow or hail break the satellite dish",
        "Can fog or snow on the mountain block the satellite signal?",
        "SkyLink was fine until the big storm {recent}, now nothing",
        "SkyLink drops every afternoon when the storms come",
    ],
    zulu: &["Ingabe i-SkyLink iyasebenza uma lina?"],
    afrikaans: &["Werk SkyLink as dit reën?"],
    sesotho: &["Na SkyLink e sebetsa ha pula e na?"],
    responses: ANSWERS,
};

const PERFORMANCE: Intent = Intent {
    weight: 5,
    english: &[
        "How fast is SkyLink, can I stream in 4k?",
        "What is the ping on SkyLink, good enough for gaming?",
        "SkyLink is giving me {sky_speed}, I expected more",
        "Can I do video meetings over the satellite",
        "How many people can use one SkyLink at the same time",
        "Does SkyLink work during load shedding, how much power does the dish use",
        "Can the dish run on my inverter or a solar panel?",
        "How many watts does the SkyLink dish pull",
        "Is satellite slower at night when everyone is on",
        "Latency on SkyLink is {sky_ping}, is that right for satellite?",
    ],
    zulu: &["I-SkyLink ishesha kangakanani?"],
    afrikaans: &["Hoe vinnig is SkyLink, kan ek daarop speel?"],
    sesotho: &["SkyLink e na le lebelo le lekae?"],
    responses: ANSWERS,
};

const ORDER: Intent = Intent {
    weight: 5,
    english: &[
        "How do I order SkyLink?",
        "I ordered SkyLink {recent}, when does the dish arrive",
        "SkyLink order {digits} still says processing",
        "Is SkyLink in stock at the {city} store?",
        "Can I preorder the satellite kit in the app",
        "I want to change my fibre to SkyLink, can I keep my price",
        "Courier lost my SkyLink dish, please help",
        "How do I activate SkyLink, the app asks for a terminal number",
        "Do I need to rica the satellite dish",
        "Want SkyLink for {person} on the farm, can I order on my name",
    ],
    zulu: &["Ngifuna uku-oda i-SkyLink", "I-SkyLink yami izofika nini?"],
    afrikaans: &["Hoe bestel ek SkyLink?", "Wanneer kom my SkyLink-skottel aan?"],
    sesotho: &["Ke batla ho odara SkyLink"],
    responses: ANSWERS,
};

const FOLLOW_UP: Intent = Intent {
    weight: 0,
    english: &[
        "No not fibre, I'm asking about the satellite one",
        "I mean SkyLink, the dish",
        "But it's on your own website, SkyLink",
        "So you don't know anything about SkyLink?",
        "That's for the fibre router, I have the satellite kit",
        "Your advert says {sky_price} for satellite",
        "Ok but does the dish need electricity",
        "There's no fibre here, that's why I want the satellite",
        "The app has no fibre box option for SkyLink",
        "Who can tell me about the dish then",
    ],
    zulu: &["Cha, ngibuza nge-SkyLink hhayi i-fibre"],
    afrikaans: &["Nee, ek praat van die satelliet, nie vesel nie"],
    sesotho: &["Tjhe, ke botsa ka SkyLink, e seng fibre"],
    responses: ANSWERS,
};

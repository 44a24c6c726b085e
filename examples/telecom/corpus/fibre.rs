//! Fibre to the home: coverage, installation, outages, routers and plans.

use super::{Intent, Topic};

pub(super) const TOPIC: Topic = Topic {
    weight: 15,
    intents: &[FIBRE_COVERAGE, FIBRE_INSTALL, FIBRE_DOWN, ROUTER, FIBRE_PLANS],
    follow_up: FOLLOW_UP,
};

const FIBRE_COVERAGE: Intent = Intent {
    weight: 2,
    english: &[
        "Do you have fibre in {city}?",
        "Is fibre available at my address, complex in {city}",
        "When is fibre coming to our street in {city}",
        "Coverage map says yes but your agent says no",
        "They dug up our pavement {recent}, is it Umoya fibre?",
        "My neighbour has fibre, why can't I get it",
        "Do you cover townships or only the suburbs",
        "I'm moving to {city}, can I take my fibre with me?",
        "What can I get if there's no fibre by me, lte?",
        "I registered interest for fibre last year, any news",
    ],
    zulu: &["Ninayo i-fibre lapha e-{city}?"],
    afrikaans: &["Het julle vesel in {city}?"],
    sesotho: &["Na le na le fibre mona {city}?"],
    responses: &[
        "Please type your address on the coverage map in the app. In {city} several suburbs are \
         live already.",
        "Your street is planned for the next build phase. Register your interest and we'll let you \
         know.",
        "If there's no fibre yet, our LTE home router with 100GB for R399 a month is a good start.",
        "You can move your fibre line: tell us the new address 30 days before. The move costs \
         R750.",
    ],
};

const FIBRE_INSTALL: Intent = Intent {
    weight: 3,
    english: &[
        "When is the technician coming to install my fibre?",
        "My fibre installation was booked for {date} and nobody showed up",
        "How long does fibre installation take after I order",
        "The installer left a hole in my wall and no signal",
        "I need to reschedule my fibre installation to {date}",
        "Order {digits} for fibre, what's the status?",
        "Do I have to be at home when they install the fibre",
        "Installation fee, is it really {amount}?",
        "Landlord must give permission for fibre, what form do you need",
        "I waited the whole day for the technician, haibo",
        "Where will they put the fibre box in the house",
        "Can the fibre box be moved to another room",
    ],
    zulu: &["Uzofika nini u-technician we-fibre?", "Kade ngilindile, u-technician akafikanga"],
    afrikaans: &["Wanneer kom die tegnikus om my vesel te installeer?"],
    sesotho: &["Technician ya fibre o tla fihla neng?"],
    responses: &[
        "Your installation is being scheduled. The technician calls a day before and arrives \
         between 8:00 and 17:00.",
        "Sorry that nobody came. I've asked for a new slot and you'll get an SMS with the date \
         today.",
        "Installation takes about 7 to 14 working days after the order, and two to three hours at \
         your home.",
        "Standard installation is free on a 24-month plan; month-to-month costs R999 once.",
        "Please have someone older than 18 at home. The fibre box is mounted where you and the \
         technician agree.",
    ],
};

const FIBRE_DOWN: Intent = Intent {
    weight: 4,
    english: &[
        "My fibre is down {since}",
        "Red light on the fibre box, no internet",
        "LOS light is blinking red {since}",
        "Fibre down in {city}, is it only me?",
        "I work from home and the fibre is off {since}, please escalate",
        "Is there a cable break in {city}",
        "No internet but wifi is connected, fibre {speed}",
        "When will the fibre be fixed, ticket {digits}",
        "My line keeps dropping every few minutes on the {speed} plan",
        "Internet comes and goes the whole day on the fibre",
        "I pay {monthly} for fibre that doesn't work, unacceptable",
        "Fibre is off after the storm, lights on the ont are all dead",
    ],
    zulu: &["I-fibre yami ayisebenzi {zu_since}", "I-internet yasekhaya ayisebenzi, ngicela usizo"],
    afrikaans: &["My vesel is af en die rooi lig flits", "Die internet by die huis werk glad nie"],
    sesotho: &["Fibre ya ka ha e sebetse ho tloha maobane"],
    responses: &[
        "A red LOS light means that no light reaches the box. Please check that the thin cable \
         isn't bent, then restart the box.",
        "There's a cable break in {city}. Teams are splicing it and expect to finish by tonight.",
        "I don't see an outage at your address. Please switch the fibre box and the router off for \
         two minutes.",
        "Your ticket is open with the line operator. They have 24 hours to fix a single line \
         fault.",
        "Line drops on {speed} are often the router. Please test with a network cable and tell us \
         the result.",
    ],
};

const ROUTER: Intent = Intent {
    weight: 3,
    english: &[
        "How do I change my wifi password?",
        "What is the default password of the router",
        "My router keeps restarting by itself",
        "Wifi doesn't reach the bedroom, do I need an extender?",
        "How do I log in to my router, 192.168 something",
        "Router has no internet light but the fibre box is green",
        "Can I use my own router on your fibre",
        "My {phone} won't connect to the wifi but the laptop does",
        "Forgot my wifi password, how do I reset",
        "Someone is using my wifi, how do I kick them off",
        "Need a new router, this one got hit by lightning",
        "Wifi is slow on the {speed} line, only get half of it",
    ],
    zulu: &["Ngiyishintsha kanjani i-password ye-wifi?"],
    afrikaans: &[
        "Hoe verander ek my wifi-wagwoord?",
        "My router is deur weerlig getref, kry ek 'n nuwe een?",
    ],
    sesotho: &["Ke fetola password ya wifi jwang?"],
    responses: &[
        "Open 192.168.8.1 in the browser, log in with the password on the sticker, then choose \
         WiFi settings.",
        "Hold the reset button at the back for ten seconds. The name and password on the sticker \
         apply again.",
        "Please put the router in the middle of the house, off the floor. For two storeys we \
         suggest a mesh unit for R899.",
        "You can use your own router: connect it to port 1 of the fibre box and choose DHCP.",
        "A router damaged by lightning is replaced for R650, or free with device cover.",
        "Use the 5GHz network near the router: on {speed} it gives the full speed, 2.4GHz doesn't.",
    ],
};

const FIBRE_PLANS: Intent = Intent {
    weight: 2,
    english: &[
        "How much is {speed} fibre per month?",
        "Which fibre package is good for 4 people streaming",
        "Want to upgrade from {speed} to something faster",
        "Is your fibre uncapped, any fair use policy?",
        "Can I downgrade my fibre, {monthly} is too much now",
        "What fibre specials do you have this month",
        "Do I get a free router with the {speed} package?",
        "Month to month or 24 months, what's the difference",
        "Is upload the same as download on {speed}?",
        "How do I cancel my fibre, I'm moving out on {date}",
    ],
    zulu: &["Yimalini i-fibre ka-{speed} ngenyanga?"],
    afrikaans: &["Wat kos {speed} vesel per maand?"],
    sesotho: &["Fibre ya {speed} ke bokae ka kgwedi?"],
    responses: &[
        "{speed} uncapped fibre is {monthly} a month, with a free router on 24 months.",
        "For four people who stream we suggest {speed} or more. You can change the speed every \
         month in the app.",
        "All our fibre is uncapped and unshaped, with no fair-use limit.",
        "To cancel fibre, give one calendar month's notice in the app under Services, Fibre, \
         Cancel.",
    ],
};

const FOLLOW_UP: Intent = Intent {
    weight: 0,
    english: &[
        "I switched it off and on, red light is still there",
        "Do I need a technician then?",
        "Can you send someone tomorrow",
        "Which light must I look at",
        "Ok the light is green now but no wifi",
        "Who pays for the technician",
        "Will I get money back for the days with no internet?",
        "I'm not a computer person, can you explain slower",
        "Cable looks fine to me",
        "They gave me ref {digits}",
    ],
    zulu: &["Ngiyenzile leyo nto kodwa ayisebenzi"],
    afrikaans: &["Ek het dit gedoen maar dit help nie"],
    sesotho: &["Ke e entse empa ha e sebetse"],
    responses: &[
        "Thanks for trying that. I've booked a technician; you'll get an SMS with the time slot.",
        "The call-out is free if the fault is on our side, otherwise it's R450.",
        "Please look at the small box on the wall: PON should be steady green and LOS should be \
         off.",
        "We credit your account for every full day without service once the ticket is closed.",
    ],
};

//! Airtime: recharge, transfer, advance, vouchers and subscriptions.

use super::{Intent, Topic};

pub(super) const TOPIC: Topic = Topic {
    weight: 15,
    intents: &[AIRTIME_TRANSFER, AIRTIME_ADVANCE, AIRTIME_GONE, VOUCHER, CALL_ME],
    follow_up: FOLLOW_UP,
};

const AIRTIME_TRANSFER: Intent = Intent {
    weight: 3,
    english: &[
        "How do I transfer {airtime} airtime to {person}",
        "Want to send airtime to another number, how pls",
        "I sent {airtime} airtime to a wrong number",
        "Airtime transfer keeps failing, says check your pin",
        "What is the minimum airtime I can send?",
        "Can I send airtime to someone on {network}",
        "How much do you charge for airtime transfer",
        "Please reverse the airtime I sent {recent} to {digits}, it was a mistake",
        "I never set a transfer pin, what is the default one",
        "{person} says the {airtime} I sent has not come through",
        "Is there a daily limit for sending airtime",
    ],
    zulu: &["Ngifuna ukuthumela i-airtime ka-{airtime} kumama wami"],
    afrikaans: &["Hoe stuur ek {airtime} airtime vir {af_person}?"],
    sesotho: &["Ke batla ho romela airtime ho mme wa ka"],
    responses: &[
        "Dial *141*1#, enter the number and the amount. You can send between R5 and R200 a day.",
        "Airtime can be sent only to other Umoya numbers. For {network} please buy a voucher of \
         that network.",
        "We can't take back airtime once it was received. Please ask that person to return it.",
        "Your transfer PIN is 0000 until you change it with *141*9#.",
        "Each transfer costs 50c, taken from your airtime.",
    ],
};

const AIRTIME_ADVANCE: Intent = Intent {
    weight: 3,
    english: &[
        "Can I get airtime advance?",
        "Please borrow me {airtime} airtime, I'll pay back when I recharge",
        "How do I get an advance on airtime, I'm stuck",
        "Why can't I get airtime advance anymore",
        "I recharged {airtime} and you took it all for the advance",
        "How much do I still owe on my airtime advance",
        "Advance says not qualify but I always pay back",
        "What is the fee on a {airtime} advance?",
        "Can I borrow data instead of airtime",
        "Do I qualify for emergency airtime, new number since last month",
        "I paid my advance {recent} but it still shows I owe",
    ],
    zulu: &["Ngicela ukuboleka i-airtime ka-{airtime}", "Ngingaboleka kanjani i-airtime?"],
    afrikaans: &["Kan ek {airtime} airtime leen asseblief?"],
    sesotho: &["Ke kopa ho adima airtime ya {airtime}"],
    responses: &[
        "Dial *141*5# to get an advance. You pay it back, plus a 10% fee, from your next recharge.",
        "You qualify once your number has been active for 60 days and you recharge at least R20 a \
         month.",
        "The advance and its fee are taken from your recharge first, that's why the balance looks \
         lower.",
        "To see what you owe on your advance, dial *141*6#. Settled advances clear within an hour.",
        "Yes, you can take the advance as data too: choose Data advance on *141*5#.",
    ],
};

const AIRTIME_GONE: Intent = Intent {
    weight: 3,
    english: &[
        "My airtime is disappearing by itself, I didn't call anyone",
        "You are stealing my airtime, {airtime} gone {since}",
        "Someone subscribed me to some content service, please remove it",
        "How do I stop subscriptions that eat my airtime",
        "I get charged {airtime} every day for a game I never asked for",
        "Airtime finishes when my data ends, how do I stop out of bundle",
        "Why did you deduct {airtime} {recent}?",
        "Every time I load airtime it's gone the same day haibo",
        "What is this WASP charge on my number",
        "Block all content services on my number please",
        "I want a refund for airtime that was deducted for a service I didn't want",
    ],
    zulu: &[
        "I-airtime yami iphela yodwa, angishayelanga muntu",
        "Ngicela ningivalele lezi zinto ezidla i-airtime yami",
    ],
    afrikaans: &["My airtime verdwyn vanself en ek bel vir niemand nie"],
    sesotho: &["Airtime ya ka e fela feela, ha ke a letsetsa motho"],
    responses: &[
        "Dial *140*9# to see and stop all content subscriptions on your number. Reply STOPALL to \
         block them.",
        "Out-of-bundle data may have used your airtime. Switch it off with *140*8# so that \
         browsing stops when the bundle ends.",
        "I see a content subscription on your line. I can block content services; a refund must be \
         asked from the provider within 30 days.",
        "Sorry about that. I've listed the steps: dial *140*9#, choose the service, then \
         Unsubscribe.",
    ],
};

const VOUCHER: Intent = Intent {
    weight: 4,
    english: &[
        "My recharge voucher is not working, it says invalid pin",
        "I scratched the voucher too hard and can't read the last numbers",
        "Bought a {airtime} voucher and the pin says already used",
        "How do I load a recharge pin?",
        "Voucher ending {digits} won't load, what now",
        "I bought airtime at the shop in {city} but nothing came",
        "Recharged the wrong number with a {airtime} voucher",
        "I bought {airtime} airtime with my bank app {recent}, money is off but no airtime",
        "It says my number is blocked from recharging, too many wrong pins",
        "I lost the slip of the voucher, can you find the pin with the serial",
        "What is the code to recharge pls, *136 something?",
        "Electricity and airtime bought at the till, airtime slip pin not valid",
    ],
    zulu: &[
        "I-voucher yami ayisebenzi, ithi i-PIN ayilungile",
        "Ngiyifaka kanjani i-voucher ka-{airtime}?",
    ],
    afrikaans: &["My koepon van {airtime} wil nie laai nie"],
    sesotho: &["Voucher ya ka ha e sebetse, ke etse jwang?"],
    responses: &[
        "To load a voucher, dial *136* then the PIN and #. The PIN has 16 digits.",
        "If the PIN shows as used, send us the serial number on the slip and we'll trace where it \
         was loaded.",
        "Please send a photo of the damaged voucher with the serial number, and we'll look up the \
         missing digits.",
        "Bank purchases may take up to two hours. If {airtime} airtime isn't there by then, your \
         bank reverses the payment.",
        "After five wrong PINs recharging is blocked for 24 hours. You can still recharge in the \
         Umoya app with a card.",
    ],
};

const CALL_ME: Intent = Intent {
    weight: 1,
    english: &[
        "How do I send a please call me",
        "How many please call mes do I get per day",
        "Pls call me is not working on my {phone}",
        "How do I block someone who sends me please call me all day",
        "What are your call rates per second on prepaid?",
        "How much is a call to {network} per minute",
        "Which minutes bundle can I get for {airtime}",
        "I want to change my tariff, calls are too expensive",
        "Do I get free minutes when I recharge {airtime}?",
        "Can't make calls but I have airtime, says service not available",
    ],
    zulu: &["Ngiyithumela kanjani i-please call me?"],
    afrikaans: &["Hoe stuur ek 'n please call me?"],
    sesotho: &["Ke romela please call me jwang?"],
    responses: &[
        "Dial *142* then the number and #. You get ten free Please Call Me messages a day.",
        "Calls cost R1.20 a minute to any network, charged per second. Minute bundles on *140# are \
         cheaper.",
        "To block a number, open the Umoya app, go to Privacy and add it under Blocked senders.",
        "Please switch your phone off and on. If calls still fail with airtime loaded, tell us the \
         error you hear.",
    ],
};

const FOLLOW_UP: Intent = Intent {
    weight: 0,
    english: &[
        "Ok which number must I dial again?",
        "I tried but it says request failed",
        "And if I don't know my pin?",
        "So when will I get the airtime back",
        "I have the slip here, the serial ends with {digits}",
        "Still nothing came through",
        "Is there a charge for that",
        "How long must I wait for the {airtime}",
        "Ok but it happened twice already",
        "It worked for {person} but not for me",
    ],
    zulu: &["Namanje ayikafiki i-airtime"],
    afrikaans: &["Nee dit werk steeds nie"],
    sesotho: &["Ha e so fihle le jwale"],
    responses: &[
        "Please wait 15 minutes and dial *140*1# to check. If it isn't there, I'll log it for our \
         recharge team.",
        "I've noted it. Our recharge team answers by SMS within 24 hours.",
        "You can reset that PIN with *141*9# and your ID number.",
        "There is no charge for checking. Please send the serial number so that we can trace it.",
    ],
};

//! The network: outages, load-shedding, slow data, roaming and porting.

use super::{Intent, Topic};

pub(super) const TOPIC: Topic = Topic {
    weight: 17,
    intents: &[OUTAGE, LOAD_SHEDDING, SLOW_DATA, ROAMING, PORT_IN, PORT_OUT],
    follow_up: FOLLOW_UP,
};

const OUTAGE: Intent = Intent {
    weight: 4,
    english: &[
        "No signal in {city} {since}, what's going on?",
        "Is the network down in {city}?",
        "I have no network {since}, only emergency calls",
        "Tower by us in {city} is off {since}, when is it coming back",
        "Calls drop after 10 seconds {since}",
        "Network is terrible here in {city} man",
        "We've had no signal {since}, whole street is complaining",
        "Can't make or receive calls but {person} on {network} is fine",
        "When will the network be fixed in {city}",
        "My phone says no service, I restarted my {phone} already",
        "They stole the batteries of the tower again in {city}, any idea when it's fixed",
        "Sms not sending {since}, network problem?",
    ],
    zulu: &[
        "Ayikho i-network lapha endaweni yami kusukela izolo",
        "I-network iphelile, izobuya nini?",
    ],
    afrikaans: &[
        "Daar is geen sein in {city} nie, wat gaan aan?",
        "Wanneer kom die netwerk terug?",
    ],
    sesotho: &["Ha ho na network mona ho tloha maobane", "Network e tla kgutla neng?"],
    responses: &[
        "There is a known fault on a tower near {city}. Technicians are on site and we expect it \
         back within 6 hours.",
        "I see no fault in {city} right now. Please switch on aeroplane mode for ten seconds, then \
         off again.",
        "Sorry about the signal. I've logged a network fault for your area and you'll get an SMS \
         when it's fixed.",
        "A tower was vandalised in your area and is being repaired. Calls over WiFi work meanwhile \
         if your phone supports them.",
        "Please set the network to 4G/3G auto in your {phone}'s settings and restart it.",
    ],
};

const LOAD_SHEDDING: Intent = Intent {
    weight: 3,
    english: &[
        "Why is there no network during load shedding",
        "{stage} and the tower is dead again, don't you have batteries?",
        "Every time the lights go off the signal goes too",
        "Load shedding from 18:00 and no internet here in {city}",
        "Does the router work during load shedding if I have a ups",
        "Will my fibre work when there's load shedding?",
        "{stage} again eish, how long do your tower batteries last",
        "Power is back but the network isn't, {city}",
        "What must I buy to keep wifi on in load shedding, a mini ups?",
        "During load shedding I only get edge, can't even whatsapp",
        "The power has been out {since} and now there's no signal either",
    ],
    zulu: &["Awukho ugesi futhi ayikho ne-network", "Uma kuhambe ugesi i-network nayo iyahamba"],
    afrikaans: &[
        "Elke keer met beurtkrag is daar geen sein nie",
        "Beurtkrag is verby maar die internet is nog af",
    ],
    sesotho: &["Ha ho na motlakase mme network le yona ha e yo"],
    responses: &[
        "During load-shedding our towers run on batteries for about 4 hours. At {stage} they don't \
         always charge fully in between.",
        "Fibre keeps working in load-shedding if your router and the fibre box have power. A small \
         UPS keeps both on for 2 to 4 hours.",
        "When power is back it may take up to 30 minutes until the tower restarts. Please restart \
         your phone after that.",
        "Thanks for telling us. We've noted that the tower in {city} goes off with {stage} and \
         asked for a battery check.",
        "A 12V mini UPS of at least 8,000mAh fits our routers; we sell one for R699 in store.",
    ],
};

const SLOW_DATA: Intent = Intent {
    weight: 3,
    english: &[
        "My internet is so slow {since}",
        "5G shows on my {phone} but it's slower than 3G",
        "Why is my data slow at night in {city}",
        "Videos keep buffering, I have {data} left",
        "Speedtest gives 0.4 mbps, is that a joke?",
        "Whatsapp pictures take forever to load {since}",
        "Do you throttle my data after {data}?",
        "My lte is slow every evening, can't stream the rugby",
        "Internet is connected but pages won't open",
        "What apn settings must I use for my {phone}",
        "Hotspot from my {phone} is super slow since the update",
    ],
    zulu: &["I-internet ihamba kancane kakhulu {zu_since}"],
    afrikaans: &["Die internet is vreeslik stadig vanaand"],
    sesotho: &["Internet e dieha haholo kajeno"],
    responses: &[
        "Please set the APN to \"umoya\" with no user name or password, then restart your {phone}.",
        "In the evening many people share the tower. Try 4G only in your network settings, it's \
         often steadier than 5G.",
        "We don't throttle prepaid bundles. After the fair-use limit on uncapped plans the speed \
         drops to 2Mbps.",
        "Please clear the browser's cache and try again. If it stays below 1Mbps, send us your \
         location so that we can log it.",
    ],
};

const ROAMING: Intent = Intent {
    weight: 4,
    english: &[
        "I'm travelling to {country} next week, how do I switch on roaming?",
        "How much is roaming data in {country}",
        "Does my sim work in {country}?",
        "I'm in {country} now and have no signal, help",
        "Roaming bundles for {country} pls, {days}",
        "I got a bill of {amount} for roaming in {country}, this is crazy",
        "How do I avoid roaming charges when I'm near the border",
        "Can I use my {data} bundle in {country}?",
        "Is it free to receive calls while I'm in {country}",
        "Will whatsapp work in {country} with a roaming bundle",
        "I activated roaming but nothing works here in {country}",
        "Please switch off roaming on my number, I'm back home",
    ],
    zulu: &["Ngizohamba ngiye e-{country}, ngiyivula kanjani i-roaming?"],
    afrikaans: &["Ek gaan {country} toe, wat kos roaming daar?"],
    sesotho: &["Ke ya {country}, ke bula roaming jwang?"],
    responses: &[
        "Dial *145# before you travel and choose {country}. A roaming bundle of 1GB for 7 days \
         costs R249.",
        "In {country} please select a partner network by hand: Settings, Mobile network, \
         Operators.",
        "Local bundles don't work abroad. In {country} you need a roaming bundle, else data costs \
         R2 per MB.",
        "Receiving calls in {country} costs R3.50 a minute. WhatsApp calls over your roaming \
         bundle cost only data.",
        "Near a border set your phone to Umoya by hand and switch data roaming off, so that you \
         don't roam by accident.",
        "Roaming is switched off on your line now. It may take an hour to show.",
    ],
};

const PORT_IN: Intent = Intent {
    weight: 2,
    english: &[
        "I want to port from {network} to Umoya, can I keep my number?",
        "How long does porting take",
        "My port from {network} is stuck {since}",
        "Porting rejected by {network}, what must I do",
        "Do I need a new sim to port to you guys",
        "I want to move my number from {network}, contract still running till December",
        "What do I need to port, ID and proof of address?",
        "I ported {recent} but calls from {network} don't reach me",
        "Can you port a number that is not rica'd on my name",
        "How much does it cost to port to Umoya?",
    ],
    zulu: &["Ngifuna ukusuka ku-{network} ngize kwa-Umoya ngenombolo yami"],
    afrikaans: &["Ek wil my nommer van {network} na Umoya oorskuif"],
    sesotho: &["Ke batla ho tloha {network} ke tle Umoya ka nomoro ya ka"],
    responses: &[
        "Yes, you keep your number. Get an Umoya SIM, then SMS PORT and your number to 32126. It \
         takes up to 24 hours.",
        "Please answer the SMS from {network} within 3 hours, otherwise the port is rejected.",
        "{network} rejected the port because the ID doesn't match. Please check the RICA details \
         with them and try again.",
        "Porting is free. If you still have a contract with {network}, you remain liable for it.",
    ],
};

const PORT_OUT: Intent = Intent {
    weight: 1,
    english: &[
        "I'm leaving Umoya, how do I port out to {network}?",
        "What happens to my data if I port to {network}",
        "I want to move to {network}, your prices are too high",
        "Why did you block my port to {network}?",
        "Do I lose my airtime if I port out",
        "Cancel my port request to {network}, I changed my mind",
        "I did not ask to port my number! I got an sms about {network}",
        "Can I port out while I'm on a contract",
        "How many days must I wait before porting again",
        "{network} says you rejected my port, explain please",
    ],
    zulu: &["Ngifuna ukuya ku-{network} nenombolo yami"],
    afrikaans: &["Hoe skuif ek my nommer na {network} toe?"],
    sesotho: &["Ke batla ho ya {network} ka nomoro ya ka"],
    responses: &[
        "Your new network, {network}, starts the port. Reply 1 to our SMS to agree, or 2 to stop \
         it.",
        "Airtime and bundles left on the number are lost when it moves to {network}.",
        "If you didn't ask to port, reply NO to the SMS at once and call 081 140 from any phone.",
        "You must wait 60 days after a port before the number can be ported again.",
    ],
};

const FOLLOW_UP: Intent = Intent {
    weight: 0,
    english: &[
        "I already restarted my phone, same thing",
        "How long will it take, I work from home",
        "No man it's still off",
        "And in {city}, is it also down there?",
        "Can I get a discount for this?",
        "You said 6 hours and it's been longer than that",
        "Do I have to do that again after I restart",
        "Where do I find that in the settings of a {phone}",
        "Is there a reference number for this",
        "It's back for a minute then gone again",
    ],
    zulu: &["Namanje ayikabuyi"],
    afrikaans: &["Ek het dit klaar gedoen, nog steeds niks"],
    sesotho: &["Ke se ke entse jwalo, ha ho fetohe letho"],
    responses: &[
        "Your reference was sent by SMS. We expect the fault to be fixed within 24 hours.",
        "I understand, sorry. The latest update from the technicians is that they're still busy on \
         site.",
        "On your {phone} look under Settings, Connections, Mobile networks.",
        "If the outage lasted more than 24 hours we credit one day of your plan, on request.",
    ],
};

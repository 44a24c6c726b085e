//! SIM cards: swap, eSIM, loss, PUK and RICA.

use super::{Intent, Topic};

pub(super) const TOPIC: Topic =
    Topic { weight: 11, intents: &[SIM_SWAP, ESIM, LOST_PHONE, PUK, RICA], follow_up: FOLLOW_UP };

const SIM_SWAP: Intent = Intent {
    weight: 4,
    english: &[
        "How do I do a sim swap?",
        "I need a sim swap, my sim is damaged",
        "I did a sim swap {recent} and still no network",
        "Can I do sim swap in the app or must I go to a store",
        "How much does a sim swap cost",
        "My number was sim swapped without my permission, please help urgently!",
        "How long does a sim swap take to activate",
        "My old sim is too big for my new {phone}, need a smaller one",
        "What documents do I need for a sim swap in {city}?",
        "Sim swap failed with error {digits}",
        "I got an sms about a sim swap, I didn't ask for it",
        "Can {person} do the sim swap for me, I'm at work",
    ],
    zulu: &[
        "Ngifuna ukushintsha i-SIM card yami",
        "Kuthatha isikhathi esingakanani ukushintsha i-SIM?",
    ],
    afrikaans: &[
        "Ek wil 'n SIM-ruil doen, wat het ek nodig?",
        "My SIM-kaart is stukkend, hoe kry ek 'n nuwe een?",
    ],
    sesotho: &["Ke batla ho fetola SIM card ya ka"],
    responses: &[
        "Get a new Umoya SIM, then dial *147# from another Umoya phone, or visit a store with your \
         ID.",
        "A SIM swap is free on prepaid and R49 on contract. It's active within 2 hours, at most \
         24.",
        "If you did NOT request this swap, call 081 140 now from any phone. We'll freeze the \
         number and tell you what to tell your bank.",
        "Only the owner of the number can swap it, with the original ID. This protects you against \
         fraud.",
        "After the swap please restart your {phone} twice and wait for the welcome SMS.",
    ],
};

const ESIM: Intent = Intent {
    weight: 3,
    english: &[
        "Does Umoya have esim?",
        "Can I use esim on my {phone}",
        "How do I get the qr code for my esim?",
        "My esim qr code says already used",
        "I got a new {phone}, how do I move my esim over",
        "Is esim free or do I pay",
        "Want to change from normal sim to esim",
        "I deleted my esim by mistake, what now",
        "Can I put two esims on one {phone}, work and private",
        "Esim is not activating, stuck on activating {since}",
        "Does esim work on your smartwatch plans too",
    ],
    zulu: &["Ingabe ninayo i-eSIM ye-{phone}?"],
    afrikaans: &["Kan ek 'n eSIM op my {phone} kry?"],
    sesotho: &["Na le na le eSIM bakeng sa {phone}?"],
    responses: &[
        "Yes. In the Umoya app choose SIM, Convert to eSIM, and scan the QR code within 24 hours.",
        "Each QR code works once. In the app choose SIM, New eSIM code, to get another one for R0.",
        "Please check that your {phone} supports eSIM: dial *#06# and look for an EID number.",
        "To move an eSIM to a new phone, delete it on the old one and request a new code in the \
         app.",
    ],
};

const LOST_PHONE: Intent = Intent {
    weight: 2,
    english: &[
        "My phone was stolen {recent}, please block my sim",
        "I lost my {phone}, block the number and the phone",
        "I was robbed in {city}, need to block everything now",
        "How do I blacklist a stolen {phone}?",
        "Found my phone again, please unblock the sim",
        "Block my number {digits} asap, phone stolen in a taxi",
        "What is my imei? phone got stolen and police want it",
        "My {phone} is gone, can you track it for me",
        "Sim blocked but can I keep my number?",
        "Case number is {digits}, now can you blacklist the phone",
    ],
    zulu: &[
        "Ifoni yami intshontshiwe, ngicela nivale i-SIM",
        "Ngilahlekelwe yifoni yami, ngicela usizo",
    ],
    afrikaans: &["My foon is gesteel, blok asseblief my SIM"],
    sesotho: &["Founo ya ka e utswitswe, ke kopa le kwale SIM"],
    responses: &[
        "I'm sorry that happened. Your SIM is blocked now. Get a new SIM at any store with your ID \
         to keep your number.",
        "To blacklist the {phone} we need the IMEI and a police case number. Send both here when \
         you have them.",
        "We can't track phones ourselves. Please use the finder service of your {phone} from \
         another device.",
        "Dial *147*0# from any Umoya phone to block the number at once; it stays yours for 90 \
         days.",
    ],
};

const PUK: Intent = Intent {
    weight: 2,
    english: &[
        "My sim is asking for a puk code",
        "I entered my pin wrong 3 times now it's locked",
        "What's my puk for number {digits}",
        "Puk blocked, do I need a new sim?",
        "How do I remove the pin on my sim card",
        "Forgot the sim pin on my {phone}",
        "It says 4 attempts remaining for puk, please help quick",
        "Where is the puk written, I threw away the card",
        "I bought a used router and the sim wants a pin",
        "Puk you sent is wrong, it's still locked",
    ],
    zulu: &["I-SIM yami ivaliwe, ngicela i-PUK"],
    afrikaans: &["My SIM vra 'n PUK-kode, wat is dit?"],
    sesotho: &["SIM ya ka e kwaletswe, ke kopa PUK"],
    responses: &[
        "Your PUK is in the Umoya app under SIM, Security. You can also dial *147*2# from another \
         Umoya phone.",
        "Enter the PUK, then choose a new PIN of four digits. After ten wrong PUKs the SIM is \
         blocked for good.",
        "If the PUK is blocked, please do a SIM swap: you keep your number and balance.",
        "The default PIN of an Umoya SIM is 1234. You can switch it off in your {phone}'s security \
         settings.",
    ],
};

const RICA: Intent = Intent {
    weight: 1,
    english: &[
        "How do I rica my new sim?",
        "My number is not rica'd and I can't call out",
        "What do I need for rica, I don't have proof of address",
        "Can I rica at the shop in {city} or only at your store",
        "I'm a foreigner with a passport, can I rica a sim?",
        "The sim is registered on someone else's name, change it to mine",
        "Rica says pending {since}",
        "Can I do rica online with my ID",
        "How many sims can I rica on my ID",
        "Somebody registered a number on my ID number, check please",
    ],
    zulu: &["Ngiyi-RICA kanjani i-SIM yami entsha?"],
    afrikaans: &["Hoe RICA ek my nuwe SIM?"],
    sesotho: &["Ke etsa RICA ya SIM e ntjha jwang?"],
    responses: &[
        "Bring your ID or passport and a proof of address not older than 3 months to any Umoya \
         store or RICA agent.",
        "You can RICA in the Umoya app: scan your ID, take a selfie, and the SIM works within an \
         hour.",
        "No proof of address? A letter from your ward councillor or school, or an affidavit, is \
         accepted too.",
        "To change the owner, both of you must come to a store with your IDs.",
    ],
};

const FOLLOW_UP: Intent = Intent {
    weight: 0,
    english: &[
        "Which store is closest to me in {city}?",
        "Must I bring my ID or is a photo fine",
        "And will I lose my contacts and airtime?",
        "Is it still free on contract",
        "I did it and it says pending",
        "Are you open on Sundays",
        "How do I do it without another phone",
        "Ok and then what happens with my banking app",
        "I'm at the store now and they say system is offline",
        "How long must I wait before it works",
    ],
    zulu: &["Isitolo esiseduze sikuphi?"],
    afrikaans: &["Waar is die naaste winkel?"],
    sesotho: &["Lebenkele le haufi le hokae?"],
    responses: &[
        "Our stores are open Monday to Saturday, 9:00 to 17:00, and Sunday until 13:00. The app \
         shows the nearest.",
        "Please bring the original ID, a photo isn't accepted.",
        "Your number, airtime and data stay. Contacts saved on the SIM itself are lost.",
        "It takes up to 2 hours. Please restart your phone after that.",
    ],
};

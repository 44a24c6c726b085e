//! Mobile money, handset upgrades, insurance and repairs.

use super::{Intent, Topic};

pub(super) const TOPIC: Topic = Topic {
    weight: 11,
    intents: &[SEND_MONEY, WALLET_ACCESS, UPGRADE, INSURANCE],
    follow_up: FOLLOW_UP,
};

const SEND_MONEY: Intent = Intent {
    weight: 3,
    english: &[
        "How do I send money with Umoya Pay?",
        "I sent {amount} to the wrong person with Umoya Pay",
        "{person} didn't get the {amount} I sent {recent}",
        "What are the fees to send {amount}",
        "Where can I withdraw my Umoya Pay money in {city}",
        "Can I send money to {country} with Umoya Pay",
        "How do I put cash in my Umoya Pay wallet",
        "Is there a limit on Umoya Pay, I need to send {amount}",
        "Withdrawal pin expired before I got to the shop",
        "How do I buy electricity with Umoya Pay",
        "Money left my wallet but the till said declined, {amount}",
    ],
    zulu: &["Ngifuna ukuthumela imali nge-Umoya Pay", "Imali engiyithumele izolo ayikafiki"],
    afrikaans: &["Ek het {amount} vir die verkeerde persoon gestuur"],
    sesotho: &[
        "Ke batla ho romela tjhelete ka Umoya Pay",
        "Tjhelete eo ke e rometseng ha e so fihle",
    ],
    responses: &[
        "Open Umoya Pay, choose Send, enter the number and the amount, and confirm with your PIN. \
         It costs R5 up to R1,000.",
        "If the receiver hasn't withdrawn yet, cancel it under Umoya Pay, History. Otherwise \
         please log a recall with us.",
        "You can withdraw at partner shops and ATMs: choose Withdraw and use the 6-digit code \
         within 2 hours.",
        "Money can be sent to {country} up to R5,000 a day; the fee is 4%.",
        "A declined payment returns to the wallet within 24 hours.",
    ],
};

const WALLET_ACCESS: Intent = Intent {
    weight: 2,
    english: &[
        "I forgot my Umoya Pay pin",
        "My Umoya Pay is blocked, too many wrong tries",
        "How do I register for Umoya Pay",
        "Someone called me for my otp and now my {amount} is gone",
        "Got an sms that I won {amount} from Umoya, is it real?",
        "I can't log in to Umoya Pay on my new {phone}",
        "Is Umoya Pay safe, I heard about scams",
        "How do I verify my ID for the wallet",
        "Please close my Umoya Pay wallet",
        "My otp never arrives on this number",
    ],
    zulu: &["Ngikhohlwe i-PIN yami ye-Umoya Pay"],
    afrikaans: &["Ek het my Umoya Pay PIN vergeet"],
    sesotho: &["Ke lebetse PIN ya ka ya Umoya Pay"],
    responses: &[
        "Reset the PIN in Umoya Pay with Forgot PIN and your ID number. Wrong PINs block the \
         wallet for an hour.",
        "Umoya never asks for an OTP or PIN. If you shared it, call 081 140 now so that we can \
         freeze the wallet.",
        "That SMS is a scam. Please don't click on it, and forward it to 30040.",
        "Register by dialling *146# with your ID number. Limits go up once you've scanned your ID \
         in the app.",
    ],
};

const UPGRADE: Intent = Intent {
    weight: 3,
    english: &[
        "Am I due for an upgrade?",
        "When can I upgrade, contract started 2 years ago",
        "I want to upgrade to the {phone}, how much extra per month",
        "Can I upgrade early if I pay in",
        "Is the {phone} in stock in {city}?",
        "I only want a sim only deal, not a new phone",
        "My upgrade was declined, why?",
        "Which phones can I get on {plan}",
        "Upgrade order {digits}, when is delivery",
        "Can I trade in my {phone} for a new one",
        "They delivered the wrong colour {phone}",
    ],
    zulu: &["Ngifuna ukwenza i-upgrade, ngithole i-{phone}"],
    afrikaans: &["Kwalifiseer ek al vir 'n opgradering na die {phone}?"],
    sesotho: &["Ke batla upgrade ya {phone}"],
    responses: &[
        "You can upgrade from month 22 on. Dial *148# to see your date.",
        "The {phone} is available on {plan}; the exact monthly price is in the app under Upgrade.",
        "Deliveries take 3 to 5 working days. The courier sends an SMS with a tracking link.",
        "A trade-in of your {phone} is valued in store; the amount is taken off the first bills.",
        "SIM-only plans start at R149 a month and have no device payment.",
    ],
};

const INSURANCE: Intent = Intent {
    weight: 2,
    english: &[
        "My screen is cracked, how do I claim?",
        "I dropped my {phone} in water, am I covered",
        "How much is the excess for a stolen {phone}",
        "My claim {digits} was rejected, why",
        "Does my contract include insurance?",
        "I want to cancel the insurance on my {phone}",
        "Add insurance for my {phone} please",
        "How long does a claim take, no phone {since}",
        "My {phone} is stuck at repairs {since}",
        "Phone is under warranty and won't charge, where do I take it in {city}",
        "Do you repair {phone} screens",
    ],
    zulu: &["Isikrini se-{phone} yami siphukile, ngiklema kanjani?"],
    afrikaans: &["My {phone} se skerm is gekraak, hoe eis ek?"],
    sesotho: &["Founo ya ka e robehile, ke kleima jwang?"],
    responses: &[
        "Claim in the app under Device cover: add a photo and an affidavit. Most claims are \
         decided in 48 hours.",
        "The excess for a {phone} is 10% of the claim, at least R350.",
        "Water damage is covered by Device cover Plus, not by the warranty.",
        "Take the phone to any Umoya store with the invoice. Warranty repairs take 10 to 15 \
         working days.",
        "Device cover costs from R79 a month and can be cancelled at any time in the app.",
    ],
};

const FOLLOW_UP: Intent = Intent {
    weight: 0,
    english: &[
        "Ok and do I need a slip for that?",
        "How much does that cost me",
        "What if the other person already took the money",
        "I don't have the box anymore",
        "Can I do it in the app or must I come in",
        "They told me something else at the store",
        "Ok which documents do you need",
        "So is it approved or not",
        "It still shows pending on my side",
        "How many days is that",
    ],
    zulu: &["Kuzothatha izinsuku ezingaki?"],
    afrikaans: &["Hoeveel dae vat dit?"],
    sesotho: &["Ho tla nka matsatsi a makae?"],
    responses: &[
        "It's all in the app; you only need to come in if we ask for the original document.",
        "We need your ID, the invoice and, for theft, the police case number.",
        "It shows as pending until our team has looked at it, normally within 48 hours.",
        "There's no fee for this step.",
    ],
};

//! Accounts: statements, debit orders, disputes, arrangements and contracts.

use super::{Intent, Topic};

pub(super) const TOPIC: Topic = Topic {
    weight: 13,
    intents: &[STATEMENT, DEBIT_ORDER, DISPUTE, ARRANGEMENT, CANCEL_CONTRACT],
    follow_up: FOLLOW_UP,
};

const STATEMENT: Intent = Intent {
    weight: 2,
    english: &[
        "Please send me my statement for last month",
        "How do I get my invoice, I need it for claims",
        "I didn't receive my bill this month",
        "Need 3 months statements for my home loan application",
        "Where do I download my invoice in the app",
        "Change the email for my statements please",
        "My statement has a password, what is it",
        "Can you send the itemised bill, all calls of last month",
        "Need a tax invoice with my company's vat number",
        "What is my account number?",
        "Need a proof of address letter from you guys",
    ],
    zulu: &["Ngicela isitatimende sami senyanga edlule"],
    afrikaans: &["Stuur asseblief my staat vir verlede maand"],
    sesotho: &["Ke kopa setatemente sa ka sa kgwedi e fetileng"],
    responses: &[
        "Your statements are in the Umoya app under Account, Statements. You can download the last \
         12 months.",
        "I've emailed last month's statement. The password is the last six digits of your ID \
         number.",
        "For an itemised bill, choose Itemised under Account, Statements. It's free once a month.",
        "To change the email address for bills, go to Account, Profile. It works from the next \
         bill on.",
    ],
};

const DEBIT_ORDER: Intent = Intent {
    weight: 4,
    english: &[
        "My debit order went off twice this month",
        "You took {amount} from my account and my plan is only {fee}",
        "Please change my debit order date to {date}",
        "My debit order bounced, how do I pay now",
        "I changed banks, how do I update my debit order",
        "Debit order of {amount} that I don't know, what is it for?",
        "Why was my debit order more than {fee}",
        "My account is suspended but the debit order went off {recent}",
        "Can I pay by eft instead of debit order",
        "What's your bank details for eft, I owe {amount}",
        "Paid {amount} {recent} and it's not showing on my account",
        "Can you wait with the debit order till {date}, I get paid late",
    ],
    zulu: &["Nidonse imali kabili ku-akhawunti yami", "Ngicela ukushintsha usuku lwe-debit order"],
    afrikaans: &[
        "Julle het twee keer {amount} van my rekening afgetrek",
        "Kan ek my debietorder se datum verander na die 25ste?",
    ],
    sesotho: &["Le nkile tjhelete habedi akhaonteng ya ka"],
    responses: &[
        "You can change the debit date to the 1st, 15th or 25th in the app under Account, \
         Payments.",
        "If a debit order went off twice, please send a bank statement; the second amount is paid \
         back within 5 working days.",
        "The amount includes {fee} for {plan} plus usage outside the bundle. The statement lists \
         each item.",
        "To pay by EFT use your account number as the reference. Payments show after two working \
         days.",
        "Please update your bank details in the app under Account, Payments, and sign the new \
         mandate.",
    ],
};

const DISPUTE: Intent = Intent {
    weight: 3,
    english: &[
        "My bill is {amount} but my contract is {fee}, explain",
        "I want to dispute my bill, I never made these calls",
        "Why is my bill so high this month??",
        "You charged me for {country} roaming but I never left SA",
        "I'm charged for a device I already paid off",
        "There's a charge of {amount} on my bill for out of bundle",
        "I cancelled in March and you still bill me",
        "Bill shock eish, {amount}! please check",
        "You handed me over to the lawyers for {amount} I don't owe",
        "I want a refund of {amount}, been waiting {since}",
        "Your system is billing me for two numbers, I only have one",
    ],
    zulu: &["I-bill yami iphezulu kakhulu kule nyanga, kungani?"],
    afrikaans: &["My rekening is {amount}, dis glad nie reg nie"],
    sesotho: &["Hobaneng akhaonto ya ka e le hodimo hakaale?"],
    responses: &[
        "I've opened a dispute for you. The amount in dispute isn't collected until it's decided, \
         within 20 working days.",
        "Your bill is higher because of out-of-bundle data. You can set a spend limit in the app \
         under Account, Limits.",
        "Refunds are paid to your bank account within 7 working days after approval.",
        "The device is paid off after 24 or 36 months; the bill of the last month may still carry \
         a part. I've asked billing to check.",
    ],
};

const ARRANGEMENT: Intent = Intent {
    weight: 2,
    english: &[
        "I can't pay my bill this month, can we make a plan?",
        "I was retrenched, please help with a payment arrangement",
        "Can I pay {amount} now and the rest on {date}",
        "My line is suspended, I paid {amount} {recent}, switch it on",
        "What happens if I pay late",
        "How much do I owe in total?",
        "I need a settlement amount for my contract",
        "Please lift the suspension, I need my phone for work",
        "Can I pay half on {date} and half later",
        "Will I be blacklisted if I miss one payment",
    ],
    zulu: &["Angikwazi ukukhokha kule nyanga, ngicela isikhathi"],
    afrikaans: &["Ek kan nie hierdie maand betaal nie, kan ons 'n reëling tref?"],
    sesotho: &["Ha ke kgone ho lefa kgwedi ena, ke kopa nako"],
    responses: &[
        "We can split the amount over up to three months. Choose Payment arrangement in the app \
         under Account.",
        "Your line is switched on again within two hours after the payment shows on the account.",
        "One late payment isn't reported. After 60 days we must report it to the credit bureau.",
        "Your settlement amount is in the app under Contract, Settle early.",
    ],
};

const CANCEL_CONTRACT: Intent = Intent {
    weight: 2,
    english: &[
        "I want to cancel my contract",
        "How much is the penalty if I cancel {plan} now",
        "When does my contract end?",
        "Cancel my {plan} please, I'm emigrating",
        "My contract ended but you still take {fee}",
        "Can I move my contract to prepaid",
        "I signed up {recent} and changed my mind, can I cancel",
        "Transfer my contract to {person}, how",
        "My father passed away, how do I cancel his contract",
        "Want to go from {plan} to a cheaper one",
    ],
    zulu: &["Ngifuna ukukhansela inkontileka yami"],
    afrikaans: &["Ek wil my kontrak kanselleer"],
    sesotho: &["Ke batla ho emisa konteraka ya ka"],
    responses: &[
        "You can cancel with 20 business days' notice. The penalty depends on the months left and \
         is shown under Contract in the app.",
        "Within 7 days of a sale made by phone you may cancel {plan} at no cost.",
        "You can move {plan} to a smaller plan once a year without a penalty.",
        "We're sorry for your loss. Please send the death certificate and ID to the estates team; \
         no penalty is charged.",
    ],
};

const FOLLOW_UP: Intent = Intent {
    weight: 0,
    english: &[
        "And when will I get my money back?",
        "That doesn't explain the {amount}",
        "Who must I email the bank statement to",
        "Is there a number I can call about this",
        "Ok please do that",
        "I sent it already {recent}",
        "So how much must I pay now exactly",
        "Will my line stay on till then?",
        "I need that in writing please",
        "Last month you said the same thing",
    ],
    zulu: &["Izobuya nini imali yami?"],
    afrikaans: &["Wanneer kry ek my geld terug?"],
    sesotho: &["Tjhelete ya ka e tla kgutla neng?"],
    responses: &[
        "Please upload the document in the app under Account, Messages, so that it stays with your \
         case.",
        "Your line stays on while the case is open.",
        "The billing team confirms in writing by email within 5 working days.",
        "The outstanding amount is on the first page of the statement, under Total due.",
    ],
};

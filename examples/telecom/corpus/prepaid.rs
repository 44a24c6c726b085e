//! Prepaid data: bundles, balances, expiry and data that vanishes.

use super::{Intent, Topic};

pub(super) const TOPIC: Topic = Topic {
    weight: 22,
    intents: &[DATA_FINISHED, BUY_DATA, DATA_EXPIRY, DATA_TRANSFER, BALANCE],
    follow_up: FOLLOW_UP,
};

const DATA_FINISHED: Intent = Intent {
    weight: 4,
    english: &[
        "My data is finished but I only loaded {data} {recent}",
        "How can {data} be finished in one day, I hardly used it",
        "My data just disappeared, I had {data} {recent}",
        "I loaded {data} for {price} and it's already gone, what is eating my data?",
        "Eish my data is finished again and I didn't even watch anything",
        "Where did my {data} go? I only used WhatsApp",
        "Data depleted sms came but I bought {data} {recent}",
        "Why is my data running out so fast on my {phone}?",
        "I get an sms that says 80% of my data is used, that can't be right",
        "My kids finished all my data, how do I block it from happening",
        "Data usage is not adding up, {data} gone overnight while I was sleeping",
        "Can you check why my bundle went from {data} to zero {recent}?",
    ],
    zulu: &[
        "I-data yami iphelile kodwa ngithenge i-{data} izolo",
        "I-data yami iphela ngokushesha, kungani?",
    ],
    afrikaans: &[
        "My data is klaar maar ek het net gister {data} gekoop",
        "Hoekom raak my data so vinnig op?",
    ],
    sesotho: &[
        "Data ya ka e fedile empa ke rekile {data} maobane",
        "Hobaneng data ya ka e fela kapele?",
    ],
    responses: &[
        "I checked and your {data} bundle was used mostly by video and app updates. Turn on data \
         saver in your phone's settings to slow this down.",
        "Background apps often use data overnight. On the Umoya app, go to Usage to see which day \
         the {data} was used.",
        "Sorry to hear that. Dial *140*5# to see your data usage per day, and switch off automatic \
         updates on your {phone}.",
        "Your bundle is depleted. You can buy {data} for {price} valid for {days} by dialling \
         *140#.",
        "You can set a daily data limit in the Umoya app under Settings, Data limits, so that a \
         bundle lasts longer.",
    ],
};

const BUY_DATA: Intent = Intent {
    weight: 5,
    english: &[
        "How do I buy {data} for {price}?",
        "I want to buy data {data} for {days}",
        "How much is {data} valid for {days}?",
        "Which data bundle can I get for {airtime}?",
        "What is the cheapest {data} deal you have now",
        "Do you have night data or only anytime data?",
        "Can I buy data for {person} from my phone?",
        "I have {airtime} airtime, what bundle must I take",
        "Howzit, looking for a weekly data deal not too expensive",
        "What's the ussd code to buy data again?",
        "Is there a whatsapp bundle for {days}",
        "I need data for my {phone}, looking at the {data} one",
        "Do you still have the {data} at {price} special?",
        "Tried to buy {data} but it says insufficient funds and I do have airtime",
    ],
    zulu: &[
        "Ngifuna ukuthenga i-data engu-{data}, yimalini?",
        "Ngingayithenga kanjani i-data nge-airtime?",
        "Yimalini i-{data}?",
    ],
    afrikaans: &[
        "Ek wil {data} data koop, hoeveel kos dit?",
        "Wat is die goedkoopste data vir {days}?",
    ],
    sesotho: &["Ke batla ho reka data ya {data}, ke bokae?", "Nka reka data jwang ka airtime?"],
    responses: &[
        "Dial *140# and choose Data, or open the Umoya app. {data} costs {price} and is valid for \
         {days}.",
        "Our {data} bundle is {price}, valid for {days}. You can pay with airtime or with your \
         bank card in the app.",
        "You can buy data for another Umoya number: dial *140*3#, enter the number and pick the \
         bundle.",
        "Night data works from 00:00 to 05:00, anytime data works all day. Both are listed under \
         Data on *140#.",
        "WhatsApp bundles start at R12 for a week. Dial *140# and choose Social bundles.",
        "Please make sure that you have at least {price} airtime, then dial *140# and choose \
         {data} for {days}.",
    ],
};

const DATA_EXPIRY: Intent = Intent {
    weight: 2,
    english: &[
        "When does my {data} expire?",
        "Can I extend my data before it expires, I still have a lot left",
        "My data expired {recent} and I still had {data}, can I get it back?",
        "Why must data expire if I paid for it with my own money",
        "Does unused data roll over to the next month",
        "How do I roll over my {data} bundle, it ends tomorrow",
        "It says valid for {days} but it expired already",
        "How many days is the {data} bundle valid?",
        "If I buy {data} again does the old data carry over?",
        "Please extend my data, I was in hospital and could not use it",
        "How long does night data last before it's gone",
    ],
    zulu: &["I-data yami iphela nini?"],
    afrikaans: &["Wanneer verval my {data}?", "Kan ek my data laat oorrol na volgende maand?"],
    sesotho: &["Data ya ka e fela neng?"],
    responses: &[
        "Your {data} bundle is valid for {days} from the moment you bought it. Dial *140*2# to see \
         the expiry date.",
        "Unused data rolls over once if you buy the same bundle before it expires.",
        "Expired data can't be restored, but you can extend a bundle up to 24 hours before it ends \
         with *140*6#.",
        "To roll data over, open the Umoya app, choose the bundle and tap Extend. It costs R10 for \
         7 days.",
    ],
};

const DATA_TRANSFER: Intent = Intent {
    weight: 2,
    english: &[
        "Can I send data to {person}?",
        "How do I transfer {data} to another number",
        "I want to share my data with {person}, she is also on Umoya",
        "Data transfer is failing, it says recipient not allowed",
        "Sent {data} to the wrong number, can you reverse it?",
        "Is there a limit on how much data I can share per day",
        "Can I transfer data to someone on {network}?",
        "What is the code to share data",
        "I gave {person} {data} but nothing arrived",
        "Data sharing charges? do you take something from it",
        "Want to gift {data} to {person} for a birthday, how",
    ],
    zulu: &["Ngifuna ukuthumela i-data kumngane wami"],
    afrikaans: &["Kan ek van my data vir {af_person} stuur?"],
    sesotho: &["Ke batla ho romela data ho motswalle wa ka"],
    responses: &[
        "Dial *140*4#, enter the Umoya number and the amount of data. You can share up to 2GB a \
         day.",
        "Data can only be shared between Umoya numbers, not with {network} or other networks.",
        "A transfer that went through can't be reversed by us. Please ask the person to send it \
         back.",
        "Sharing is free. The shared data keeps the expiry date of your bundle.",
    ],
};

const BALANCE: Intent = Intent {
    weight: 3,
    english: &[
        "How do I check my balance?",
        "What's my airtime and data balance",
        "Balance check pls",
        "The balance code is not working, I get an error",
        "How much data do I have left",
        "I want to see my minutes and sms balance also",
        "App shows {airtime} but ussd shows zero, which one is right?",
        "Where do I see my night data balance in the app",
        "Can you tell me my balance on {digits}, I don't have airtime to call",
        "My balance is not updating after I recharged {airtime}",
        "Check the balance of my router sim, how",
    ],
    zulu: &["Ngicela ukubheka i-balance yami"],
    afrikaans: &["Hoe kyk ek hoeveel data ek oor het?"],
    sesotho: &["Ke kopa ho tseba balance ya ka"],
    responses: &[
        "Dial *140*1# for free to see airtime, data, minutes and SMS balances.",
        "Your balances are on the home screen of the Umoya app. Pull down to refresh.",
        "The balance can take up to 15 minutes to update after a recharge. *140*1# shows the \
         latest.",
        "For a router SIM, log in to the Umoya app with the router's number and choose Balances.",
    ],
};

const FOLLOW_UP: Intent = Intent {
    weight: 0,
    english: &[
        "Ok and how much is the bigger one",
        "Is that valid for the whole month?",
        "I did that but it still says no data",
        "And can I use it at night also?",
        "Ok but I already bought it {recent}",
        "Will it work on my {phone} too?",
        "Does that take from my airtime or from the card",
        "Which option must I press on the menu",
        "The code gives connection problem or invalid mmi code",
        "Ok let me try that, how long does it take?",
    ],
    zulu: &["Kulungile, ngenze njani manje?"],
    afrikaans: &["Ok ek het dit probeer maar dit werk nie"],
    sesotho: &["Ho lokile, jwale ke etse jwang?"],
    responses: &[
        "It takes effect at once. Restart your phone if the new balance doesn't show in five \
         minutes.",
        "Yes, you can use it at any time of the day until it expires.",
        "If the code fails, please try the Umoya app, which is free to use even without data.",
        "Bundles bought on *140# use airtime first. In the app you can choose a bank card.",
    ],
};

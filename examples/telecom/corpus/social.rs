//! What frames a conversation: greetings, thanks, complaints and the wish for a person.

use super::Intent;

pub(crate) const GREETING: Intent = Intent {
    weight: 0,
    english: &[
        "Hi",
        "Hello",
        "Hi there, anyone here?",
        "Good morning, can you help me?",
        "Howzit",
        "Hey Umoya",
        "Hello, I have a question about my account",
        "Hi I need some help pls",
        "Good day, is this the support chat?",
        "Aweh, you guys online?",
        "Heita, can you help me quick",
        "Is this a person or a robot?",
        "Evening, are you still open?",
    ],
    zulu: &["Sawubona", "Sawubona, unjani?", "Sanibonani, ngicela usizo", "Ngicela ukubuza"],
    afrikaans: &["Goeie dag", "Hallo, kan julle my help?", "Môre, ek soek hulp asseblief"],
    sesotho: &["Dumela", "Dumelang, ke kopa thuso", "Dumela, o kae?"],
    responses: &[
        "Hello! I'm the Umoya assistant. How can I help you today?",
        "Hi there! Ask me about data, airtime, SIMs, fibre or your account.",
        "Good day, welcome to Umoya Mobile. What can I do for you?",
        "Sawubona! I'm Umoya's virtual assistant. What would you like to know?",
        "Welcome back to Umoya. What is it about today?",
    ],
};

pub(crate) const THANKS: Intent = Intent {
    weight: 0,
    english: &[
        "Thanks",
        "Thank you so much",
        "Ok thanks that worked",
        "Sharp sharp",
        "Great it's working now, thanks",
        "Thanks for the help, have a lekker day",
        "Cool thx",
        "You're a star",
        "No that's all, thank you",
        "Ok let me try that, thanks hey",
        "Perfect, bye",
        "Shap, thank you my bra",
    ],
    zulu: &["Ngiyabonga", "Ngiyabonga kakhulu", "Ngiyabonga ngosizo lwakho"],
    afrikaans: &["Dankie", "Baie dankie vir jou hulp", "Dankie dit werk nou"],
    sesotho: &["Ke a leboha", "Ke a leboha haholo"],
    responses: &[
        "You're welcome! Is there anything else?",
        "It's a pleasure. Have a lovely day!",
        "Glad I could help. Umoya wishes you a good day.",
        "Great! We're here whenever you need us.",
        "Only a pleasure. Chat to us again any time.",
    ],
};

pub(crate) const COMPLAINT: Intent = Intent {
    weight: 0,
    english: &[
        "This is the worst service ever",
        "You people are useless, nobody helps me",
        "I've been waiting {since} and nobody called me back",
        "I'm going to report you to ICASA",
        "Nobody answers at your call centre, I waited for an hour",
        "I've been a loyal customer for 10 years and this is how you treat me",
        "This chat is going in circles, you don't understand me",
        "I'll put this on social media, let everyone see",
        "Every month the same nonsense with Umoya",
        "I want to lodge a formal complaint, give me an email",
        "The agent in {city} was very rude to me {recent}",
        "Voetsek with this bot man",
    ],
    zulu: &["Sengikhathele yile nkinga", "Akekho ongisizayo"],
    afrikaans: &["Julle diens is regtig swak", "Ek is nou moeg vir hierdie gesukkel"],
    sesotho: &["Ke kgathetse ke bothata bona"],
    responses: &[
        "I'm sorry for the trouble. I can log a formal complaint; you'll get a reference by SMS \
         and an answer within 3 working days.",
        "I understand that you're frustrated, and I'm sorry. Let me try again: what is the most \
         urgent thing I can fix?",
        "Our apologies. You can write to complaints@umoya.example with your number, and a team \
         leader will call you.",
        "I'm sorry that we let you down. I've passed this on to the service manager of your \
         region.",
    ],
};

pub(crate) const HUMAN: Intent = Intent {
    weight: 0,
    english: &[
        "I want to speak to a person",
        "Agent please",
        "Can someone call me back",
        "Give me the call centre number",
        "Stop with the robot answers, connect me to a consultant",
        "Is there a human I can chat with?",
        "Pls transfer me to a live agent",
        "I need to talk to a manager",
        "What are your office hours for calls",
        "Call me on my other number ending {digits}",
    ],
    zulu: &["Ngifuna ukukhuluma nomuntu"],
    afrikaans: &["Ek wil met 'n mens praat", "Kan iemand my asseblief bel?"],
    sesotho: &["Ke batla ho bua le motho"],
    responses: &[
        "I'll connect you to a consultant. The waiting time is about 10 minutes.",
        "Our call centre is open from 7:00 to 21:00 at 081 140, free from an Umoya number.",
        "A consultant will call you back within 2 hours. Please keep your phone near you.",
        "All consultants are busy. Would you like a call back, or shall I try to help first?",
    ],
};

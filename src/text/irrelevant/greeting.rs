//! Messages that only greet, thank or take leave.
//!
//! Phrases of our own writing, compared without accents and tone marks. Those in Amharic, Hausa,
//! Igbo, Swahili, Yoruba and Zulu were not reviewed by native speakers.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::text::signals::reading::Reading;

/// Bytes of the longest message that is looked at, and words of the longest phrase.
const MAX_BYTES: usize = 160;
const MAX_WORDS: usize = 5;

/// By language, with a comma between phrases.
const PHRASES: &[&str] = &[
    // English
    "bye, bye bye, cheers, good afternoon, good bye, good day, good evening, good morning, \
     good night, goodbye, greetings, have a good day, have a great day, have a nice day, \
     hello, hey, hi, hiya, how are you, how are you doing, how are you today, howdy, many \
     thanks, see you, see you later, thank you, thank you so much, thank you very much, \
     thanks, thanks a lot, thanks so much, thx",
    // French
    "au revoir, bonjour, bonne journée, bonne nuit, bonne soirée, bonsoir, ça va, comment \
     allez-vous, comment ça va, coucou, merci, merci beaucoup, merci bien, salut, à bientôt",
    // Portuguese
    "adeus, até logo, boa noite, boa tarde, bom dia, muito obrigada, muito obrigado, \
     obrigada, obrigado, oi, olá, tchau, tudo bem",
    // Spanish
    "adiós, buenas, buenas noches, buenas tardes, buenos días, cómo está, cómo estás, \
     gracias, hasta luego, hola, muchas gracias, qué tal",
    // Arabic
    "أهلا, أهلا بك, أهلا وسهلا, السلام عليكم, السلام عليكم ورحمة الله, السلام عليكم ورحمة \
     الله وبركاته, شكرا, شكرا جزيلا, شكرا لك, شكرا لكم, صباح الخير, صباح النور, كيف حالك, \
     مرحبا, مساء الخير, مساء النور, مع السلامة, وعليكم السلام, marhaba, salam, salam alaikum, \
     shukran",
    // Swahili
    "ahsante, ahsante sana, asante, asante sana, habari, habari gani, habari yako, habari za \
     asubuhi, habari za jioni, habari za leo, habari za mchana, hujambo, jambo, kwaheri, \
     mambo, mambo vipi, nashukuru, salamu, shikamoo, usiku mwema",
    // Afrikaans
    "baie dankie, dankie, goeie dag, goeie middag, goeie môre, goeie naand, goeiedag, \
     goeiemiddag, goeiemôre, goeienaand, hallo, hoe gaan dit, hoe gaan dit met jou, totsiens",
    // Zulu
    "hamba kahle, ngiyabonga, ngiyabonga kakhulu, ninjani, sala kahle, sanibonani, sawubona, \
     siyabonga, unjani",
    // Hausa
    "assalamu alaikum, barka, barka da rana, barka da safiya, barka da yamma, ina kwana, ina \
     wuni, ina yini, mun gode, na gode, na gode sosai, nagode, sai an jima, salama alaikum, \
     sannu, sannunku",
    // Yoruba
    "báwo ni, ẹ kú alẹ́, ẹ kú ìrọ̀lẹ́, ẹ kú ọ̀sán, ẹ káalẹ́, ẹ káàárọ̀, ẹ káàsán, ẹ n lẹ́, ẹ \
     ṣé, ẹ ṣé gan, ẹ ṣeun, ekaaro, ekasan, ó dàbọ̀, o ṣé, o ṣeun, pẹ̀lẹ́, ẹ kaaro",
    // Igbo
    "daalụ, dalu, ehihie ọma, imela, ka chi fo, ka ọ dị, kedu, kedu ka ị mere, mgbede ọma, \
     ndeewo, ndewo, nnọọ, ụtụtụ ọma",
    // Amharic
    "ሰላም, ሰላም ነው, ቻው, አመሰግናለሁ, እንዴት ነህ, እንዴት ነሽ, እንዴት ነዎት, እንደምን አደሩ, እንደምን አደርሽ, እንደምን አደርክ, \
     እንደምን ዋሉ, በጣም አመሰግናለሁ, ደህና ሁን, ደህና ሁኚ, ጤና ይስጥልኝ, selam",
];

/// Words that may stand beside a greeting.
const COMPANY: &[&str] = &[
    "again", "all", "and", "bot", "dear", "everyone", "friend", "madam", "ok", "okay", "sir", "so",
    "team", "there", "to", "you", "please", "very", "much",
];

fn phrases() -> impl Iterator<Item = &'static str> {
    PHRASES.iter().flat_map(|language| language.split(", "))
}

static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| phrases().map(fold).collect());

/// Whether `text` is greetings, thanks and farewells only.
pub(super) fn is_greeting(text: &str) -> bool {
    if text.len() > MAX_BYTES {
        return false;
    }
    let folded = fold(text);
    let reading = Reading::new(&folded);
    let words: Vec<&str> = reading.lower_words().collect();
    let mut rest = words.as_slice();
    let mut greets = false;
    while let Some(first) = rest.first() {
        let longest = (1..=MAX_WORDS.min(rest.len()))
            .rev()
            .find(|&length| KNOWN.contains(&rest[..length].join(" ")));
        greets |= longest.is_some();
        let length = longest.or_else(|| COMPANY.contains(first).then_some(1));
        let Some(length) = length else { return false };
        rest = &rest[length..];
    }
    greets
}

/// `text` in lower case without accents, tone marks and the marks of Arabic.
fn fold(text: &str) -> String {
    text.nfkd().filter(|&c| !is_combining_mark(c)).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_alone_are_found() {
        for text in [
            "Hi!",
            "hello there",
            "Good morning, how are you?",
            "OK thank you so much 🙏",
            "MERCI !",
            "Bom dia, tudo bem?",
            "Buenos dias",
            "السَّلامُ عليكم",
            "شكراً",
            "Habari, asante sana",
            "Goeie more",
            "Sawubona, unjani?",
            "Na gode sosai",
            "E kaaro",
            "Ẹ ṣé",
            "Daalu",
            "ሰላም!",
        ] {
            assert!(is_greeting(text), "{text}");
        }
    }

    #[test]
    fn whoever_asks_as_well_is_kept() {
        for text in [
            "",
            "?",
            "ok",
            "you there",
            "hi where is my card",
            "thanks but no",
            "salut ma carte",
            "habari ya mkopo",
            "hello world",
            "bonjour je veux un prêt",
        ] {
            assert!(!is_greeting(text), "{text}");
        }
        assert!(!is_greeting(&"hi ".repeat(60)), "long");
    }

    #[test]
    fn phrases_are_short_enough() {
        assert!(phrases().all(|phrase| phrase.split(' ').count() <= MAX_WORDS));
        assert!(phrases().all(is_greeting));
    }
}

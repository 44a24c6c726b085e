//! An assistant that declines to answer.
//!
//! Phrases of our own writing, looked for where a response begins. Those in Amharic, Hausa, Igbo,
//! Swahili, Yoruba and Zulu were not reviewed by native speakers.

use std::ops::Range;
use std::sync::LazyLock;

use super::phrases::Phrases;
use super::reading::Reading;

/// Characters at the beginning that are read: a refusal says so at once.
const HEAD: usize = 150;

const ENGLISH: &[&str] = &[
    "against my guidelines",
    "against my programming",
    "against our guidelines",
    "as a language model",
    "as a large language model",
    "as an ai",
    "as an artificial intelligence",
    "beyond what i can",
    "can not assist with",
    "can not help with",
    "can't answer that",
    "can't answer this",
    "can't assist with",
    "can't assist you with",
    "can't comply",
    "can't discuss",
    "can't engage in",
    "can't fulfill",
    "can't help with",
    "can't help you with",
    "can't provide",
    "can't share",
    "can't support that request",
    "cannot answer that",
    "cannot answer this",
    "cannot assist with",
    "cannot assist you with",
    "cannot comply",
    "cannot discuss",
    "cannot engage in",
    "cannot fulfil",
    "cannot fulfill",
    "cannot help with",
    "cannot help you with",
    "cannot provide",
    "cannot share",
    "cannot support that request",
    "enough information to answer",
    "i am not allowed to",
    "i am not authorised to",
    "i am not authorized to",
    "i am not comfortable",
    "i am not permitted to",
    "i have to decline",
    "i must decline",
    "i must refuse",
    "i will not assist",
    "i will not help",
    "i will not provide",
    "i won't assist",
    "i won't be able to assist",
    "i won't be able to help",
    "i won't help",
    "i won't provide",
    "i'm not allowed to",
    "i'm not authorised to",
    "i'm not authorized to",
    "i'm not comfortable",
    "i'm not permitted to",
    "not able to answer that",
    "not able to assist",
    "not able to discuss",
    "not able to help with",
    "not able to help you with",
    "not able to provide",
    "not able to share",
    "not something i can do",
    "not something i can help",
    "outside my scope",
    "outside of what i can",
    "outside the scope of what i can",
    "outside what i can",
    "unable to answer that",
    "unable to answer this",
    "unable to assist",
    "unable to comply",
    "unable to discuss",
    "unable to fulfil",
    "unable to fulfill",
    "unable to help with",
    "unable to help you with",
    "unable to provide",
    "unable to share",
];

const FRENCH: &[&str] = &[
    "en tant qu'assistant virtuel, je ne",
    "en tant qu'ia",
    "en tant que modèle de langage",
    "il m'est impossible d'accéder à cette demande",
    "il m'est impossible de répondre",
    "je dois refuser",
    "je ne peux pas accéder à cette demande",
    "je ne peux pas fournir",
    "je ne peux pas partager",
    "je ne peux pas répondre à",
    "je ne peux pas satisfaire",
    "je ne peux pas t'aider",
    "je ne peux pas vous aider",
    "je ne peux pas vous fournir",
    "je ne suis pas autorisé",
    "je ne suis pas autorisée",
    "je ne suis pas en mesure",
];

const PORTUGUESE: &[&str] = &[
    "como modelo de linguagem",
    "como um modelo de linguagem",
    "como uma ia",
    "não consigo ajudar",
    "não estou autorizada a",
    "não estou autorizado a",
    "não me é possível",
    "não posso ajudar",
    "não posso atender a esse pedido",
    "não posso atender a este pedido",
    "não posso compartilhar",
    "não posso fornecer",
    "não posso o ajudar",
    "não posso partilhar",
    "não posso responder a",
    "não posso te ajudar",
    "não sou capaz de",
    "tenho de recusar",
];

const SPANISH: &[&str] = &[
    "como ia,",
    "como modelo de lenguaje",
    "como un modelo de lenguaje",
    "como una ia",
    "debo negarme",
    "no estoy autorizada a",
    "no estoy autorizado a",
    "no me es posible",
    "no puedo ayudar con",
    "no puedo ayudarle con",
    "no puedo ayudarte con",
    "no puedo compartir",
    "no puedo cumplir con",
    "no puedo proporcionar",
    "no puedo responder a",
    "no soy capaz de",
];

const ARABIC: &[&str] = &[
    "أعتذر عن عدم",
    "بصفتي نموذج",
    "غير قادر على المساعدة",
    "غير قادر على مساعدتك",
    "غير مسموح لي",
    "كنموذج لغوي",
    "لا أستطيع الإجابة",
    "لا أستطيع المساعدة",
    "لا أستطيع تقديم",
    "لا أستطيع مساعدتك",
    "لا يمكنني الإجابة",
    "لا يمكنني المساعدة",
    "لا يمكنني تقديم",
    "لا يمكنني مساعدتك",
];

const SWAHILI: &[&str] = &[
    "kama akili bandia",
    "kama modeli ya lugha",
    "sina uwezo wa",
    "siruhusiwi",
    "sitaweza kukusaidia",
    "siwezi kujibu",
    "siwezi kukupa",
    "siwezi kukusaidia",
    "siwezi kusaidia",
    "siwezi kutoa",
];

const AFRIKAANS: &[&str] = &[
    "as 'n ki",
    "as 'n taalmodel",
    "ek is nie in staat",
    "ek is nie toegelaat",
    "ek kan jou nie daarmee help",
    "ek kan jou nie help",
    "ek kan nie daarmee help",
    "ek kan nie hiermee help",
    "ek kan nie jou help",
    "ek kan u nie help",
    "ek mag nie",
];

const ZULU: &[&str] = &[
    "angikwazi ukukunikeza",
    "angikwazi ukukusiza",
    "angikwazi ukunikeza",
    "angikwazi ukuphendula",
    "angikwazi ukusiza",
    "angivunyelwe",
    "ngeke ngikwazi ukukusiza",
];

const HAUSA: &[&str] = &[
    "a matsayina na ai",
    "ba a yarda min",
    "ba ni da ikon",
    "ba zan iya amsa",
    "ba zan iya ba da",
    "ba zan iya bayar",
    "ba zan iya taimaka",
    "ba zan iya yin hakan",
];

const YORUBA: &[&str] = &[
    "mi o le dahun",
    "mi o le ran o lowo",
    "mi o le ran yin lowo",
    "mi ò lè dáhùn",
    "mi ò lè ràn yín lọ́wọ́",
    "mi ò lè ràn ọ́ lọ́wọ́",
    "n ko le ran",
    "n kò lè ràn",
    "nko le ran",
];

const IGBO: &[&str] = &[
    "agaghi m enwe ike",
    "agaghị m enwe ike",
    "apughi m inyere",
    "apụghị m inyere",
    "enweghi m ike inyere",
    "enweghi m ike iza",
    "enweghị m ike inyere",
    "enweghị m ike ịza",
];

const AMHARIC: &[&str] = &[
    "ልረዳህ አልችልም",
    "ልረዳሽ አልችልም",
    "ልረዳዎ አልችልም",
    "ልረዳዎት አልችልም",
    "መመለስ አልችልም",
    "መርዳት አልችልም",
    "ማቅረብ አልችልም",
    "አልተፈቀደልኝም",
    "ይህን ማድረግ አልችልም",
];

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::new(&[
        ENGLISH, FRENCH, PORTUGUESE, SPANISH, ARABIC, SWAHILI, AFRIKAANS, ZULU, HAUSA, YORUBA,
        IGBO, AMHARIC,
    ])
});

pub(super) fn find(reading: &Reading) -> Option<Range<usize>> {
    let head = reading.lower.char_indices().nth(HEAD).map_or(reading.lower.len(), |(at, _)| at);
    PHRASES.find(reading.lower.get(..head)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(text: &str) -> bool {
        find(&Reading::new(text)).is_some()
    }

    #[test]
    fn refusals_are_seen_in_every_language() {
        for text in [
            "I'm sorry, but I can’t help with that.",
            "Sorry. As an AI, I do not have opinions.",
            "Désolé, JE NE PEUX PAS vous aider.",
            "Desculpe, não posso ajudar com isso.",
            "Lo siento, no puedo ayudarte con eso.",
            "عذراً، لا يمكنني مساعدتك في ذلك.",
            "Samahani, siwezi kukusaidia na hilo.",
            "Jammer, ek kan nie daarmee help nie.",
            "Ngiyaxolisa, angikwazi ukukusiza ngalokho.",
            "Yi hakuri, ba zan iya taimaka maka ba.",
            "Má bínú, mi ò lè ràn ọ́ lọ́wọ́.",
            "Ndo, enweghị m ike inyere gị aka.",
            "ይቅርታ፣ በዚህ ልረዳዎት አልችልም።",
        ] {
            assert!(refuses(text), "{text}");
        }
    }

    #[test]
    fn bad_news_is_no_refusal() {
        for text in [
            "Sorry, I could not find a bus at that time.",
            "Unfortunately the hotel has no room on March 3rd.",
            "I can help with that.",
            "As an aide, she helped.",
            "You can't bring your own food.",
        ] {
            assert!(!refuses(text), "{text}");
        }
        let late = format!("{} I can't help with that.", "It is 5 pm. ".repeat(20));
        assert!(!refuses(&late), "after the head");
    }
}

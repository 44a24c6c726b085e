//! Texts that stop before their end.
//!
//! Without knowing what the text should have been, only traces of a cut can be seen: what the last
//! character, the last word or an open bracket promises, a length at a common limit, and a last
//! sentence without a full stop after several that have one. A text that was cut between two words
//! without such a trace passes for a short one.

use std::ops::Range;

use super::reading::Reading;

/// Lengths in characters at which messages, database columns and interfaces cut.
const CAPS: &[usize] = &[
    140, 160, 182, 200, 250, 255, 256, 280, 300, 500, 512, 1000, 1024, 1500, 1600, 2000, 2048,
    3000, 4000, 4096, 5000, 8000, 8192, 10_000, 16_384,
];

/// Sentences with a full stop that a text must have before a missing one is a trace.
const SENTENCES: usize = 3;

/// Where the trace of a cut is.
pub(super) fn find(reading: &Reading, language: Option<&str>) -> Option<Range<usize>> {
    let whole = reading.trimmed();
    let text = reading.text.get(whole.clone())?;
    let last = text.chars().next_back()?;
    let last_at = whole.end - last.len_utf8()..whole.end;
    if is_opening(text, last) {
        return Some(last_at);
    }
    // A text that ends as a sentence does may be sloppy elsewhere.
    if !last.is_alphanumeric() && last != '-' {
        return None;
    }
    let last_word = reading.words.last().cloned()?;
    let dangles = reading.words.len() > 1
        && (dangling(language).contains(&reading.lower.get(last_word.clone())?)
            || language == Some("en") && text.starts_with(char::is_uppercase) && hangs(reading));
    let capped = || CAPS.binary_search(&text.chars().count()).is_ok();
    if dangles
        || last == '-' && ends_in(text, char::is_alphabetic)
        || capped()
        || lacks_full_stop(text)
    {
        return Some(last_word);
    }
    open_bracket(text).map(|at| whole.start + at..whole.end)
}

/// Whether `last`, the last character of `text`, promises more: a comma, a colon after a word, an
/// opening bracket or quote.
fn is_opening(text: &str, last: char) -> bool {
    match last {
        ',' | '،' | '、' | '，' | '፣' | ':' | '：' => ends_in(text, char::is_alphabetic),
        // After a space: a sad face and the closing quote of German come without.
        '(' | '[' | '{' | '“' | '‘' | '„' | '«' => ends_in(text, char::is_whitespace),
        '（' | '「' => true,
        _ => false,
    }
}

/// Whether the last but one character of `text` is of a kind.
fn ends_in(text: &str, kind: fn(char) -> bool) -> bool {
    text.chars().rev().nth(1).is_some_and(kind)
}

/// Whether the last of several sentences has no full stop, where the others have one.
fn lacks_full_stop(text: &str) -> bool {
    let last_line = text.rsplit('\n').next().unwrap_or_default();
    // A line of its own may be a title, an item of a list, a name or an address.
    if last_line.len() != text.len() || text.ends_with(char::is_uppercase) || ends_in_link(text) {
        return false;
    }
    let mut sentences = 0;
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let ends = match c {
            '.' | '!' | '?' => before.is_lowercase() && chars.peek() == Some(&' '),
            '。' | '！' | '？' | '።' | '؟' | '।' => true,
            _ => false,
        };
        sentences += usize::from(ends);
        before = c;
    }
    sentences >= SENTENCES
}

fn ends_in_link(text: &str) -> bool {
    let word = text.split_whitespace().next_back().unwrap_or_default();
    word.contains("://") || word.contains('@') || word.contains('.')
}

/// Where a bracket or a code block was opened and not closed in the last part of `text`.
fn open_bracket(text: &str) -> Option<usize> {
    if text.matches("```").count() % 2 == 1 {
        return text.rfind("```");
    }
    let pairs = [('(', ')'), ('[', ']'), ('{', '}'), ('“', '”'), ('«', '»')];
    pairs.into_iter().find_map(|(open, close)| {
        let at = text.rfind(open)?;
        let before = text[..at].chars().next_back();
        // ":(" and "=[" are faces.
        let face = before.is_some_and(|c| ":;=-'".contains(c));
        // „…“ closes with what opens elsewhere.
        let closes = open == '“' && text.contains('„');
        (!face && !closes && !text[at..].contains(close)).then_some(at)
    })
}

/// Whether an English statement ends with a word that only a question or an answer ends with:
/// "what it is", "the shop I went to", "yes, I will". Only for texts that begin with a capital:
/// hasty messages leave out the question's mark and its first word as well.
fn hangs(reading: &Reading) -> bool {
    const HANGING: &[&str] = &[
        "are", "at", "be", "been", "can", "could", "for", "from", "has", "in", "is", "of",
        "should", "to", "was", "were", "which", "will", "with", "would",
    ];
    const SUBJECTS: &[&str] =
        &["he", "i", "it", "she", "that", "there", "they", "this", "we", "you"];
    const ASKING: &[&str] =
        &["how", "what", "what's", "when", "where", "which", "who", "why", "if", "anything"];
    let mut words = reading.lower_words().rev();
    let (Some(last), Some(before)) = (words.next(), words.next()) else { return false };
    HANGING.contains(&last)
        && !SUBJECTS.contains(&before)
        && !words.any(|word| ASKING.contains(&word))
        && !ASKING.contains(&before)
}

/// Words that no sentence of `language` ends with: articles, possessives, conjunctions. Lists of
/// our own writing; those in Amharic, Hausa, Igbo, Swahili, Yoruba and Zulu were not reviewed by
/// native speakers.
fn dangling(language: Option<&str>) -> &'static [&'static str] {
    match language.unwrap_or_default() {
        "af" => &["die", "en", "maar", "want", "omdat", "dat", "of"],
        "am" => &["እና", "ወይም", "ስለ", "ወደ"],
        "ar" => &["إلى", "التي", "الذي", "أن", "أو", "إن", "على", "عن", "في", "لأن", "و"],
        "en" => &[
            "a",
            "an",
            "and",
            "because",
            "but",
            "every",
            "i'll",
            "i'm",
            "i've",
            "i’ll",
            "i’m",
            "i’ve",
            "if",
            "including",
            "into",
            "its",
            "my",
            "or",
            "our",
            "than",
            "the",
            "their",
            "they're",
            "we",
            "we'll",
            "we're",
            "we've",
            "we’ll",
            "we’re",
            "we’ve",
            "whether",
            "you're",
            "you’re",
            "your",
        ],
        "es" => &[
            "al", "con", "cuyo", "de", "del", "el", "en", "la", "las", "los", "o", "para", "pero",
            "por", "porque", "su", "sus", "un", "una", "y",
        ],
        "fr" => &[
            "au", "aux", "car", "ce", "ces", "cette", "chez", "dans", "de", "des", "dont", "du",
            "et", "la", "le", "les", "leurs", "ma", "mais", "mes", "mon", "nos", "notre", "ou",
            "parce", "que", "sa", "ses", "ta", "tes", "un", "une", "vos", "votre",
        ],
        "ha" => &["amma", "da", "domin", "kuma", "saboda", "zuwa"],
        "ig" => &["ka", "mana", "na", "nke"],
        "pt" => &[
            "ao", "aos", "com", "da", "das", "de", "do", "dos", "e", "em", "mas", "na", "nas",
            "no", "nos", "o", "os", "ou", "para", "pela", "pelo", "porque", "sem", "seu", "seus",
            "sua", "suas", "um", "uma",
        ],
        "sw" => &[
            "ambaye", "ambayo", "au", "cha", "katika", "kutoka", "kwa", "kwamba", "lakini", "na",
            "vya", "wa", "ya", "za",
        ],
        "yo" => &["àti", "ati", "láti", "lati", "nítorí", "nitori", "tàbí", "tabi", "tí", "ti"],
        "zu" => &["futhi", "kodwa", "ngoba", "noma", "ukuthi"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> bool {
        find(&Reading::new(text), Some("en")).is_some()
    }

    #[test]
    fn caps_are_sorted() {
        assert!(CAPS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn traces_of_a_cut_are_seen() {
        for text in [
            "Please confirm the following:",
            "Ok,",
            "The train leaves from the",
            "I can book it (the cheaper",
            "She said “we will",
            "The bus will",
            "It is availa-",
            "It opens at nine. It closes at ten. It is shut today. It will open ag",
            "Use this:\n```\nlet x = 1",
            "We found three hotels and",
        ] {
            assert!(cut(text), "{text}");
        }
        assert!(cut(&"word ".repeat(64)[..255].replacen("word", "wordy", 1)));
        let french = "Je voudrais le";
        assert!(find(&Reading::new(french), Some("fr")).is_some());
        assert!(find(&Reading::new(french), None).is_none());
    }

    #[test]
    fn style_is_no_cut() {
        for text in [
            "where is my card",
            "thanks a lot :(",
            "what is it made of",
            "Yes, I will",
            "Tell me what it is made of",
            "I was wondering...",
            "Thanks. Where is it",
            "ok",
            "Er sagte „gut“",
            "Er sagte „gut“ und ging",
            "A",
            "Call us (office) at 10",
            "One. Two is here. Three is it. Four is there. See https://example.com/x",
            "It is open. It is new. It is big. Ask:\nThe front desk",
            "It's 5 o'clock",
        ] {
            assert!(!cut(text), "{text}");
        }
    }
}

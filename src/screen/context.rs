//! Words near a value that say what it is: "my number", "kitambulisho", "order".

mod words;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::fold::Folded;
use super::placeholder::{placeholders, touches};

/// What a word near a value speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Phone,
    Card,
    Identity,
    Tax,
    Bank,
    Passport,
    Birth,
    Network,
    Device,
    Crypto,
    Vehicle,
    MobileMoney,
    Address,
    Secret,
    /// Numbers that belong to nobody: orders, versions, amounts.
    Impersonal,
    /// A custom recogniser's own words, by its place in the settings.
    Custom(u16),
}

/// Characters before a value in which its words are looked for.
const BEFORE: usize = 64;
/// Characters after it.
const AFTER: usize = 32;

/// Digits between a word and a value with which the word has had its value.
const SPENT: usize = 5;

/// The words of all topics, ready to be looked for.
#[derive(Debug)]
pub(super) struct Vocabulary {
    words: AhoCorasick,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    word: String,
    topic: Topic,
    free_left: bool,
    free_right: bool,
}

/// One word found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mention {
    /// Bytes in the original text.
    start: usize,
    end: usize,
    entry: usize,
}

/// A text whose words are looked for when the first value asks for them.
pub(super) struct Surroundings<'v, 't> {
    vocabulary: &'v Vocabulary,
    text: &'t str,
    mentions: OnceCell<Mentions<'v>>,
}

/// The words found in a text.
struct Mentions<'v> {
    vocabulary: &'v Vocabulary,
    /// By end, then start.
    found: Vec<Mention>,
}

/// What the words near a value say of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Context<'v> {
    /// Nothing.
    Silent,
    /// A word of its own topic.
    Own(&'v str),
    /// The nearest word before it speaks of something else.
    Other(&'v str),
    /// The nearest word before it says that it belongs to nobody.
    Impersonal(&'v str),
}

impl Vocabulary {
    /// The built-in words and those of custom recognisers.
    ///
    /// # Errors
    /// Where the words are too many for one automaton.
    pub(super) fn new(custom: &[(Topic, Vec<String>)]) -> Result<Self, aho_corasick::BuildError> {
        let built_in = words::WORDS
            .iter()
            .flat_map(|(topic, words)| words.split('|').map(|word| Entry::new(*topic, word)));
        let custom = custom
            .iter()
            .flat_map(|(topic, words)| words.iter().map(|word| Entry::new(*topic, word)));
        let entries: Vec<Entry> = built_in.chain(custom).filter(|e| !e.word.is_empty()).collect();
        let words = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(entries.iter().map(|entry| &entry.word))?;
        Ok(Self { words, entries })
    }

    /// All words of `text`.
    fn mentions(&self, text: &str) -> Mentions<'_> {
        let spaced = spaced(text);
        let folded = Folded::caseless(&spaced);
        let caseless = folded.text();
        let mut found: Vec<Mention> = self
            .words
            .find_overlapping_iter(caseless)
            .filter(|hit| {
                let entry = self.entries.get(hit.pattern().as_usize());
                entry.is_some_and(|entry| entry.stands(caseless, hit.start()..hit.end()))
            })
            .map(|hit| {
                let Range { start, end } = folded.original(&(hit.start()..hit.end()));
                Mention { start, end, entry: hit.pattern().as_usize() }
            })
            .collect();
        let opaque = placeholders(text);
        found.retain(|mention| !touches(&opaque, &(mention.start..mention.end)));
        found.sort_by_key(|mention| (mention.end, mention.start));
        Mentions { vocabulary: self, found }
    }
}

impl Entry {
    /// `word` with a `*` at an end that may be glued to other letters.
    fn new(topic: Topic, word: &str) -> Self {
        let word = word.trim();
        let (free_left, free_right) = (word.starts_with('*'), word.ends_with('*'));
        let word = spaced(word.trim_matches('*')).to_lowercase();
        let word = Folded::caseless(&word).text().to_owned();
        Self { word, topic, free_left, free_right }
    }

    fn stands(&self, text: &str, span: Range<usize>) -> bool {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        let before = text.get(..span.start).and_then(|before| before.chars().next_back());
        let after = text.get(span.end..).and_then(|after| after.chars().next());
        (self.free_left || !letter(before)) && (self.free_right || !letter(after))
    }
}

impl<'v, 't> Surroundings<'v, 't> {
    pub(super) fn new(vocabulary: &'v Vocabulary, text: &'t str) -> Self {
        Self { vocabulary, text, mentions: OnceCell::new() }
    }

    /// What is said of the value at `span`, whose topics are `own`.
    ///
    /// Before the value the nearest word decides, within the sentence and 64 characters. Where that
    /// is no own word and none against it, an own word after the value counts, within 32 characters
    /// and up to the next comma.
    pub(super) fn of(&self, span: &Range<usize>, own: &[Topic]) -> Context<'v> {
        self.mentions.get_or_init(|| self.vocabulary.mentions(self.text)).of(self.text, span, own)
    }
}

impl<'v> Mentions<'v> {
    fn of(&self, text: &str, span: &Range<usize>, own: &[Topic]) -> Context<'v> {
        if self.found.is_empty() {
            return Context::Silent;
        }
        let (from, to) = window(text, span);
        let until = self.found.partition_point(|mention| mention.end <= span.start);
        let before = self.found.iter().take(until).rev().take_while(|mention| mention.end > from);
        let mut nearest: Option<(&Mention, &'v Entry)> = None;
        for mention in before.filter(|mention| mention.start >= from) {
            let Some(entry) = self.vocabulary.entries.get(mention.entry) else { continue };
            match nearest {
                // Of words that overlap the longest counts, of equals an own one.
                Some((chosen, best)) if mention.end > chosen.start => {
                    let own_first = own.contains(&entry.topic) && !own.contains(&best.topic);
                    let longer = mention.start < chosen.start;
                    let equal = mention.start == chosen.start;
                    if mention.end == chosen.end && (longer || (equal && own_first)) {
                        nearest = Some((mention, entry));
                    }
                }
                Some(_) => break,
                None => nearest = Some((mention, entry)),
            }
        }
        // "ID 12345678, 0712 345 678": the word has its value, and says nothing of the next.
        let spent = |mention: &Mention| {
            let between = text.get(mention.end..span.start).unwrap_or_default();
            between.chars().filter(|c| c.is_numeric()).nth(SPENT - 1).is_some()
        };
        let nearest =
            nearest.filter(|(mention, entry)| own.contains(&entry.topic) || !spent(mention));
        match nearest {
            Some((_, entry)) if own.contains(&entry.topic) => Context::Own(&entry.word),
            Some((_, entry)) if entry.topic == Topic::Impersonal => {
                Context::Impersonal(&entry.word)
            }
            Some((_, entry)) => match self.after(span, to, own) {
                Context::Silent if !matches!(entry.topic, Topic::Custom(_)) => {
                    Context::Other(&entry.word)
                }
                said => said,
            },
            None => self.after(span, to, own),
        }
    }

    fn after(&self, span: &Range<usize>, to: usize, own: &[Topic]) -> Context<'v> {
        let from = self.found.partition_point(|mention| mention.end <= span.end);
        let within = self.found.iter().skip(from).take_while(|mention| mention.end <= to);
        let entries = within
            .filter(|mention| mention.start >= span.end)
            .filter_map(|mention| self.vocabulary.entries.get(mention.entry));
        for entry in entries {
            if own.contains(&entry.topic) {
                return Context::Own(&entry.word);
            }
        }
        Context::Silent
    }
}

/// The text with blanks for `_` and `-`, byte for byte: "request_id" is "request id".
fn spaced(text: &str) -> Cow<'_, str> {
    let joints = ['_', '-'];
    if text.contains(joints) { text.replace(joints, " ").into() } else { text.into() }
}

/// Bytes between which the words near `span` stand.
fn window(text: &str, span: &Range<usize>) -> (usize, usize) {
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    let mut from = span.start;
    let mut next: Option<char> = None;
    for (at, c) in before.char_indices().rev().take(BEFORE) {
        if matches!(c, '.' | '!' | '?' | '؟' | '።' | '۔') && next.is_some_and(char::is_whitespace)
        {
            // "No. 12" and "tel. 0712" go on; a sentence begins with a letter.
            let rest = text.get(at + c.len_utf8()..).unwrap_or_default().trim_start();
            if !rest.starts_with(|first: char| {
                first.is_numeric() || first.is_lowercase() || first == '+'
            }) {
                break;
            }
        }
        from = at;
        next = Some(c);
    }
    let mut chars = after.char_indices().take(AFTER).peekable();
    let mut to = span.end;
    while let Some((at, c)) = chars.next() {
        let stop = matches!(c, ',' | ';' | '\n' | '،' | '؛' | '!' | '?' | '؟' | '።');
        if stop || (c == '.' && chars.peek().is_none_or(|(_, next)| next.is_whitespace())) {
            break;
        }
        to = span.end + at + c.len_utf8();
    }
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, value: &str, own: &[Topic]) -> String {
        let vocabulary = Vocabulary::new(&[]).unwrap();
        let start = text.find(value).unwrap();
        match Surroundings::new(&vocabulary, text).of(&(start..start + value.len()), own) {
            Context::Silent => "silent".to_owned(),
            Context::Own(word) => format!("own {word}"),
            Context::Other(word) => format!("other {word}"),
            Context::Impersonal(word) => format!("impersonal {word}"),
        }
    }

    #[test]
    fn the_nearest_word_before_decides() {
        let phone = &[Topic::Phone];
        assert_eq!(said("About order 17, call me on 071", "071", phone), "own call me");
        assert_eq!(said("Call about order 071", "071", phone), "impersonal order");
        assert_eq!(said("ID: 12; tel: 071", "071", phone), "own tel");
        assert_eq!(said("ID: 12; tel: 071", "12", phone), "other id");
        assert_eq!(said("رقم هاتفي هو 071", "071", phone), "own هاتف");
        assert_eq!(said("ID 12345678, 071", "071", phone), "silent");
        assert_eq!(said("user id 071", "071", &[Topic::Identity]), "impersonal user id");
        assert_eq!(said("request_id=071", "071", phone), "impersonal request id");
        assert_eq!(said("ID card 071", "071", &[Topic::Identity]), "own id card");
        assert_eq!(said("رقم الطلب 071", "071", phone), "impersonal طلب");
        assert_eq!(said("My selfoonnommer is 071", "071", phone), "own foonnommer");
    }

    #[test]
    fn other_sentences_and_longer_words_do_not_count() {
        let identity = &[Topic::Identity];
        assert_eq!(said("My ID is lost. Take 12", "12", identity), "silent");
        assert_eq!(said("The video 12", "12", identity), "silent");
        assert_eq!(said("12 is my ID", "12", identity), "own id");
        assert_eq!(said("12, and the ID", "12", identity), "silent");
    }
}

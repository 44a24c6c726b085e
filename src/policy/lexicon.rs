//! Words that are not to be said: whole words, whatever their case and dress.
//!
//! Text and entries are folded the same way: NFKC, small letters, no invisible characters, and within
//! a word the digits and signs that stand for letters (`4` for a, `$` for s). A letter that is drawn
//! out (`baaad`) counts as one or as two. Entries match whole words only: *Scunthorpe* is a town.
//! Letters with spaces between them, and look-alikes of other scripts, are not seen through.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Entries at most.
pub const MAX_WORDS: usize = 2000;

/// Words of one entry at most.
const LONGEST: usize = 8;

/// A list of words and phrases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Lexicon {
    entries: Vec<String>,
    /// Folded entries by their first word.
    by_first: HashMap<String, Vec<Vec<String>>>,
}

impl From<Vec<String>> for Lexicon {
    fn from(entries: Vec<String>) -> Self {
        let mut by_first: HashMap<String, Vec<Vec<String>>> = HashMap::new();
        for entry in &entries {
            let words: Vec<String> = words(entry).iter().map(|word| plain(word)).collect();
            if let Some(first) = words.first() {
                by_first.entry(first.clone()).or_default().push(words);
            }
        }
        Self { entries, by_first }
    }
}

impl From<Lexicon> for Vec<String> {
    fn from(lexicon: Lexicon) -> Self {
        lexicon.entries
    }
}

impl Lexicon {
    /// What is wrong with `entry`, and the remedy.
    pub fn problem(entry: &str) -> Option<String> {
        match words(entry).len() {
            0 => Some("holds no letter or digit: remove it".to_owned()),
            n if n > LONGEST => Some(format!("holds {n} words: {LONGEST} at most")),
            _ => None,
        }
    }

    /// How many entries begin somewhere in `text`. O(characters).
    pub fn count(&self, text: &str) -> usize {
        let said = words(text);
        (0..said.len()).filter(|&at| self.begins(&said[at..])).count()
    }

    fn begins(&self, said: &[String]) -> bool {
        let Some(first) = said.first() else { return false };
        forms(first).iter().filter_map(|form| self.by_first.get(form)).flatten().any(|entry| {
            entry.len() <= said.len()
                && entry.iter().zip(said).all(|(word, said)| forms(said).contains(word))
        })
    }
}

/// The words of a text in small letters.
fn words(text: &str) -> Vec<String> {
    let folded: String =
        text.nfkc().filter(|c| !is_invisible(*c)).flat_map(char::to_lowercase).collect();
    let is_part =
        |c: char| c.is_alphanumeric() || is_mark(c) || matches!(c, '@' | '$' | '\'' | '’');
    folded
        .split(|c| !is_part(c))
        .map(|word| word.trim_matches(['\'', '’']))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Combining marks belong to the letters that they stand on.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// A word with letters where digits and signs stand for them; a number stays one.
fn plain(word: &str) -> String {
    if !word.chars().any(char::is_alphabetic) {
        return word.to_owned();
    }
    let letter = |c| match c {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '’' => '\'',
        other => other,
    };
    word.chars().map(letter).collect()
}

/// What a word may stand for: as it is and without the signs at its ends, each with letters that come
/// three times or more in a row once, and twice.
fn forms(word: &str) -> BTreeSet<String> {
    let bare = word.trim_matches(['@', '$']);
    let read = [plain(word), plain(bare)];
    let drawn_out = |word: &String| [word.clone(), shortened(word, 1), shortened(word, 2)];
    read.iter().flat_map(drawn_out).collect()
}

/// `word` with letters that come three times or more in a row `times` times.
fn shortened(word: &str, times: usize) -> String {
    let mut runs: Vec<(char, usize)> = Vec::new();
    for c in word.chars() {
        match runs.last_mut() {
            Some((last, n)) if *last == c => *n += 1,
            _ => runs.push((c, 1)),
        }
    }
    let run = |&(c, n): &(char, usize)| std::iter::repeat_n(c, if n > 2 { times } else { n });
    runs.iter().flat_map(run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon(entries: &[&str]) -> Lexicon {
        entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>().into()
    }

    #[test]
    fn whole_words_count_and_parts_of_words_do_not() {
        let list = lexicon(&["ass", "Blue Whale challenge", "crédule"]);
        for said in
            ["what an ASS!", "a.ss ass", "blue  whale, challenge", "CRE\u{301}DULE", "ass's ass"]
        {
            assert_eq!(list.count(said), 1, "{said}");
        }
        for clean in ["Assess the class in Passau", "blue challenge", "credule", ""] {
            assert_eq!(list.count(clean), 0, "{clean}");
        }
        assert_eq!(list.count("ass and ass"), 2);
    }

    #[test]
    fn disguises_are_seen_through_and_numbers_stay_numbers() {
        let list = lexicon(&["badass", "toot", "loser"]);
        for said in [
            "b4d@$$ move",
            "baaadaaass",
            "b\u{200b}adass",
            "ＢＡＤＡＳＳ",
            "t00t",
            "l0$er",
            "tooooot",
        ] {
            assert_eq!(list.count(said), 1, "{said}");
        }
        assert_eq!(lexicon(&["ioo"]).count("I paid 100"), 0);
        assert_eq!(lexicon(&["1488"]).count("bus 1488 is late"), 1);
    }

    #[test]
    fn entries_without_words_are_a_problem() {
        assert!(Lexicon::problem("--").is_some());
        assert!(Lexicon::problem("a b c d e f g h i").is_some());
        assert_eq!(Lexicon::problem("don't ask"), None);
        let text = serde_json::to_string(&lexicon(&["x y", "z"])).unwrap();
        assert_eq!(text, r#"["x y","z"]"#);
        assert_eq!(serde_json::from_str::<Lexicon>(&text).unwrap(), lexicon(&["x y", "z"]));
    }
}

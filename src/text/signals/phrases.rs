//! Finding any of many phrases as whole words.

use std::ops::Range;

use regex::Regex;

/// Phrases in lower case, ready to be looked for.
pub(super) struct Phrases(Option<Regex>);

impl Phrases {
    /// The phrases of all `lists`; a straight apostrophe stands for a curly one as well.
    pub(super) fn new(lists: &[&[&str]]) -> Self {
        let phrases = lists.iter().copied().flatten();
        let patterns: Vec<String> =
            phrases.map(|phrase| regex::escape(phrase).replace('\'', "['’]")).collect();
        Self(Regex::new(&patterns.join("|")).ok())
    }

    /// The first phrase in `lower` that does not begin or end inside a word.
    pub(super) fn find(&self, lower: &str) -> Option<Range<usize>> {
        let mut found = self.0.as_ref()?.find_iter(lower).map(|found| found.range());
        found.find(|range| is_whole(lower, range))
    }
}

fn is_whole(text: &str, range: &Range<usize>) -> bool {
    let inside = |a: Option<char>, b: Option<char>| {
        a.is_some_and(char::is_alphanumeric) && b.is_some_and(char::is_alphanumeric)
    };
    let (Some(before), Some(phrase), Some(after)) =
        (text.get(..range.start), text.get(range.clone()), text.get(range.end..))
    else {
        return false;
    };
    !inside(before.chars().next_back(), phrase.chars().next())
        && !inside(phrase.chars().next_back(), after.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_whole_words() {
        let phrases = Phrases::new(&[&["as an ai", "can't help"], &["error:"]]);
        assert_eq!(phrases.find("well, as an ai, i"), Some(6..14));
        assert_eq!(phrases.find("as an aid; we can’t help it"), Some(14..26));
        assert_eq!(phrases.find("error:five"), Some(0..6));
        assert_eq!(phrases.find("as an aide or terror: five"), None);
    }

    #[test]
    fn every_list_can_be_read() {
        assert!(Phrases::new(&[&["(a|b", "c++"]]).0.is_some());
    }
}

//! The words of a text that may be repaired.

use std::ops::Range;

/// Marks of addresses, paths, variables, amounts, code and placeholders.
const FOREIGN: &[char] =
    &['@', '/', '\\', '_', ':', '#', '$', '%', '&', '=', '[', ']', '{', '}', '<', '>'];

/// Around a word, and no part of what it belongs to.
const PUNCTUATION: &[char] = &['.', ',', ';', ':', '!', '?', '(', ')', '"', '\''];

/// Runs of letters and digits, with an apostrophe or a sign that looks like a letter inside, and
/// their bytes. Nothing of what white space sets apart as an address, a path, an amount or a
/// placeholder.
pub(super) fn of(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let chunks = text.split_whitespace().filter(|chunk| !is_foreign(chunk));
    chunks.flat_map(move |chunk| {
        let start = chunk.as_ptr() as usize - text.as_ptr() as usize;
        runs(chunk).map(move |run| (start + run.start..start + run.end, &chunk[run]))
    })
}

fn is_foreign(chunk: &str) -> bool {
    let core = chunk.trim_matches(PUNCTUATION);
    core.contains(FOREIGN) || holds_point(core)
}

/// Whether a point stands between letters or digits, as in `example.com` and `3.5`.
fn holds_point(core: &str) -> bool {
    core.match_indices('.').any(|(at, _)| {
        core[..at].ends_with(char::is_alphanumeric)
            && core[at + 1..].starts_with(char::is_alphanumeric)
    })
}

fn runs(chunk: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + chunk[at..].find(char::is_alphanumeric)?;
        at = start;
        loop {
            let rest = &chunk[at..];
            at += rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            let mut next = chunk[at..].chars();
            match next.next() {
                Some(joint @ ('\'' | '’' | '|' | '^'))
                    if next.next().is_some_and(char::is_alphanumeric) =>
                {
                    at += joint.len_utf8();
                }
                _ => return Some(start..at),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_with_their_places() {
        let text = "Can't a c|ock, to-pup (he1lo)?";
        let found: Vec<&str> = of(text).map(|(_, word)| word).collect();
        assert_eq!(found, ["Can't", "a", "c|ock", "to", "pup", "he1lo"]);
        assert!(of(text).all(|(range, word)| &text[range.clone()] == word));
    }

    #[test]
    fn what_is_no_word_is_left_alone() {
        let text = "a@exmaple.com www.exmaple.com https://exmaple [EMIAL] [PHONE NUMEBR] $acount 3.5 #tga \
            {{naem}} C:\\temp/fiel my_vraiable 50%of";
        assert_eq!(of(text).map(|(_, word)| word).collect::<Vec<_>>(), [""; 0]);
    }
}

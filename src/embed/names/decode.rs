//! Labels of words to entities: BIO, IOB1, BIOES and BILOU, and labels without a place.

use std::ops::Range;

/// Where in an entity a word stands, by the prefix of its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// `B-`: its first word.
    Begin,
    /// `I-` or no prefix: a further word, or the first where none is before it.
    Inside,
    /// `E-` or `L-`: its last word.
    End,
    /// `S-` or `U-`: its only word.
    Single,
}

/// What the labels of a model mean.
#[derive(Debug)]
pub(super) struct Scheme {
    /// For each label its kind, by its place in `kinds`, and its place in the entity; `None` for `O`.
    tags: Vec<Option<(usize, Place)>>,
    /// The labels without prefixes, `O` left out, each once.
    pub(super) kinds: Vec<String>,
}

/// What a word was read as.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    kind: usize,
    place: Place,
    /// The probability of the kind.
    score: f32,
}

/// Words that belong together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entity {
    /// A place in [`Scheme::kinds`].
    pub(super) kind: usize,
    /// Bytes of the text.
    pub(super) span: Range<usize>,
    /// The mean over its words.
    pub(super) score: f32,
}

impl Scheme {
    /// The scheme of `labels`, in the order of their ids.
    pub(super) fn new(labels: &[String]) -> Self {
        let mut kinds: Vec<String> = Vec::new();
        let mut tag = |label: &String| {
            if label == "O" {
                return None;
            }
            let (place, kind) = parts(label);
            let at = kinds.iter().position(|known| known == kind).unwrap_or_else(|| {
                kinds.push(kind.to_owned());
                kinds.len() - 1
            });
            Some((at, place))
        };
        let tags = labels.iter().map(&mut tag).collect();
        Self { tags, kinds }
    }

    /// What a word with these probabilities of the labels is: the kind that is likeliest, whatever
    /// its prefix, and of its prefixes the likeliest. `None` where it is likeliest to be nothing.
    pub(super) fn read(&self, probabilities: &[f32]) -> Option<Reading> {
        let mut outside = 0.0;
        let mut sums = vec![0.0; self.kinds.len()];
        let mut best: Vec<(f32, Place)> = vec![(-1.0, Place::Inside); self.kinds.len()];
        for (&tag, &p) in self.tags.iter().zip(probabilities) {
            let Some((kind, place)) = tag else {
                outside += p;
                continue;
            };
            sums[kind] += p;
            if p > best[kind].0 {
                best[kind] = (p, place);
            }
        }
        let mut read = None;
        let mut most = outside;
        for (kind, &score) in sums.iter().enumerate() {
            if score > most {
                most = score;
                read = Some(Reading { kind, place: best[kind].1, score });
            }
        }
        read
    }
}

/// A label's place and kind: of `B-PER` the beginning of `PER`.
fn parts(label: &str) -> (Place, &str) {
    let mut letters = label.chars();
    let (first, sign) = (letters.next(), letters.next());
    let place = match first {
        Some('B') => Place::Begin,
        Some('I') => Place::Inside,
        Some('E' | 'L') => Place::End,
        Some('S' | 'U') => Place::Single,
        _ => return (Place::Inside, label),
    };
    match (sign, letters.as_str()) {
        (Some('-' | '_'), kind) if !kind.is_empty() => (place, kind),
        _ => (Place::Inside, label),
    }
}

/// Joins the words of a text, in order, to entities.
pub(super) fn join(words: Vec<(Range<usize>, Option<Reading>)>) -> Vec<Entity> {
    let mut entities: Vec<Entity> = Vec::new();
    // Words of the last entity while it may go on; 0 else.
    let mut open = 0_usize;
    for (span, reading) in words {
        let Some(Reading { kind, place, score }) = reading else {
            open = 0;
            continue;
        };
        let goes_on = open > 0 && matches!(place, Place::Inside | Place::End);
        if let Some(last) = entities.last_mut().filter(|last| goes_on && last.kind == kind) {
            let words = open as f32;
            last.score = (last.score * words + score) / (words + 1.0);
            last.span.end = span.end;
            open += 1;
        } else {
            entities.push(Entity { kind, span, score });
            open = 1;
        }
        if matches!(place, Place::End | Place::Single) {
            open = 0;
        }
    }
    entities
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(labels: &[&str]) -> Scheme {
        Scheme::new(&labels.iter().map(|&label| label.to_owned()).collect::<Vec<_>>())
    }

    /// The entities of words of one letter each, which have these labels for certain, as
    /// (kind, words).
    fn joined(labels: &[&str]) -> Vec<(String, Range<usize>)> {
        let scheme = scheme(labels);
        let one = |at: usize| {
            let probabilities: Vec<f32> =
                (0..labels.len()).map(|i| f32::from(u8::from(i == at))).collect();
            (at..at + 1, scheme.read(&probabilities))
        };
        let entities = join((0..labels.len()).map(one).collect());
        entities.into_iter().map(|e| (scheme.kinds[e.kind].clone(), e.span)).collect()
    }

    fn expect(labels: &[&str], entities: &[(&str, Range<usize>)]) {
        let expected: Vec<(String, Range<usize>)> =
            entities.iter().map(|(kind, span)| ((*kind).to_owned(), span.clone())).collect();
        assert_eq!(joined(labels), expected, "{labels:?}");
    }

    #[test]
    fn every_scheme_is_understood() {
        expect(&["O", "B-PER", "I-PER", "O", "B-PER"], &[("PER", 1..3), ("PER", 4..5)]);
        expect(&["B-PER", "B-PER", "I-PER"], &[("PER", 0..1), ("PER", 1..3)]);
        // IOB1 begins with I; another kind is another entity.
        expect(
            &["I-PER", "I-PER", "I-LOC", "B-LOC"],
            &[("PER", 0..2), ("LOC", 2..3), ("LOC", 3..4)],
        );
        expect(&["B-PER", "I-LOC"], &[("PER", 0..1), ("LOC", 1..2)]);
        expect(
            &["S-PER", "I-PER", "E-PER", "I-PER"],
            &[("PER", 0..1), ("PER", 1..3), ("PER", 3..4)],
        );
        expect(&["B_PER", "L_PER", "U_PER"], &[("PER", 0..2), ("PER", 2..3)]);
        expect(&["PER", "PER", "O", "ORG", "PER"], &[("PER", 0..2), ("ORG", 3..4), ("PER", 4..5)]);
        // Labels that only look like prefixes.
        expect(&["BIRD", "B-", "SSN"], &[("BIRD", 0..1), ("B-", 1..2), ("SSN", 2..3)]);
    }

    #[test]
    fn the_prefixes_of_a_kind_count_together() {
        let scheme = scheme(&["O", "B-PER", "I-PER", "B-LOC"]);
        let read = scheme.read(&[0.4, 0.2, 0.3, 0.1]).unwrap();
        assert_eq!((read.kind, read.place), (0, Place::Inside));
        assert!((read.score - 0.5).abs() < 1e-6);
        assert_eq!(scheme.read(&[0.5, 0.25, 0.25, 0.0]), None);
        assert_eq!(scheme.read(&[0.9, 0.05, 0.03, 0.02]), None);
    }

    #[test]
    fn the_score_is_the_mean_of_the_words() {
        let word = |score, place| Some(Reading { kind: 0, place, score });
        let words = vec![
            (0..2, word(0.9, Place::Begin)),
            (3..5, word(0.6, Place::Inside)),
            (6..8, word(0.75, Place::Inside)),
        ];
        let entities = join(words);
        assert_eq!(entities.len(), 1);
        assert!((entities[0].score - 0.75).abs() < 1e-6, "{entities:?}");
        assert_eq!(entities[0].span, 0..8);
    }
}

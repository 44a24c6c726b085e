//! How one word may have come to be written in the place of another: by one slip.

/// One slip of a hand, of an eye or of character recognition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Two neighbours in the wrong order.
    Swapped,
    /// A letter written twice.
    Doubled,
    /// One letter of two equal ones.
    Undoubled,
    /// A key beside the right one, on a QWERTY keyboard.
    NearKey,
    /// One character that looks like another.
    LookAlike,
    /// One or two that look like two or one, such as `rn` and `m`.
    LookAlikes,
    /// Any other character in the place of the right one.
    Other,
    /// A character too many.
    Extra,
    /// A character too few.
    Lost,
}

/// A slip and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slip {
    kind: Kind,
    /// Letters before it, which both words share.
    before: usize,
    /// Letters after it.
    after: usize,
}

const ROWS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// What is written, and what is meant.
const LOOK_ALIKE: [(char, char); 26] = [
    ('0', 'o'),
    ('1', 'l'),
    ('1', 'i'),
    ('|', 'l'),
    ('|', 'i'),
    ('5', 's'),
    ('8', 'b'),
    ('6', 'b'),
    ('9', 'g'),
    ('3', 'e'),
    ('2', 'z'),
    ('4', 'a'),
    ('c', 'e'),
    ('e', 'c'),
    ('c', 'o'),
    ('o', 'c'),
    ('b', 'h'),
    ('h', 'b'),
    ('f', 't'),
    ('t', 'f'),
    ('l', 'i'),
    ('i', 'l'),
    ('l', 't'),
    ('t', 'l'),
    ('n', 'u'),
    ('u', 'n'),
];

const LOOK_ALIKES: [(&str, &str); 14] = [
    ("rn", "m"),
    ("m", "rn"),
    ("cl", "d"),
    ("d", "cl"),
    ("vv", "w"),
    ("w", "vv"),
    ("ii", "u"),
    ("li", "h"),
    ("h", "li"),
    ("ri", "n"),
    ("n", "ri"),
    ("in", "m"),
    ("m", "in"),
    ("iv", "w"),
];

impl Slip {
    /// The one slip that writes `written` where `meant` is meant; `None` where it takes more.
    pub(super) fn between(written: &[char], meant: &[char]) -> Option<Self> {
        let shorter = written.len().min(meant.len());
        let same = |(a, b): &(&char, &char)| a == b;
        let before = written.iter().zip(meant).take_while(same).count();
        let backwards = written.iter().rev().zip(meant.iter().rev());
        let after = backwards.take(shorter - before).take_while(same).count();
        let (wrong, right) =
            (&written[before..written.len() - after], &meant[before..meant.len() - after]);
        let kind = match (wrong, right) {
            ([a], [b]) if LOOK_ALIKE.contains(&(*a, *b)) => Kind::LookAlike,
            ([a], [b]) if are_near(*a, *b) => Kind::NearKey,
            ([_], [_]) => Kind::Other,
            ([a, b], [c, d]) if a == d && b == c => Kind::Swapped,
            ([a], []) if stands_beside(*a, written, before) => Kind::Doubled,
            ([_], []) => Kind::Extra,
            ([], [b]) if stands_beside(*b, meant, before) => Kind::Undoubled,
            ([], [_]) => Kind::Lost,
            _ => return None,
        };
        Some(Self { kind, before, after })
    }

    /// Every word that `written` is with characters that look like others put right, with its slip.
    pub(super) fn look_alikes(written: &str) -> impl Iterator<Item = (String, Self)> {
        LOOK_ALIKES.iter().flat_map(move |&(wrong, right)| {
            written.match_indices(wrong).map(move |(at, _)| {
                let (before, after) = (&written[..at], &written[at + wrong.len()..]);
                let slip = Self {
                    kind: Kind::LookAlikes,
                    before: before.chars().count(),
                    after: after.chars().count(),
                };
                ([before, right, after].concat(), slip)
            })
        })
    }

    /// Whether it is likelier than that somebody meant what they wrote; `shorter` is the length of
    /// the shorter word. As measured: beginnings and ends tell words and their forms apart
    /// (`unblocked`, `transfers`), and short words have many neighbours.
    pub(super) fn is_likely(self, shorter: usize) -> bool {
        let least = match self.kind {
            Kind::Swapped | Kind::Doubled | Kind::LookAlike | Kind::LookAlikes => 4,
            Kind::Undoubled => 5,
            Kind::NearKey | Kind::Lost => 6,
            // Forms of words, names and words of other languages look like these.
            Kind::Extra | Kind::Other => return false,
        };
        let is_look = matches!(self.kind, Kind::LookAlike | Kind::LookAlikes);
        let may_begin = is_look || matches!(self.kind, Kind::Swapped | Kind::Doubled);
        let may_end = is_look || matches!(self.kind, Kind::Swapped | Kind::NearKey);
        shorter >= least && (may_begin || self.before > 0) && (may_end || self.after > 0)
    }
}

/// What `written` is where every digit or sign stands for the letter that it looks like; once with
/// `l` and once with `i` for the upright ones.
pub(super) fn without_digits(written: &str) -> [String; 2] {
    ['l', 'i'].map(|upright| {
        let letter = |c: char| match c {
            '1' | '|' => Some(upright),
            '0' => Some('o'),
            '3' => Some('e'),
            '5' => Some('s'),
            '6' | '8' => Some('b'),
            '9' => Some('g'),
            '^' => None,
            other => Some(other),
        };
        written.chars().filter_map(letter).collect()
    })
}

/// Whether `c`, which is at `at` of `word`, has its like beside it.
fn stands_beside(c: char, word: &[char], at: usize) -> bool {
    word.get(at + 1) == Some(&c) || at.checked_sub(1).is_some_and(|left| word[left] == c)
}

/// Whether the keys are neighbours.
fn are_near(a: char, b: char) -> bool {
    let digit = |c: char| c.to_digit(10).map(|d| (0, if d == 0 { 9 } else { d as i32 - 1 }));
    let letter = |c: char| {
        let found = (1..).zip(ROWS).find_map(|(row, keys)| keys.find(c).map(|at| (row, at as i32)));
        found.or_else(|| digit(c))
    };
    let (Some(one), Some(other)) = (letter(a), letter(b)) else { return false };
    let (upper, lower) = if one.0 <= other.0 { (one, other) } else { (other, one) };
    match lower.0 - upper.0 {
        // Digits in the place of digits are numbers.
        0 => upper.0 > 0 && (lower.1 - upper.1).abs() == 1,
        // Each row stands half a key to the right of the one above.
        1 => lower.1 == upper.1 || lower.1 == upper.1 - 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(written: &str, meant: &str) -> Option<Kind> {
        let [written, meant] = [written, meant].map(|word| word.chars().collect::<Vec<_>>());
        Slip::between(&written, &meant).map(|slip| slip.kind)
    }

    #[test]
    fn each_slip_is_told() {
        for (written, meant, expected) in [
            ("recieve", "receive", Kind::Swapped),
            ("carrd", "card", Kind::Doubled),
            ("adress", "address", Kind::Undoubled),
            ("statud", "status", Kind::NearKey),
            ("ce5tain", "certain", Kind::NearKey),
            ("tbere", "there", Kind::LookAlike),
            ("calender", "calendar", Kind::Other),
            ("coutntry", "country", Kind::Extra),
            ("exhange", "exchange", Kind::Lost),
        ] {
            assert_eq!(kind(written, meant), Some(expected), "{written} for {meant}");
        }
        for (written, meant) in [("exchange", "exchange"), ("hypotonia", "hypertonia"), ("", "ab")]
        {
            assert_eq!(kind(written, meant), None, "{written} for {meant}");
        }
    }

    #[test]
    fn keys_are_near_on_their_row_and_between_rows() {
        for (a, b) in
            [('a', 's'), ('q', 'a'), ('g', 'v'), ('g', 'b'), ('5', 'r'), ('5', 't'), ('0', 'p')]
        {
            assert!(are_near(a, b) && are_near(b, a), "{a} and {b}");
        }
        for (a, b) in [('a', 'a'), ('q', 's'), ('q', 'z'), ('g', 'n'), ('1', '2'), ('a', 'é')] {
            assert!(!are_near(a, b) && !are_near(b, a), "{a} and {b}");
        }
    }

    #[test]
    fn forms_and_beginnings_of_words_are_no_slips() {
        let likely = |written: &str, meant: &str| {
            let [w, m] = [written, meant].map(|word| word.chars().collect::<Vec<_>>());
            Slip::between(&w, &m).is_some_and(|slip| slip.is_likely(w.len().min(m.len())))
        };
        for (written, meant) in [
            ("transfers", "transfer"),
            ("resetting", "esetting"),
            ("mailed", "failed"),
            ("ihop", "shop"),
        ] {
            assert!(!likely(written, meant), "{written} for {meant}");
        }
        assert!(likely("recieve", "receive") && likely("orginal", "original"));
    }
}

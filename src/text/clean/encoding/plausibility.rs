//! How implausible it is that two characters stand side by side in text that somebody wrote.

/// What a character is, as far as its neighbours care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Upper(Alphabet),
    Lower(Alphabet),
    /// A letter without case, or a mark.
    Letter(Alphabet),
    Digit,
    Space,
    /// Follows a word and ends it: `” » …`.
    Closing,
    /// Quotes that open in one language and close in another: `“ ‘ „ «`.
    Quote,
    /// Small signs after a word or number: `™ ° ²`.
    Sign,
    /// May stand before and after a letter: apostrophes, dashes, `¿`, accents.
    Joining,
    /// Other punctuation of ASCII.
    Ascii,
    /// A symbol that does not touch letters: `€ ¤ ¶ ‡ ─`.
    Symbol,
    Emoji,
    /// An accent of its own, which stands on a letter.
    Mark,
    /// The replacement character: it may have been anything.
    Lost,
    /// Controls, private use and noncharacters.
    Broken,
}

/// Alphabets that do not mix within a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    Latin,
    Greek,
    Cyrillic,
    Other(u32),
}

fn alphabet(c: char) -> Alphabet {
    match u32::from(c) {
        0..=0x2af | 0x1d00..=0x1eff | 0x2c60..=0x2c7f | 0xa720..=0xa7ff | 0xab30..=0xab6f => {
            Alphabet::Latin
        }
        0x370..=0x3ff | 0x1f00..=0x1fff => Alphabet::Greek,
        0x400..=0x52f | 0x1c80..=0x1c8f | 0x2de0..=0x2dff | 0xa640..=0xa69f => Alphabet::Cyrillic,
        // Japanese mixes these.
        0x3040..=0x30ff | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff => {
            Alphabet::Other(0x3040)
        }
        0xac00..=0xd7a3 | 0x1100..=0x11ff => Alphabet::Other(0xac00),
        0x600..=0x6ff | 0x750..=0x77f | 0x8a0..=0x8ff | 0xfb50..=0xfdff | 0xfe70..=0xfeff => {
            Alphabet::Other(0x600)
        }
        0x1200..=0x139f | 0x2d80..=0x2ddf | 0xab00..=0xab2f => Alphabet::Other(0x1200),
        code => Alphabet::Other(code >> 7),
    }
}

/// What `c` is for its neighbours.
pub(super) fn kind(c: char) -> Kind {
    match c {
        '0'..='9' => Kind::Digit,
        '\u{300}'..='\u{36f}' => Kind::Mark,
        '”' | '»' | '›' | '…' => Kind::Closing,
        '‘' | '“' | '«' | '‹' | '„' | '‚' => Kind::Quote,
        'ª' | 'º' | '™' | '®' | '©' | '°' | '²' | '³' | '¹' => Kind::Sign,
        '’'
        | '–'
        | '—'
        | '‐'
        | '‑'
        | '−'
        | '¿'
        | '¡'
        | '·'
        | '´'
        | '×'
        | 'ʼ'
        | '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2060}'
        | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{20e3}'
        | '\u{3000}'..='\u{303f}'
        | '\u{ff00}'..='\u{ff65}' => Kind::Joining,
        '\u{fffd}' => Kind::Lost,
        _ if c.is_whitespace() && c != '\u{85}' => Kind::Space,
        _ if c.is_ascii_punctuation() => Kind::Ascii,
        _ if c.is_control() || is_unused(c) => Kind::Broken,
        _ if c.is_uppercase() => Kind::Upper(alphabet(c)),
        _ if c.is_lowercase() => Kind::Lower(alphabet(c)),
        _ if c.is_alphabetic() => Kind::Letter(alphabet(c)),
        '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' => Kind::Emoji,
        // Marks of the scripts that write vowels above and below.
        '\u{483}'..='\u{1fff}' | '\u{a800}'..='\u{abff}' | '\u{11000}'..='\u{11fff}' => {
            Kind::Letter(alphabet(c))
        }
        _ => Kind::Symbol,
    }
}

fn is_unused(c: char) -> bool {
    let code = u32::from(c);
    matches!(code, 0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0x3_2000..) || code & 0xfffe == 0xfffe
}

/// How bad it is that `left` and `right` are neighbours; 0 in what people write.
pub(super) fn badness(left: Kind, right: Kind) -> u32 {
    use Kind::{Broken, Closing, Joining, Lost, Lower, Mark, Quote, Sign, Space, Symbol, Upper};
    let letters = (letter(left), letter(right));
    let is_bad = match (left, right) {
        (Lost, _) | (_, Lost) => false,
        (Broken, Broken) => return 2,
        (Broken, _)
        | (_, Broken)
        | (Lower(_), Upper(_))
        | (Symbol, Symbol | Closing | Quote | Sign | Joining)
        | (Closing | Quote | Sign | Joining, Symbol)
        | (Sign, Sign | Quote)
        | (Space, Mark) => true,
        (Symbol | Closing | Sign, _) if letters.1.is_some() => true,
        (_, Symbol) if letters.0.is_some() => true,
        _ => matches!(letters, (Some(a), Some(b)) if mix(a, b)),
    };
    u32::from(is_bad)
}

/// Whether two alphabets in one word are odd: science writes Greek letters between Latin ones.
fn mix(a: Alphabet, b: Alphabet) -> bool {
    use Alphabet::{Greek, Latin};
    a != b && !matches!((a, b), (Latin, Greek) | (Greek, Latin))
}

/// Whether `chars` is a single letter of a script without capitals: seldom a word among others.
pub(super) fn is_lone_ideograph(chars: &[char]) -> bool {
    matches!(chars, [c] if matches!(kind(*c), Kind::Letter(_)))
}

/// The alphabet of a letter.
pub(super) fn letter(kind: Kind) -> Option<Alphabet> {
    match kind {
        Kind::Upper(alphabet) | Kind::Lower(alphabet) | Kind::Letter(alphabet) => Some(alphabet),
        _ => None,
    }
}

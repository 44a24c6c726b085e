//! What a character alone says of the language of its text: its script.

/// The part that a character plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A letter, or a mark on one, of a script that several of the languages share: Latin,
    /// Cyrillic, Arabic, Ethiopic, Devanagari.
    Shared,
    /// A letter of a script that settles the language: its place in [`SETTLED`].
    Settled(usize),
    /// Chinese, or Japanese where Kana stands beside it.
    Han,
    Kana,
    /// A digit or an apostrophe: part of a word where it touches letters.
    InWord,
    /// Left out as if it were not there: vowel points and the stretched line of Arabic, joiners.
    Skipped,
    /// A letter of a script of which nothing is known here.
    Unknown,
    /// All else.
    Separator,
}

/// Languages that their script settles. Others that use these scripts too are not told apart from
/// them: Yiddish from Hebrew, Assamese from Bengali.
pub(super) const SETTLED: [&str; 20] = [
    "bn", "el", "gu", "he", "hy", "ja", "ka", "km", "kn", "ko", "lo", "ml", "my", "or", "pa", "si",
    "ta", "te", "th", "zh",
];

/// Places of Japanese and Chinese in [`SETTLED`].
pub(super) const JAPANESE: usize = 5;
pub(super) const CHINESE: usize = 19;

/// Whether the language at this place writes its words without spaces between them.
pub(super) fn is_unspaced(settled: usize) -> bool {
    SETTLED.get(settled).is_some_and(|code| ["ja", "km", "lo", "my", "th", "zh"].contains(code))
}

/// The part of a character, in lower case and NFC.
pub(super) fn part(c: char) -> Part {
    match c {
        'a'..='z' | 'ª' | 'µ' | 'º' | 'ß'..='ö' | 'ø'..='ʯ' | '\u{300}'..='\u{36f}' => {
            Part::Shared
        }
        '0'..='9' | '\'' | '’' | 'ʼ' | '‘' | '`' => Part::InWord,
        '\0'..='\u{7f}' => Part::Separator,
        '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{200b}'..='\u{200f}' => Part::Skipped,
        _ if is_shared(c) => Part::Shared,
        '\u{3041}'..='\u{3096}'
        | '\u{309d}'..='\u{309f}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{30fc}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{ff66}'..='\u{ff9d}' => Part::Kana,
        '\u{3005}'
        | '\u{3007}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Part::Han,
        _ => match settled(c) {
            Some(code) => Part::Settled(code),
            None if c.is_alphabetic() => Part::Unknown,
            None => Part::Separator,
        },
    }
}

/// Letters beyond Latin-1 of the scripts that languages share.
fn is_shared(c: char) -> bool {
    matches!(c,
        '\u{1e00}'..='\u{1eff}' | '\u{a722}'..='\u{a7ff}' // Latin
        | '\u{400}'..='\u{481}' | '\u{48a}'..='\u{52f}' // Cyrillic
        | '\u{620}'..='\u{63f}' | '\u{641}'..='\u{64a}' | '\u{66e}' | '\u{66f}' // Arabic
        | '\u{671}'..='\u{6d3}' | '\u{6d5}' | '\u{6ee}' | '\u{6ef}' | '\u{6fa}'..='\u{6fc}'
        | '\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{8a0}'..='\u{8c9}' | '\u{fb50}'..='\u{fbb1}'
        | '\u{fbd3}'..='\u{fd3d}' | '\u{fd50}'..='\u{fdf7}' | '\u{fe70}'..='\u{fefc}'
        | '\u{1200}'..='\u{135a}' | '\u{1380}'..='\u{138f}' | '\u{2d80}'..='\u{2dde}' // Ethiopic
        | '\u{ab01}'..='\u{ab2e}'
        | '\u{900}'..='\u{963}' | '\u{971}'..='\u{97f}') // Devanagari
}

/// The place in [`SETTLED`] of the language that a letter's script settles.
fn settled(c: char) -> Option<usize> {
    // Digits, signs and punctuation of these scripts are in the ranges; letters and marks count.
    let is_sign = c.is_numeric() || matches!(c, '\u{37e}' | '\u{387}' | '\u{589}' | '\u{e3f}');
    let code = match c {
        _ if is_sign => return None,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => "el",
        '\u{531}'..='\u{58a}' => "hy",
        '\u{5d0}'..='\u{5ea}' | '\u{fb1d}'..='\u{fb4f}' => "he",
        '\u{980}'..='\u{9ef}' => "bn",
        '\u{a00}'..='\u{a7f}' => "pa",
        '\u{a80}'..='\u{aff}' => "gu",
        '\u{b00}'..='\u{b7f}' => "or",
        '\u{b80}'..='\u{bff}' => "ta",
        '\u{c00}'..='\u{c7f}' => "te",
        '\u{c80}'..='\u{cff}' => "kn",
        '\u{d00}'..='\u{d7f}' => "ml",
        '\u{d80}'..='\u{dff}' => "si",
        '\u{e00}'..='\u{e7f}' => "th",
        '\u{e80}'..='\u{eff}' => "lo",
        '\u{1000}'..='\u{1049}' | '\u{1050}'..='\u{109f}' => "my",
        '\u{10a0}'..='\u{10fa}' | '\u{10fc}'..='\u{10ff}' | '\u{1c90}'..='\u{1cbf}' => "ka",
        '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}' | '\u{ac00}'..='\u{d7a3}' => "ko",
        '\u{1780}'..='\u{17d3}' => "km",
        _ => return None,
    };
    SETTLED.binary_search(&code).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_the_places_are_right() {
        assert!(SETTLED.is_sorted());
        assert_eq!((SETTLED[JAPANESE], SETTLED[CHINESE]), ("ja", "zh"));
        assert!(is_unspaced(CHINESE) && is_unspaced(JAPANESE) && !is_unspaced(0));
        assert!(!is_unspaced(SETTLED.len()));
    }

    #[test]
    fn characters_play_the_part_of_their_script() {
        for c in "aéßıɓŋẹøжґأپአहꜣ\u{301}".chars() {
            assert_eq!(part(c), Part::Shared, "{c}");
        }
        let code = |c| match part(c) {
            Part::Settled(place) => SETTLED[place],
            other => panic!("{c}: {other:?}"),
        };
        let samples = "আαગשյაកಕ한ລമမଓਪසதత ก".chars().filter(|c| *c != ' ');
        let codes: Vec<_> = samples.map(code).collect();
        let expected = "bn el gu he hy ka km kn ko lo ml my or pa si ta te th";
        assert_eq!(codes.join(" "), expected);
        assert_eq!((part('漢'), part('ね'), part('ｶ')), (Part::Han, Part::Kana, Part::Kana));
        assert_eq!((part('7'), part('’'), part('\'')), (Part::InWord, Part::InWord, Part::InWord));
        assert_eq!((part('\u{64e}'), part('\u{200d}')), (Part::Skipped, Part::Skipped));
        assert_eq!((part('Ꭳ'), part('ⵣ')), (Part::Unknown, Part::Unknown));
        for c in " \u{0}.,!?÷×…·;।።、。１🙂০๓".chars().filter(|c| *c != '１') {
            assert_eq!(part(c), Part::Separator, "{c}");
        }
    }
}

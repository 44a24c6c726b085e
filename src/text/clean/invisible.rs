//! Removes controls and characters that show nothing, but for joiners that the script needs.

use super::edits::Edits;

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
const BLACK_FLAG: char = '\u{1f3f4}';
/// The flags that are spelt in tag characters: England, Scotland and Wales.
const TAG_FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];
/// Bytes of a terminal's control sequence that are looked at for its end.
const SEQUENCE_BYTES: usize = 32;

/// Whether `c` leaves no mark on the page and is no white space: controls, format characters,
/// variation selectors, fillers and noncharacters.
pub(super) fn shows_nothing(c: char) -> bool {
    match c {
        // Most characters leave here.
        ' '..='~' | '\t'..='\r' | '\u{85}' | '\u{ae}'..='\u{34e}' | '\u{350}'..='\u{61b}' => false,
        '\0'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fdd0}'..='\u{fdef}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        _ => u32::from(c) & 0xfffe == 0xfffe,
    }
}

pub(super) fn edits(text: &str) -> Edits {
    let mut edits = Edits::default();
    if !text.chars().any(shows_nothing) {
        return edits;
    }
    let mut kept = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !shows_nothing(c) {
            kept = Some(c);
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let next = chars.peek().map(|&(_, next)| next);
        let flag = if kept == Some(BLACK_FLAG) { tag_flag(rest) } else { 0 };
        if flag == 0 && kept.is_some_and(|kept| is_needed(kept, c, next)) {
            kept = Some(c);
            continue;
        }
        let end = at + if flag > 0 { flag } else { sequence(rest).max(c.len_utf8()) };
        if flag == 0 {
            edits.remove(at..end);
        }
        while chars.next_if(|&(at, _)| at < end).is_some() {}
    }
    edits
}

/// Bytes of the tag characters that make a flag, at the start of `rest`.
fn tag_flag(rest: &str) -> usize {
    let tags = rest.chars().map(|c| char::from_u32(u32::from(c).wrapping_sub(0xe_0000)));
    let is_flag = |name: &&&str| tags.clone().take(6).eq(name.chars().chain(['\x7f']).map(Some));
    TAG_FLAGS.iter().find(is_flag).map_or(0, |name| 4 * (name.len() + 1))
}

/// Bytes of a terminal's control sequence (ECMA-48: ESC `[` parameters final) at the start of `rest`.
fn sequence(rest: &str) -> usize {
    let Some(parameters) = rest.strip_prefix("\u{1b}[") else { return 0 };
    let is_parameter = |byte: &u8| matches!(byte, b' '..=b'?');
    let length = parameters.bytes().take(SEQUENCE_BYTES).take_while(is_parameter).count();
    match parameters.as_bytes().get(length) {
        Some(b'@'..=b'~') => 2 + length + 1,
        _ => 0,
    }
}

/// Whether the writing needs `c` between `before`, the last character kept, and `after`.
fn is_needed(before: char, c: char, after: Option<char>) -> bool {
    match c {
        ZERO_WIDTH_JOINER if is_pictograph(before) || is_selector(before) => {
            after.is_some_and(is_pictograph)
        }
        ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER => {
            is_virama_script(before) || is_cursive(before) && after.is_some_and(is_cursive)
        }
        '\u{fe0e}' | '\u{fe0f}' => is_pictograph(before) || matches!(before, '#' | '*' | '0'..='9'),
        '\u{180b}'..='\u{180f}' => matches!(before, '\u{1820}'..='\u{18af}'),
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => is_ideograph(before),
        _ => false,
    }
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe0f}')
}

/// The blocks of emoji, their modifiers and the symbols that stand in their sequences.
fn is_pictograph(c: char) -> bool {
    matches!(c,
        '©' | '®' | '‼' | '⁉' | '™' | 'ℹ' | '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{27bf}'
        | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '〰' | '〽' | '㊗' | '㊙'
        | '\u{1f000}'..='\u{1faff}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Letters and marks of scripts whose letters join: Arabic, Syriac, N'Ko, Mongolian, Adlam and kin.
fn is_cursive(c: char) -> bool {
    let in_block = matches!(c,
        '\u{610}'..='\u{6ff}' | '\u{700}'..='\u{7ff}' | '\u{840}'..='\u{8ff}'
        | '\u{1820}'..='\u{18af}' | '\u{a840}'..='\u{a87f}' | '\u{fb50}'..='\u{fdcf}'
        | '\u{fe70}'..='\u{fefe}' | '\u{10ac0}'..='\u{10aff}' | '\u{10d00}'..='\u{10d3f}'
        | '\u{10f30}'..='\u{10fff}' | '\u{1e900}'..='\u{1e94b}');
    in_block && !shows_nothing(c) && !c.is_numeric()
}

/// Letters and marks of the scripts of Brahmi's family, where joiners choose a conjunct's form.
fn is_virama_script(c: char) -> bool {
    let in_block = matches!(c,
        '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1700}'..='\u{17ff}'
        | '\u{1900}'..='\u{1aaf}' | '\u{1b00}'..='\u{1c4f}' | '\u{a800}'..='\u{a82f}'
        | '\u{a880}'..='\u{a8ff}' | '\u{a930}'..='\u{aadf}' | '\u{abc0}'..='\u{abff}'
        | '\u{11000}'..='\u{11fff}');
    in_block && !shows_nothing(c) && !c.is_numeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        edits(text).apply(text)
    }

    #[test]
    fn what_shows_nothing_goes() {
        assert_eq!(clean("a\0b\u{7}c\u{7f}d\u{9b}e\tf\r\n"), "abcde\tf\r\n");
        assert_eq!(clean("pass\u{ad}word\u{200b}\u{2060}\u{feff}!"), "password!");
        assert_eq!(clean("\u{202e}evil\u{202c} \u{2066}x\u{2069}"), "evil x");
        assert_eq!(clean("hi\u{e0001}\u{e0068}\u{e0069}\u{e007f}"), "hi");
        assert_eq!(clean("\u{1b}[1;31mred\u{1b}[0m \u{1b}[é"), "red [é");
        assert_eq!(clean("x\u{ffff}\u{fdd0}\u{1fffe}y\u{e000}"), "xy\u{e000}");
        assert_eq!(edits("a\0\0\0b").len(), 1);
    }

    #[test]
    fn joiners_stay_where_the_script_needs_them() {
        for text in [
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}\u{200d}🔥",
            "👩🏽\u{200d}🚒",
            "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            "1\u{fe0f}\u{20e3}",
            "می\u{200c}خواهم",
            "क्\u{200d}ष क्\u{200c}ष",
            "ශ්\u{200d}රී",
            "葛\u{e0100}",
        ] {
            assert_eq!(clean(text), text, "{text:?}");
        }
    }

    #[test]
    fn joiners_go_elsewhere() {
        assert_eq!(clean("p\u{200d}a\u{200c}y"), "pay");
        assert_eq!(clean("👍\u{200d} ok"), "👍 ok");
        assert_eq!(clean("می\u{200c}"), "می");
        assert_eq!(clean("😀\u{fe0f}\u{fe0f}\u{fe01}\u{e0101}"), "😀\u{fe0f}");
        assert_eq!(clean("क\u{200d}\u{200d}\u{200d}"), "क\u{200d}");
    }
}

//! Repairs mojibake: UTF-8 that was read as a single-byte encoding, such as `cafÃ©` for `café`.
//!
//! Runs of characters whose bytes in some code page are valid UTF-8 are candidates. A run is
//! replaced where the repaired text has strictly fewer implausible neighbours (a symbol that touches
//! a letter, a capital after a small letter, two alphabets in a word) than the text that stands
//! there. Text that people write has none in such runs, so that it is left alone.

mod code_pages;
mod plausibility;

use std::ops::Range;

use encoding_rs::WINDOWS_1252;

use self::code_pages::{Bytes, PAGES};
use self::plausibility::Kind;
use super::edits::Edits;

/// Implausible neighbours that a code page must explain over the whole text: Windows-1252 is by far
/// the most frequent.
const FIRST_PAGE_GAIN: u32 = 1;
const OTHER_PAGES_GAIN: u32 = 2;

/// The repairs of one layer in the code page that explains most; call again for further layers.
pub(super) fn edits(text: &str) -> Edits {
    let mut edits = Edits::default();
    if text.is_ascii() {
        return edits;
    }
    let page = if has_sequence(text) { best_page(text) } else { None };
    if page.is_some() || text.contains("Ã ") {
        repair(text, page, &mut edits);
    }
    if edits.is_empty() { replace_controls(text) } else { edits }
}

/// Whether two neighbours of `text` begin a sequence in any page.
fn has_sequence(text: &str) -> bool {
    let mut leads = 0;
    text.chars().any(|c| {
        let bytes = if c.is_ascii() { Bytes::NONE } else { code_pages::bytes(c) };
        let begins = leads & bytes.continues != 0;
        leads = bytes.leads;
        begins
    })
}

/// Replaces the runs in `page` that lose nothing by it, and sequences that end in a lost space.
fn repair(text: &str, page: Option<usize>, edits: &mut Edits) {
    let mut island = Island::default();
    let mut at = 0;
    while island.read(text, at) {
        at = island.end;
        if let Some(page) = page {
            island.runs(page, |run| {
                if run.gain() >= 0 {
                    edits.replace_with(run.range.clone(), |buffer| buffer.extend(run.repaired));
                }
            });
        }
        if let Some((range, repaired)) = island.lost_space(text, page)
            && edits.end() <= range.start
        {
            edits.replace_with(range, |buffer| buffer.push(repaired));
        }
    }
}

/// The code page in which the text's runs gain most plausibility, if they gain enough.
fn best_page(text: &str) -> Option<usize> {
    let mut gains = [0_u32; PAGES];
    let mut lengths = [0; PAGES];
    let mut island = Island::default();
    let mut at = 0;
    while island.read(text, at) {
        at = island.end;
        let candidates = island.candidates();
        for (page, (gain, length)) in gains.iter_mut().zip(&mut lengths).enumerate() {
            if candidates >> page & 1 == 0 {
                continue;
            }
            island.runs(page, |run| {
                *gain += run.proof();
                // Quotes and dashes are what is broken most, and few bytes tell of them.
                let is_mark = |&&c: &&char| matches!(c, '\u{2010}'..='\u{203a}' | '€');
                *gain += run.repaired.iter().filter(is_mark).count() as u32;
                *length += if run.gain() >= 0 { run.repaired.len() as u32 } else { 0 };
            });
        }
    }
    let is_enough = |&(page, (gain, _)): &(usize, (u32, u32))| {
        gain >= if page == 0 { FIRST_PAGE_GAIN } else { OTHER_PAGES_GAIN }
    };
    let pages = gains.into_iter().zip(lengths).enumerate().filter(is_enough);
    let best = pages.max_by_key(|&(page, (gain, length))| (4 * gain + length, PAGES - page));
    best.map(|(page, _)| page)
}

/// Control characters of Latin-1 where Windows-1252 has quotes and dashes at their bytes: nobody
/// means them. U+0085 may be a line break; between a word and a space it is an ellipsis.
fn replace_controls(text: &str) -> Edits {
    let mut edits = Edits::default();
    if !text.as_bytes().windows(2).any(|pair| matches!(pair, [0xc2, 0x80..=0x9f])) {
        return edits;
    }
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let is_before_space = || text.get(end..).is_some_and(|rest| rest.starts_with(' '));
        let is_broken = match c {
            '\u{85}' => !before.is_whitespace() && is_before_space(),
            c => matches!(c, '\u{80}'..='\u{9f}'),
        };
        if is_broken {
            let byte = [u8::try_from(c).unwrap_or_default()];
            let (meant, _) = WINDOWS_1252.decode_without_bom_handling(&byte);
            if !meant.contains(c) {
                edits.replace(at..end, &meant);
            }
        }
        before = c;
    }
    edits
}

/// One character of an island.
#[derive(Debug, Clone, Copy)]
struct Unit {
    at: usize,
    c: char,
    bytes: Bytes,
}

/// A stretch without ASCII characters, and the characters at its sides.
#[derive(Debug, Default)]
struct Island {
    units: Vec<Unit>,
    before: Option<char>,
    after: Option<char>,
    end: usize,
}

/// A run of sequences that are valid UTF-8 in one code page.
struct Run<'a> {
    range: Range<usize>,
    repaired: &'a [char],
    badness: u32,
    repaired_badness: u32,
}

impl Run<'_> {
    /// Implausible neighbours that the repair removes.
    fn gain(&self) -> i32 {
        self.badness.cast_signed() - self.repaired_badness.cast_signed()
    }

    /// What the run proves of its code page: its gain, less one where a single letter of a script
    /// without capitals would come out, which chance brings about easily.
    fn proof(&self) -> u32 {
        let chance = i32::from(plausibility::is_lone_ideograph(self.repaired));
        (self.gain() - chance).max(0).unsigned_abs()
    }
}

impl Island {
    /// Reads the next island at or after `from`; whether there is one.
    fn read(&mut self, text: &str, from: usize) -> bool {
        self.units.clear();
        let rest = text.get(from..).unwrap_or_default();
        let Some(start) = rest.bytes().position(|byte| !byte.is_ascii()) else { return false };
        let start = from + start;
        self.before = text.get(..start).and_then(|before| before.chars().next_back());
        let rest = text.get(start..).unwrap_or_default();
        let length = rest.bytes().position(|byte| byte.is_ascii()).unwrap_or(rest.len());
        self.end = start + length;
        self.after = rest.get(length..).and_then(|after| after.chars().next());
        let chars = rest.get(..length).unwrap_or_default().char_indices();
        let unit = |(at, c)| Unit { at: start + at, c, bytes: code_pages::bytes(c) };
        self.units.extend(chars.map(unit));
        true
    }

    /// The pages in which two neighbours begin a sequence, one bit each.
    fn candidates(&self) -> u16 {
        let pairs = self.units.iter().zip(self.units.iter().skip(1));
        pairs.fold(0, |pages, (left, right)| pages | left.bytes.leads & right.bytes.continues)
    }

    /// The repair of an unfinished sequence before a space that was a no-break space, its last byte:
    /// where the text is proven to be broken, or `Ã` ends a word of small letters.
    fn lost_space(&self, text: &str, page: Option<usize>) -> Option<(Range<usize>, char)> {
        let (last, others) = self.units.split_last()?;
        let rest = text.get(self.end..).filter(|rest| rest.starts_with(' '))?;
        let before = others.last().map(|unit| unit.c).or(self.before);
        if page.is_none() && !(last.c == 'Ã' && before.is_some_and(char::is_lowercase)) {
            return None;
        }
        let page = page.unwrap_or_default();
        let space = Unit { at: self.end, c: '\u{a0}', bytes: Bytes::everywhere(0xa0) };
        let tail = [others.last().copied().unwrap_or(space), *last, space];
        let three = code_point(&tail, 0, page).filter(|&(length, _)| length == 3);
        let (length, code) = three.or_else(|| code_point(&tail, 1, page))?;
        let repaired = char::from_u32(code)?;
        let start = if length == 3 { tail.first()?.at } else { last.at };
        // The space was one after all behind à, but for Portuguese às and àquele.
        let is_alone = before.is_none_or(|c| !c.is_alphabetic());
        let is_one_word =
            is_alone && [" s ", " quel", " quil"].iter().any(|&s| rest.starts_with(s));
        let keeps_space = repaired == 'à' && !is_one_word;
        let is_text = repaired.is_alphabetic() || repaired == '\u{a0}';
        is_text.then_some((start..self.end + usize::from(!keeps_space), repaired))
    }

    /// Calls `visit` for each longest run of sequences in `page`.
    fn runs(&self, page: usize, mut visit: impl FnMut(&Run<'_>)) {
        let mut repaired = Vec::new();
        let mut at = 0;
        while at < self.units.len() {
            let start = at;
            while let Some((length, c)) = sequence(&self.units, at, page) {
                repaired.push(c);
                at += length;
            }
            if at == start {
                at += 1;
                continue;
            }
            visit(&self.run(start..at, &repaired));
            repaired.clear();
        }
    }

    fn run<'a>(&self, indices: Range<usize>, repaired: &'a [char]) -> Run<'a> {
        let offset = |index| self.units.get(index).map_or(self.end, |unit: &Unit| unit.at);
        let before = match indices.start.checked_sub(1) {
            Some(index) => self.units.get(index).map(|unit| unit.c),
            None => self.before,
        };
        let after = self.units.get(indices.end).map(|unit| unit.c).or(self.after);
        let range = offset(indices.start)..offset(indices.end);
        let source = self.units.get(indices).unwrap_or_default().iter().map(|unit| unit.c);
        let around = |middle: &mut dyn Iterator<Item = char>| {
            badness(before.into_iter().chain(middle).chain(after))
        };
        Run {
            range,
            badness: around(&mut source.into_iter()),
            repaired_badness: around(&mut repaired.iter().copied()),
            repaired,
        }
    }
}

/// The character whose UTF-8 the units at `index` are in `page`, and how many units it takes.
fn sequence(units: &[Unit], index: usize, page: usize) -> Option<(usize, char)> {
    let (length, code) = code_point(units, index, page)?;
    if !matches!(code, 0xd800..0xdc00) {
        return Some((length, char::from_u32(code)?));
    }
    // CESU-8 writes a surrogate pair as two sequences of three bytes.
    match code_point(units, index + length, page)? {
        (more, low @ 0xdc00..0xe000) => {
            let code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            Some((length + more, char::from_u32(code)?))
        }
        _ => None,
    }
}

/// A code point in UTF-8's shortest form, or a surrogate. A sequence of which a byte was lost is a
/// replacement character as a whole.
fn code_point(units: &[Unit], index: usize, page: usize) -> Option<(usize, u32)> {
    let byte = |index: usize| units.get(index)?.bytes.of_page.get(page).copied();
    let first = byte(index)?;
    let (length, least) = match first {
        0xc2..=0xdf => (2, 0x80),
        0xe0..=0xef => (3, 0x800),
        0xf0..=0xf4 => (4, 0x1_0000),
        _ => return None,
    };
    let mut code = u32::from(first) & (0x7f >> length);
    let mut is_lost = false;
    for next in index + 1..index + length {
        let is_replaced = units.get(next)?.c == char::REPLACEMENT_CHARACTER;
        let next = if is_replaced { 0x80 } else { byte(next)? };
        if next & 0xc0 != 0x80 {
            return None;
        }
        is_lost |= is_replaced;
        code = code << 6 | u32::from(next & 0x3f);
    }
    if is_lost {
        return Some((length, u32::from(char::REPLACEMENT_CHARACTER)));
    }
    (code >= least).then_some((length, code))
}

/// Implausible neighbours in `chars`.
fn badness(chars: impl Iterator<Item = char>) -> u32 {
    let mut total = 0;
    let mut left: Option<(char, Kind)> = None;
    let mut is_in_word = false;
    for c in chars {
        let kind = plausibility::kind(c);
        if let Some((left, left_kind)) = left {
            let is_odd = is_odd(left, left_kind, c, kind, is_in_word);
            total += plausibility::badness(left_kind, kind) + u32::from(is_odd);
            is_in_word = plausibility::letter(left_kind).is_some();
        }
        left = Some((c, kind));
    }
    total
}

/// What the kinds of two neighbours alone do not tell: a quote inside a word, and the lead bytes of
/// the most frequent letters before what no word goes on with.
fn is_odd(left: char, left_kind: Kind, right: char, right_kind: Kind, is_in_word: bool) -> bool {
    let is_letter = plausibility::letter(right_kind).is_some();
    match left {
        _ if left_kind == Kind::Quote => is_in_word && is_letter,
        'Â' | 'Ã' if right == '’' => false,
        'Â' | 'Ã' if right_kind == Kind::Sign => true,
        'Â' | 'Ã' if right == '\u{a0}' => !is_in_word,
        'Â' | 'Ã' => match right_kind {
            Kind::Closing | Kind::Quote => !is_in_word,
            Kind::Joining => !is_in_word || !matches!(right, '–' | '—'),
            _ => "ŠŒŽšœžŸƒ".contains(right),
        },
        'Ä' | 'Å' | 'â' | 'ã' => "ŠŒŽšœžŸƒ".contains(right),
        _ => false,
    }
}

#[cfg(test)]
mod tests;

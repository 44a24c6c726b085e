//! Groups of digits that stand together as a telephone number is written.

use std::ops::Range;

/// Separators between two groups: at most this many characters.
const SEPARATORS: usize = 3;

/// Groups of digits with nothing between them but blanks, dashes, dots, slashes and brackets.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) groups: Vec<Range<usize>>,
    /// Groups before which a `+` stands.
    pub(super) plus: Vec<usize>,
}

impl Run {
    /// Whether the group at this place hangs on the one before it by more than a blank.
    pub(super) fn glued(&self, text: &str, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.groups.get(before));
        let between = before.zip(self.groups.get(at)).and_then(|(a, b)| text.get(a.end..b.start));
        between.is_some_and(|between| !between.contains(' '))
    }
}

/// The span with its `+` and an opening bracket that it closes.
pub(super) fn widened(text: &str, span: Range<usize>, plus: bool) -> Range<usize> {
    let bytes = text.as_bytes();
    let mut start = span.start;
    let closes = text.get(span.clone()).is_some_and(|value| {
        value.find(')').is_some_and(|close| value.get(..close).is_none_or(|v| !v.contains('(')))
    });
    if closes && start > 0 && bytes.get(start - 1) == Some(&b'(') {
        start -= 1;
    }
    if plus && start > 0 && bytes.get(start - 1) == Some(&b'+') {
        start -= 1;
    }
    start..span.end
}

/// The runs of a text, without those that are part of a word or a code.
pub(super) fn runs(text: &str) -> Vec<Run> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut run = Run::default();
    let mut spoilt = false;
    let mut at = 0;
    while let Some(offset) =
        bytes.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit))
    {
        let start = at + offset;
        let end = digits_end(bytes, start);
        let joined = run.groups.last().is_some_and(|last| separated(bytes, last.end, start));
        if !joined {
            take(&mut run, &mut spoilt, &mut found);
            spoilt = starts_inside(bytes, start);
        }
        if start > 0 && bytes.get(start - 1) == Some(&b'+') || plus_before_bracket(bytes, start) {
            run.plus.push(run.groups.len());
        }
        run.groups.push(start..end);
        spoilt |= ends_inside(bytes, end);
        at = end;
    }
    take(&mut run, &mut spoilt, &mut found);
    found
}

fn take(run: &mut Run, spoilt: &mut bool, found: &mut Vec<Run>) {
    let run = std::mem::take(run);
    if !run.groups.is_empty() && !*spoilt {
        found.push(run);
    }
    *spoilt = false;
}

fn digits_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether what stands between two groups may stand within one number.
fn separated(bytes: &[u8], from: usize, to: usize) -> bool {
    let between = bytes.get(from..to).unwrap_or_default();
    let known = between.iter().all(|byte| b" -./()+".contains(byte));
    // ". " ends a sentence, and two dashes or dots are no separator.
    let repeated = between.windows(2).any(|w| matches!(w, [b'.', _] | [b'-', b'-' | b'.']));
    known && !repeated && between.len() <= SEPARATORS
}

fn starts_inside(bytes: &[u8], start: usize) -> bool {
    let before = |back: usize| start.checked_sub(back).and_then(|at| bytes.get(at)).copied();
    match before(1) {
        Some(b) if b.is_ascii_alphanumeric() => true,
        Some(b'_' | b'#' | b'*' | b'@' | b'$' | b'%' | b'=' | b'\\') => true,
        Some(b'-' | b'.' | b'/' | b':') => before(2).is_some_and(|b| {
            b.is_ascii_alphanumeric() && !(before(1) == Some(b':') && b.is_ascii_alphabetic())
        }),
        _ => false,
    }
}

fn ends_inside(bytes: &[u8], end: usize) -> bool {
    let after = |on: usize| bytes.get(end + on).copied().unwrap_or(b' ');
    match after(0) {
        b if b.is_ascii_alphabetic() => true,
        b'_' | b'@' | b'#' | b'*' | b'%' => true,
        b'-' | b'/' | b':' | b'.' => {
            after(1).is_ascii_alphabetic() || (after(0) == b':' && after(1).is_ascii_digit())
        }
        _ => false,
    }
}

fn plus_before_bracket(bytes: &[u8], start: usize) -> bool {
    start > 1 && bytes.get(start - 1) == Some(&b'(') && bytes.get(start - 2) == Some(&b'+')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Vec<usize> {
        runs(text).iter().map(|run| run.groups.len()).collect()
    }

    #[test]
    fn groups_join_over_separators_only() {
        assert_eq!(shape("0712 345 678, 0798-765-432"), [3, 3]);
        assert_eq!(shape("at 071. 234"), [1, 1]);
        assert_eq!(shape("(415) 555-2671"), [3]);
        assert_eq!(shape("a1 12:30 10%"), [0; 0]);
    }
}

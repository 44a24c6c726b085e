//! Where each byte of a cleaned text stood in the original.

use std::ops::Range;

use super::edits::Edits;

/// A stretch that differs: `cleaned` stands where `original` stood.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    cleaned: Range<usize>,
    original: Range<usize>,
}

/// The changed stretches in ascending order; what lies between is the same on both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Offsets {
    pieces: Vec<Piece>,
}

impl Offsets {
    /// The original bytes that `range` of the cleaned text stands for: exact in unchanged stretches,
    /// else grown to the whole of each changed stretch that it touches. Removed text at an edge of
    /// the range is left out.
    pub(super) fn original(&self, range: Range<usize>) -> Range<usize> {
        let start = self.start(range.start);
        if range.start >= range.end { start..start } else { start..self.end(range.end) }
    }

    fn start(&self, at: usize) -> usize {
        let index = self.pieces.partition_point(|piece| piece.cleaned.end <= at);
        match self.pieces.get(index) {
            Some(piece) if piece.cleaned.start < at => piece.original.start,
            _ => self.shifted(index, at),
        }
    }

    fn end(&self, at: usize) -> usize {
        let index = self.pieces.partition_point(|piece| piece.cleaned.start < at);
        match index.checked_sub(1).and_then(|last| self.pieces.get(last)) {
            Some(piece) if piece.cleaned.end > at => piece.original.end,
            _ => self.shifted(index, at),
        }
    }

    /// `at` of the unchanged stretch before piece `index`, moved by what the pieces before it change.
    fn shifted(&self, index: usize, at: usize) -> usize {
        match index.checked_sub(1).and_then(|last| self.pieces.get(last)) {
            Some(piece) => piece.original.end + (at - piece.cleaned.end),
            None => at,
        }
    }

    /// These offsets after `edits` of the cleaned text. A piece that an edit overlaps becomes one
    /// with it. Linear in the number of pieces and edits.
    pub(super) fn then(&self, edits: &Edits) -> Self {
        let mut out = Composition::default();
        let mut pieces = self.pieces.iter().peekable();
        for (range, new_len) in edits.ranges() {
            while let Some(piece) = pieces.next_if(|piece| is_before(piece, &range)) {
                out.keep(piece);
            }
            out.open(range, new_len);
            while let Some(piece) = pieces.next_if(|piece| piece.cleaned.start < out.open_end()) {
                out.absorb(piece);
            }
        }
        pieces.for_each(|piece| out.keep(piece));
        out.close();
        Self { pieces: out.pieces }
    }
}

/// Whether `piece` ends before an edit of `range` begins.
fn is_before(piece: &Piece, range: &Range<usize>) -> bool {
    piece.cleaned.end <= range.start
}

/// The pieces of a composition while they are made, from left to right.
#[derive(Default)]
struct Composition {
    pieces: Vec<Piece>,
    /// The stretch under way: its range in the text before the edits, and its length after them.
    open: Option<(Range<usize>, usize)>,
    /// Where the last piece of the former offsets ends, in the former text and in the original.
    former_end: (usize, usize),
    /// The original bytes of the stretch under way.
    original: Range<usize>,
    /// Bytes of the text before the edits up to which `new_at` counts, and that count after them.
    old_at: usize,
    new_at: usize,
}

impl Composition {
    fn original_of(&self, old: usize) -> usize {
        self.former_end.1 + (old - self.former_end.0)
    }

    fn open_end(&self) -> usize {
        self.open.as_ref().map_or(0, |(range, _)| range.end)
    }

    /// Begins an edit, or grows the stretch under way when the edit begins inside it.
    fn open(&mut self, range: Range<usize>, new_len: usize) {
        if let Some((open, len)) = &mut self.open
            && range.start < open.end
        {
            // The stretch ends with a former piece into which this edit reaches: what lies between
            // the edits was counted as kept.
            *len = *len + new_len - (range.end.min(open.end) - range.start);
            if range.end > open.end {
                open.end = range.end;
                self.original.end = self.former_end.1 + (range.end - self.former_end.0);
            }
            return;
        }
        self.close();
        self.original = self.original_of(range.start)..self.original_of(range.end);
        self.open = Some((range, new_len));
    }

    /// Takes a former piece that overlaps the stretch under way into it.
    fn absorb(&mut self, piece: &Piece) {
        let before_first = self.original_of(piece.cleaned.start);
        if let Some((open, len)) = &mut self.open {
            if piece.cleaned.start < open.start {
                *len += open.start - piece.cleaned.start;
                open.start = piece.cleaned.start;
                self.original.start = before_first;
            }
            if piece.cleaned.end > open.end {
                *len += piece.cleaned.end - open.end;
                open.end = piece.cleaned.end;
            }
            self.former_end = (piece.cleaned.end, piece.original.end);
            self.original.end = piece.original.end + (open.end - piece.cleaned.end);
        }
    }

    /// A former piece that no edit touches.
    fn keep(&mut self, piece: &Piece) {
        self.close();
        self.push(&piece.cleaned, piece.cleaned.len(), piece.original.clone());
        self.former_end = (piece.cleaned.end, piece.original.end);
    }

    fn close(&mut self) {
        if let Some((range, len)) = self.open.take() {
            let original = self.original.clone();
            self.push(&range, len, original);
        }
    }

    fn push(&mut self, old: &Range<usize>, new_len: usize, original: Range<usize>) {
        let start = self.new_at + (old.start - self.old_at);
        self.pieces.push(Piece { cleaned: start..start + new_len, original });
        self.old_at = old.end;
        self.new_at = start + new_len;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edits(list: &[(Range<usize>, &str)]) -> Edits {
        let mut edits = Edits::default();
        list.iter().for_each(|(range, new)| edits.replace(range.clone(), new));
        edits
    }

    #[test]
    fn unchanged_stretches_map_exactly_and_changed_ones_whole() {
        // abXXcd -> abYcd
        let offsets = Offsets::default().then(&edits(&[(2..4, "Y")]));
        assert_eq!(offsets.original(0..2), 0..2);
        assert_eq!(offsets.original(2..3), 2..4);
        assert_eq!(offsets.original(1..4), 1..5);
        assert_eq!(offsets.original(3..5), 4..6);
    }

    #[test]
    fn a_removal_at_an_edge_is_left_out() {
        // ab-cd -> abcd
        let offsets = Offsets::default().then(&edits(&[(2..3, "")]));
        assert_eq!(offsets.original(0..2), 0..2);
        assert_eq!(offsets.original(2..4), 3..5);
        assert_eq!(offsets.original(1..3), 1..4);
        assert_eq!(offsets.original(2..2), 3..3);
    }

    #[test]
    fn compositions_join_what_overlaps() {
        // abcdefgh -> abXYZfgh -> aQZfgh
        let offsets =
            Offsets::default().then(&edits(&[(2..5, "XYZ")])).then(&edits(&[(1..4, "Q")]));
        assert_eq!(offsets.original(0..1), 0..1);
        assert_eq!(offsets.original(1..2), 1..5);
        assert_eq!(offsets.original(3..6), 5..8);
        // Two edits inside one former piece.
        let offsets = Offsets::default()
            .then(&edits(&[(1..2, "12345")]))
            .then(&edits(&[(1..2, ""), (4..6, "!")]));
        // a + 2 3 ! + c...
        assert_eq!(offsets.original(1..2), 1..2);
        assert_eq!(offsets.original(4..5), 2..3);
    }

    /// Makes `cuts` of a text of which each byte knows where it stood, if it was there.
    fn replay(
        tags: &mut Vec<Option<usize>>,
        offsets: &mut Offsets,
        cuts: &[(usize, usize, usize)],
    ) {
        let mut edits = Edits::default();
        let mut after = Vec::new();
        let mut at = 0;
        for &(gap, old, new) in cuts {
            let start = at + gap;
            let end = start + old + 1;
            if end > tags.len() {
                break;
            }
            edits.replace(start..end, &"x".repeat(new));
            after.extend_from_slice(&tags[at..start]);
            after.extend(std::iter::repeat_n(None, new));
            at = end;
        }
        after.extend_from_slice(&tags[at..]);
        *tags = after;
        *offsets = offsets.then(&edits);
    }

    proptest! {
        #[test]
        fn what_survives_maps_to_itself_and_the_rest_between(
            rounds in prop::collection::vec(
                prop::collection::vec((0..6_usize, 0..4_usize, 0..4_usize), 0..8),
                1..5,
            )
        ) {
            let mut tags: Vec<Option<usize>> = (0..40).map(Some).collect();
            let mut offsets = Offsets::default();
            for cuts in &rounds {
                replay(&mut tags, &mut offsets, cuts);
            }
            for (at, tag) in tags.iter().enumerate() {
                let range = offsets.original(at..at + 1);
                if let Some(tag) = tag {
                    prop_assert_eq!(range, *tag..tag + 1);
                    continue;
                }
                let before = tags[..at].iter().rev().find_map(|tag| *tag).map_or(0, |tag| tag + 1);
                let after = tags[at..].iter().find_map(|tag| *tag).unwrap_or(40);
                prop_assert!(before <= range.start && range.start < range.end && range.end <= after);
            }
        }
    }
}

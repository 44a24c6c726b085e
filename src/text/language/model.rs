//! The trained weights: for every feature of a text, how much it speaks for which language.
//!
//! Form of the file, numbers little-endian: `SMLM`; the number of classes (1 byte); the bits of a
//! slot (1 byte); the scale of the weights (f32); each class's code, after its length (1 byte);
//! for each slot the low 8 bits of the 24-bit hash of the one feature it holds; for each slot the
//! number of its weights; then the weights slot by slot as pairs of class and signed weight.

use std::sync::LazyLock;

static FILE: &[u8] = include_bytes!("../../../models/language.bin");

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::read(FILE).unwrap_or_default());

/// Bits of a feature's hash: those above the slot's are its check.
const HASH_BITS: u32 = 24;
/// Bits of a place among the pairs.
const START_BITS: u32 = 24;
const START_MASK: u32 = (1 << START_BITS) - 1;

/// See `models/language.md` for what it was trained on.
#[derive(Debug, Default)]
pub(super) struct Model {
    codes: Vec<&'static str>,
    scale: f32,
    shift: u32,
    /// The slots, and one more: where a slot's pairs begin, and above those 24 bits its check. One
    /// table, since each feature looks at another place of it.
    slots: Vec<u32>,
    pairs: &'static [[u8; 2]],
}

/// The sums of the classes' weights, by the class's number.
pub(super) type Sums = [i32; 256];

/// The trained model; without a class if the file is damaged, which a test rules out.
pub(super) fn model() -> &'static Model {
    &MODEL
}

impl Model {
    fn read(file: &'static [u8]) -> Option<Self> {
        let (magic, file) = file.split_first_chunk::<4>()?;
        let ([classes, bits], file) = file.split_first_chunk::<2>()?;
        let (scale, mut file) = file.split_first_chunk::<4>()?;
        let slots = 1_usize.checked_shl(u32::from(*bits))?;
        let shift = HASH_BITS.checked_sub(u32::from(*bits))?;
        let mut codes = Vec::with_capacity(usize::from(*classes));
        for _ in 0..*classes {
            let (length, rest) = file.split_first()?;
            let (code, rest) = rest.split_at_checked(usize::from(*length))?;
            codes.push(std::str::from_utf8(code).ok()?);
            file = rest;
        }
        let (checks, file) = file.split_at_checked(slots)?;
        let (counts, file) = file.split_at_checked(slots)?;
        let (pairs, rest) = file.as_chunks::<2>();
        let mut table = Vec::with_capacity(slots + 1);
        let mut sum = 0;
        for (&check, &count) in checks.iter().zip(counts) {
            table.push(u32::from(check) << START_BITS | sum);
            sum += u32::from(count);
        }
        table.push(sum);
        let fits = sum >> START_BITS == 0 && sum as usize == pairs.len();
        let whole = rest.is_empty() && fits && magic == b"SMLM";
        let known = pairs.iter().all(|[class, _]| class < classes);
        let scale = f32::from_le_bytes(*scale);
        (whole && known).then_some(Self { codes, scale, shift, slots: table, pairs })
    }

    /// Codes of the classes; `und` stands for languages that are not named.
    pub(super) fn codes(&self) -> &[&'static str] {
        &self.codes
    }

    /// What a unit of the sums that [`Self::add`] makes is worth.
    pub(super) fn scale(&self) -> f32 {
        self.scale
    }

    /// Adds the weights of the feature with this 24-bit hash to the classes' sums.
    pub(super) fn add(&self, hash: u32, sums: &mut Sums) {
        let slot = (hash >> self.shift) as usize;
        let Some(&[this, next]) = self.slots.get(slot..).and_then(|rest| rest.first_chunk()) else {
            return;
        };
        if this >> START_BITS != hash & 0xff {
            return;
        }
        let start = |slot: u32| (slot & START_MASK) as usize;
        for &[class, weight] in self.pairs.get(start(this)..start(next)).unwrap_or_default() {
            sums[usize::from(class)] += i32::from(weight.cast_signed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_and_small() {
        let model = Model::read(FILE).unwrap();
        assert!(model.codes.len() > 50 && model.codes.is_sorted() && model.scale > 0.0);
        assert!(FILE.len() <= 600_000, "{} bytes", FILE.len());
    }

    #[test]
    fn a_damaged_file_is_no_model() {
        assert!(Model::read(b"").is_none());
        assert!(FILE.split_last().and_then(|(_, cut)| Model::read(cut)).is_none());
        assert!(Model::read(&FILE[1..]).is_none());
    }

    #[test]
    fn a_feature_counts_only_where_its_check_agrees() {
        // One slot bit; slot 1 holds the hash whose low byte is 7, with a weight of -2 for `a`.
        const SMALL: &[u8] = b"SMLM\x01\x01\0\0\0\x3f\x01a\0\x07\0\x01\0\xfe";
        let model = Model::read(SMALL).unwrap();
        let mut sums = [0; 256];
        model.add(0x80_0007, &mut sums);
        assert_eq!((sums[0], model.scale(), model.codes()), (-2, 0.5, &["a"][..]));
        for other in [0x00_0007, 0x80_0008] {
            model.add(other, &mut sums);
        }
        assert_eq!(sums[0], -2);
        assert!(sums[1..].iter().all(|sum| *sum == 0));
    }
}

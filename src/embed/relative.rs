//! MPNet's attention bias: one number for each head and each class of distance between two tokens.

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;

/// The classes of distance, half of them for each direction.
const BUCKETS: usize = 32;

/// The biases of a network, the same in all layers.
pub(super) struct RelativeBias {
    /// Buckets × heads.
    table: Tensor,
}

impl RelativeBias {
    /// Reads the biases of `heads` heads.
    pub(super) fn load(heads: usize, tensors: &VarBuilder<'_>) -> Result<Self> {
        Ok(Self { table: tensors.get((BUCKETS, heads), "relative_attention_bias.weight")? })
    }

    /// What is added to the scores of texts of `tokens` tokens: 1 × heads × tokens × tokens.
    pub(super) fn between(&self, tokens: usize, device: &Device) -> Result<Tensor> {
        let pairs = (0..tokens).flat_map(|from| (0..tokens).map(move |to| bucket(from, to)));
        let buckets = Tensor::from_iter(pairs, device)?;
        let biases = self.table.index_select(&buckets, 0)?.reshape((tokens, tokens, ()))?;
        biases.permute((2, 0, 1))?.unsqueeze(0)?.contiguous()
    }
}

/// The class of the distance from token `from` to token `to`: exact below 8, then two classes for
/// each doubling (8 + ⌊2 log₂(distance / 8)⌋, in whole numbers), one for all from 91 on.
fn bucket(from: usize, to: usize) -> u32 {
    let distance = from.abs_diff(to) as u32;
    let class = if distance < 8 { distance } else { (2 + (distance * distance).ilog2()).min(15) };
    if to > from { 16 + class } else { class }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_fall_into_the_buckets_of_the_original() {
        // From MPNetEncoder.relative_position_bucket of the Python library.
        for (distance, wanted) in [
            (0, 0),
            (1, 1),
            (7, 7),
            (8, 8),
            (11, 8),
            (12, 9),
            (15, 9),
            (16, 10),
            (31, 11),
            (32, 12),
            (63, 13),
            (64, 14),
            (90, 14),
            (91, 15),
            (127, 15),
            (128, 15),
            (511, 15),
        ] {
            assert_eq!(bucket(distance, 0), wanted, "{distance}");
            if distance > 0 {
                assert_eq!(bucket(0, distance), 16 + wanted, "{distance}");
            }
        }
    }
}

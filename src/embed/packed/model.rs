//! The weights of an encoder: read, checked, rearranged for the kernels.

use std::path::Path;

use super::calibration::{self, Site};
use super::forward::{Packed, Scratch};
use super::kernels::Kernels;
use super::panels::{Number, Panels};
use super::shape::{Family, Shape};
use super::tensors::{Table, Tensors};
use super::words::Words;
use crate::embed::error::EmbedError;

/// Gain and shift of a layer norm.
pub(super) struct Norm {
    pub(super) gain: Vec<f32>,
    pub(super) shift: Vec<f32>,
}

/// y = W x + b as the file has it: W is outputs × inputs, row-major.
#[derive(Clone)]
pub(super) struct Linear {
    pub(super) weights: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Linear {
    fn panels(&self, number: Number, width: usize) -> Panels {
        Panels::pack(&self.weights, &self.bias, &[], number, width)
    }
}

/// The four linear maps of a layer, in the order of [`Site`]: Q, K and V in one; the attention's
/// output; up to the feed-forward width; down again.
pub(super) type Four<T> = [T; 4];

/// One layer.
pub(super) struct Layer {
    pub(super) linear: Four<Panels>,
    pub(super) after_attention: Norm,
    pub(super) after_feed_forward: Norm,
}

/// An encoder.
pub(super) struct Model {
    pub(super) shape: Shape,
    pub(super) tokens: Table,
    /// One row for each position, the token type's row added.
    pub(super) positions: Words,
    pub(super) embeddings: Norm,
    pub(super) layers: Vec<Layer>,
}

impl Model {
    /// Reads the model at `path` for `kernels`. `samples` are texts to learn the ranges of
    /// activations from where numbers are bytes; `reference` are the kernels for f32.
    pub(super) fn load(
        path: &Path,
        shape: &Shape,
        kernels: &Kernels,
        reference: &Kernels,
        samples: &[Vec<u32>],
    ) -> Result<Self, EmbedError> {
        let file = Reader::open(path, shape)?;
        let mut model = Self {
            shape: shape.clone(),
            positions: file.positions()?,
            embeddings: file.norm("embeddings.LayerNorm")?,
            tokens: file.tokens()?,
            layers: Vec::new(),
        };
        let mut calibration = (kernels.number == Number::Int8).then(|| {
            let texts: Vec<&[u32]> = samples.iter().map(Vec::as_slice).collect();
            let packed = Packed::of(&texts);
            let mut scratch = Scratch::new(shape, packed.tokens(), reference);
            model.embed_tokens(&packed, &mut scratch, reference);
            (packed, scratch)
        });
        for index in 0..shape.layers {
            // Mapped anew for each layer: what was read of the file is given back with the mapping.
            let file = Reader::open(path, shape)?;
            let (after_attention, after_feed_forward) = file.norms(index)?;
            let four = file.linear(index)?;
            let mut layer = Layer {
                linear: four.each_ref().map(|one| one.panels(reference.number, reference.width)),
                after_attention,
                after_feed_forward,
            };
            if let Some((packed, scratch)) = &mut calibration {
                let mut seen = Site::ALL.map(|_| calibration::Seen::default());
                layer.forward(shape, packed, scratch, reference, &mut |site, x, width| {
                    seen[site as usize].add(x, width);
                });
                layer.linear = std::array::from_fn(|i| seen[i].quantize(&four[i], kernels.width));
            } else if kernels.number != reference.number {
                layer.linear = four.each_ref().map(|one| one.panels(kernels.number, kernels.width));
            }
            model.layers.push(layer);
        }
        Ok(model)
    }
}

/// Reads by the family's names, and rearranges.
struct Reader<'a> {
    tensors: Tensors,
    shape: &'a Shape,
}

impl<'a> Reader<'a> {
    fn open(path: &Path, shape: &'a Shape) -> Result<Self, EmbedError> {
        Ok(Self { tensors: Tensors::open(path, &["bert", "roberta", "distilbert"])?, shape })
    }

    fn tokens(&self) -> Result<Table, EmbedError> {
        let Shape { vocabulary, hidden, .. } = *self.shape;
        self.tensors.table("embeddings.word_embeddings.weight", vocabulary, hidden)
    }

    fn norm(&self, name: &str) -> Result<Norm, EmbedError> {
        let read = |part| self.tensors.read(&format!("{name}.{part}"), &[self.shape.hidden]);
        Ok(Norm { gain: read("weight")?, shift: read("bias")? })
    }

    fn plain(&self, name: &str, outputs: usize, inputs: usize) -> Result<Linear, EmbedError> {
        Ok(Linear {
            weights: self.tensors.read(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: self.tensors.read(&format!("{name}.bias"), &[outputs])?,
        })
    }

    fn positions(&self) -> Result<Words, EmbedError> {
        let Shape { positions, hidden, first_position, .. } = *self.shape;
        let name = "embeddings.position_embeddings.weight";
        let mut all = self.tensors.read(name, &[positions, hidden])?;
        all.drain(..(first_position * hidden).min(all.len()));
        if self.shape.family == Family::Bert {
            let types =
                self.tensors.first_row("embeddings.token_type_embeddings.weight", hidden)?;
            for row in all.chunks_exact_mut(hidden) {
                row.iter_mut().zip(&types).for_each(|(x, t)| *x += t);
            }
        }
        Ok(Words::of(&all))
    }

    fn layer(&self, index: usize, bert: &str, distilbert: &str) -> String {
        match self.shape.family {
            Family::Bert => format!("encoder.layer.{index}.{bert}"),
            Family::DistilBert => format!("transformer.layer.{index}.{distilbert}"),
        }
    }

    fn norms(&self, index: usize) -> Result<(Norm, Norm), EmbedError> {
        let attention = self.layer(index, "attention.output.LayerNorm", "sa_layer_norm");
        let feed_forward = self.layer(index, "output.LayerNorm", "output_layer_norm");
        Ok((self.norm(&attention)?, self.norm(&feed_forward)?))
    }

    fn linear(&self, index: usize) -> Result<Four<Linear>, EmbedError> {
        let Shape { hidden, intermediate, .. } = *self.shape;
        let up = self.layer(index, "intermediate.dense", "ffn.lin1");
        let down = self.layer(index, "output.dense", "ffn.lin2");
        Ok([
            self.qkv(index)?,
            self.attention_output(index)?,
            self.plain(&up, intermediate, hidden)?,
            self.plain(&down, hidden, intermediate)?,
        ])
    }

    /// Q, K and V below each other, heads padded, log₂e/√d in Q.
    fn qkv(&self, index: usize) -> Result<Linear, EmbedError> {
        let Shape { hidden, head, .. } = *self.shape;
        let padding = self.shape.padded_head() - head;
        let mut all = Linear { weights: Vec::new(), bias: Vec::new() };
        for (bert, distilbert) in [("query", "q_lin"), ("key", "k_lin"), ("value", "v_lin")] {
            let bert_name = format!("attention.self.{bert}");
            let name = self.layer(index, &bert_name, &format!("attention.{distilbert}"));
            let mut one = self.plain(&name, hidden, hidden)?;
            if bert == "query" {
                let factor = std::f32::consts::LOG2_E / (head as f32).sqrt();
                one.weights.iter_mut().chain(&mut one.bias).for_each(|x| *x *= factor);
            }
            for (weights, bias) in one.weights.chunks(head * hidden).zip(one.bias.chunks(head)) {
                all.weights.extend_from_slice(weights);
                all.weights.extend(std::iter::repeat_n(0.0, padding * hidden));
                all.bias.extend_from_slice(bias);
                all.bias.extend(std::iter::repeat_n(0.0, padding));
            }
        }
        Ok(all)
    }

    /// Heads padded on the side of the inputs.
    fn attention_output(&self, index: usize) -> Result<Linear, EmbedError> {
        let Shape { hidden, head, .. } = *self.shape;
        let padding = self.shape.padded_head() - head;
        let name = self.layer(index, "attention.output.dense", "attention.out_lin");
        let mut one = self.plain(&name, hidden, hidden)?;
        if padding > 0 {
            let padded = |part: &[f32]| [part, &vec![0.0; padding]].concat();
            one.weights = one.weights.chunks(head).flat_map(padded).collect();
        }
        Ok(one)
    }
}

//! The forward pass over texts laid one after another, without any padding.

use super::attention::{self, Attention};
use super::calibration::Site;
use super::kernels::Kernels;
use super::model::{Layer, Model, Norm};
use super::panels::{GROUP, Number, Panels};
use super::product::Product;
use super::rows::Operand;
use super::shape::Shape;
use super::words::Words;

/// Columns of the feed-forward part that are made operands while they are in the cache: whole
/// groups.
const CHUNK: usize = 3 * GROUP;

/// Texts one after another.
pub(super) struct Packed {
    ids: Vec<u32>,
    lengths: Vec<usize>,
}

impl Packed {
    /// Lays `texts` one after another.
    pub(super) fn of(texts: &[&[u32]]) -> Self {
        Self { ids: texts.concat(), lengths: texts.iter().map(|text| text.len()).collect() }
    }

    /// Tokens of all texts.
    pub(super) fn tokens(&self) -> usize {
        self.ids.len()
    }

    fn longest(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }
}

/// The memory of a forward pass; it grows to the largest batch and is used again.
pub(super) struct Scratch {
    /// tokens × hidden: the residual stream.
    x: Words,
    /// tokens × (Q, K, V).
    qkv: Words,
    /// tokens × attention width.
    context: Words,
    /// tokens × intermediate in f32, else tokens × [`CHUNK`].
    wide: Words,
    /// An operand of the narrow width, and one of the intermediate width.
    operands: [Words; 2],
    /// Scale, and scale times zero, of the operands' rows and groups.
    steps: [Vec<[f32; 2]>; 2],
    /// Of the attention.
    room: Words,
}

impl Scratch {
    /// Room for `tokens` tokens.
    pub(super) fn new(shape: &Shape, tokens: usize, kernels: &Kernels) -> Self {
        let mut scratch = Self {
            x: Words::zeroed(0),
            qkv: Words::zeroed(0),
            context: Words::zeroed(0),
            wide: Words::zeroed(0),
            operands: [Words::zeroed(0), Words::zeroed(0)],
            steps: [Vec::new(), Vec::new()],
            room: Words::zeroed(0),
        };
        scratch.reserve(shape, tokens, tokens, kernels);
        scratch
    }

    fn reserve(&mut self, shape: &Shape, tokens: usize, longest: usize, kernels: &Kernels) {
        let grow = |words: &mut Words, wanted: usize| {
            if words.len() < wanted {
                *words = Words::zeroed(wanted);
            }
        };
        let narrow = shape.hidden.max(shape.attention());
        grow(&mut self.x, tokens * shape.hidden);
        grow(&mut self.qkv, tokens * 3 * shape.attention());
        grow(&mut self.context, tokens * shape.attention());
        grow(&mut self.room, attention::room(longest, shape.padded_head()));
        if kernels.number == Number::F32 {
            grow(&mut self.wide, tokens * shape.intermediate);
            return;
        }
        grow(&mut self.wide, tokens * CHUNK.min(shape.intermediate));
        for (i, depth) in [narrow, shape.intermediate].into_iter().enumerate() {
            grow(&mut self.operands[i], tokens * depth / kernels.number.per_word());
            let steps = tokens * depth.div_ceil(GROUP);
            if kernels.number == Number::Int8 && self.steps[i].len() < steps {
                self.steps[i].resize(steps, [0.0; 2]);
            }
        }
    }
}

/// Is told what goes into each linear map: the rows and their width.
pub(super) type Observer<'a> = &'a mut dyn FnMut(Site, &[f32], usize);

impl Model {
    /// The vectors of all tokens, tokens × hidden, text after text.
    pub(super) fn forward<'a>(
        &self,
        packed: &Packed,
        scratch: &'a mut Scratch,
        kernels: &Kernels,
    ) -> &'a [f32] {
        scratch.reserve(&self.shape, packed.tokens(), packed.longest(), kernels);
        self.embed_tokens(packed, scratch, kernels);
        for layer in &self.layers {
            layer.forward(&self.shape, packed, scratch, kernels, &mut |_, _, _| ());
        }
        &scratch.x.reals()[..packed.tokens() * self.shape.hidden]
    }

    /// Rows of tokens and positions added and normalised.
    pub(super) fn embed_tokens(&self, packed: &Packed, scratch: &mut Scratch, kernels: &Kernels) {
        let hidden = self.shape.hidden;
        let x = &mut scratch.x.reals_mut()[..packed.tokens() * hidden];
        self.tokens.rows(&packed.ids, x);
        let mut from = 0;
        for length in &packed.lengths {
            let text = &mut x[from * hidden..(from + length) * hidden];
            let positions = &self.positions.reals()[..length * hidden];
            text.iter_mut().zip(positions).for_each(|(x, p)| *x += p);
            from += length;
        }
        normalize(kernels, x, &self.embeddings, self.shape.epsilon);
    }
}

impl Layer {
    /// One layer, in place on the residual stream.
    pub(super) fn forward(
        &self,
        shape: &Shape,
        packed: &Packed,
        scratch: &mut Scratch,
        kernels: &Kernels,
        observe: Observer<'_>,
    ) {
        let tokens = packed.tokens();
        let [qkv, output, up, down] = &self.linear;
        let Scratch { x, qkv: of_heads, context, wide, operands: [narrow, broad], steps, room } =
            scratch;
        let [narrow_steps, broad_steps] = steps;

        observe(Site::Attention, &x.reals()[..tokens * shape.hidden], shape.hidden);
        let operand = operand(kernels, qkv, x, tokens, narrow, narrow_steps);
        let out = of_heads.reals_mut();
        kernels.set(whole(qkv, operand, narrow_steps, tokens, out));

        attend(shape, packed, kernels, of_heads.reals(), context.reals_mut(), room.reals_mut());

        let width = shape.attention();
        observe(Site::Context, &context.reals()[..tokens * width], width);
        let operand = self::operand(kernels, output, context, tokens, narrow, narrow_steps);
        kernels.add(whole(output, operand, narrow_steps, tokens, x.reals_mut()));
        let rows = &mut x.reals_mut()[..tokens * shape.hidden];
        normalize(kernels, rows, &self.after_attention, shape.epsilon);

        observe(Site::FeedForward, rows, shape.hidden);
        let operand = self::operand(kernels, up, x, tokens, narrow, narrow_steps);
        let operand = if kernels.number == Number::F32 {
            kernels.gelu(whole(up, operand, &[], tokens, wide.reals_mut()));
            observe(Site::Activation, &wide.reals()[..tokens * up.columns], up.columns);
            wide.words()
        } else {
            for start in (0..up.columns).step_by(CHUNK) {
                let columns = start..up.columns.min(start + CHUNK);
                let chunk = &mut wide.reals_mut()[..tokens * columns.len()];
                kernels.gelu(Product {
                    columns: columns.clone(),
                    out_stride: columns.len(),
                    ..whole(up, operand, narrow_steps, tokens, chunk)
                });
                kernels.operand(Operand {
                    x: chunk,
                    stride: columns.len(),
                    rows: tokens,
                    inputs: columns,
                    panels: down,
                    words: broad.words_mut(),
                    steps: broad_steps,
                });
            }
            broad.words()
        };
        kernels.add(whole(down, operand, broad_steps, tokens, x.reals_mut()));
        let rows = &mut x.reals_mut()[..tokens * shape.hidden];
        normalize(kernels, rows, &self.after_feed_forward, shape.epsilon);
    }
}

/// All columns of a product.
fn whole<'a>(
    panels: &'a Panels,
    operand: &'a [u32],
    steps: &'a [[f32; 2]],
    rows: usize,
    out: &'a mut [f32],
) -> Product<'a> {
    let columns = 0..panels.columns;
    Product { operand, steps, panels, columns, rows, out, out_stride: panels.columns }
}

/// `x` as an operand for `panels`: itself for f32, else converted into `words`.
fn operand<'a>(
    kernels: &Kernels,
    panels: &Panels,
    x: &'a Words,
    rows: usize,
    words: &'a mut Words,
    steps: &mut [[f32; 2]],
) -> &'a [u32] {
    if kernels.number == Number::F32 {
        return x.words();
    }
    let inputs = 0..panels.depth;
    let stride = panels.depth;
    kernels.operand(Operand {
        x: x.reals(),
        stride,
        rows,
        inputs,
        panels,
        words: words.words_mut(),
        steps,
    });
    words.words()
}

fn attend(
    shape: &Shape,
    packed: &Packed,
    kernels: &Kernels,
    qkv: &[f32],
    context: &mut [f32],
    room: &mut [f32],
) {
    let width = shape.attention();
    let mut from = 0;
    for &tokens in &packed.lengths {
        kernels.attention(Attention {
            qkv: &qkv[from * 3 * width..(from + tokens) * 3 * width],
            context: &mut context[from * width..(from + tokens) * width],
            room,
            heads: shape.heads,
            head: shape.padded_head(),
            tokens,
        });
        from += tokens;
    }
}

fn normalize(kernels: &Kernels, rows: &mut [f32], norm: &Norm, epsilon: f32) {
    kernels.normalize(rows, &norm.gain, &norm.shift, epsilon);
}

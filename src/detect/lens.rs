//! How a stream's values become features: frozen with the reference, the same for all its parts.

use serde::{Deserialize, Serialize};

use crate::stats::codebook::Codebook;
use crate::stats::features::FourierFeatures;
use crate::stats::novelty::Landmarks;
use crate::stats::rhythm::Rhythm;
use crate::stats::sketch::{Observation, Sketch};
use crate::stats::whitening::Whitening;

/// Values whose features stay in the second cache until they are copied.
const TOGETHER: usize = 64;

/// The frozen maps of one stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lens {
    /// Coordinates of a value.
    pub dim: usize,
    /// Kernel bandwidth γ: 1 / median squared distance of the reference.
    pub gamma: f64,
    /// Number of random frequencies; there are twice as many features.
    pub frequencies: usize,
    /// Seed of the frequencies.
    pub feature_seed: u64,
    /// The cells of the KL divergence.
    pub codebook: Codebook,
    /// For vectors: the coordinates in which the reference varies equally.
    pub whitening: Option<Whitening>,
    /// For vectors: the sample that novelty is measured from.
    pub landmarks: Option<Landmarks>,
    /// The daily and weekly course of the reference.
    pub rhythm: Rhythm,
}

impl Lens {
    /// The feature map, drawn again from its seed.
    pub fn features(&self) -> FourierFeatures {
        FourierFeatures::new(self.dim, self.frequencies, self.gamma, self.feature_seed)
    }

    /// A sketch of no events, of this stream's shape.
    pub fn empty_sketch(&self) -> Sketch {
        let functions = self.rhythm.functions();
        Sketch::empty(self.dim, 2 * self.frequencies, self.codebook.len(), functions)
    }

    /// Looks at values through the lens: what each adds to a sketch. `at` are the times of the
    /// values in micros since 1970. The same numbers whatever values stand together.
    ///
    /// O(values · (frequencies + cells + landmarks) · dim).
    pub fn look(&self, features: &FourierFeatures, values: &[&[f32]], at: &[i64]) -> Vec<Seen> {
        let groups = values.chunks(TOGETHER).zip(at.chunks(TOGETHER));
        groups.flat_map(|(values, at)| self.look_together(features, values, at)).collect()
    }

    fn look_together(
        &self,
        features: &FourierFeatures,
        values: &[&[f32]],
        at: &[i64],
    ) -> Vec<Seen> {
        let mut phi = vec![0.0; features.len() * values.len()];
        features.map_all(values, &mut phi);
        let novelty = match &self.landmarks {
            Some(landmarks) => landmarks.scores(values, |_, _| false),
            None => vec![0.0; values.len()],
        };
        values
            .iter()
            .zip(phi.chunks_exact(features.len()).zip(self.codebook.assign_all(values)))
            .zip(novelty.into_iter().zip(at))
            .map(|((x, (phi, cell)), (novelty, at))| Seen {
                x: x.to_vec(),
                phi: phi.to_vec(),
                cell,
                novelty,
                basis: self.rhythm.basis(*at),
            })
            .collect()
    }
}

/// A value as its lens shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The value.
    pub x: Vec<f32>,
    /// Its random features.
    pub phi: Vec<f32>,
    /// Its cell.
    pub cell: usize,
    /// Its novelty score.
    pub novelty: f32,
    /// The rhythm's functions at its time.
    pub basis: Vec<f64>,
}

impl Seen {
    /// What a sketch adds.
    pub fn observation(&self) -> Observation<'_> {
        let Self { x, phi, cell, novelty, basis } = self;
        Observation { x, phi, cell: *cell, novelty: *novelty, basis }
    }
}

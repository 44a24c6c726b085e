//! The additive sketch: everything that the detectors need of a set of events, as sums.
//!
//! Sums of sketches are sketches of unions, so a window of any length is a sum of buckets, and
//! shards, late events and backfill merge by addition. Sums are in double precision and windows
//! are always added up anew from their buckets, so no error accumulates as they slide.

use std::ops::{AddAssign, SubAssign};

use serde::{Deserialize, Serialize};

use super::codebook::Codebook;
use super::features::FourierFeatures;
use super::linear::{axpy, norm_sq};
use super::mmd::MeanSums;

/// Sums over the events of one stream in one bucket or window.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sketch {
    /// Number of events.
    pub n: f64,
    /// Σx.
    pub sum_x: Vec<f64>,
    /// Σ‖x‖².
    pub sum_x_sq: f64,
    /// Σφ(x); ‖φ(x)‖ = 1, so Σ‖φ(x)‖² is `n`.
    pub sum_phi: Vec<f64>,
    /// Events per codebook cell.
    pub cells: Vec<f64>,
    /// Σ of the novelty scores.
    pub novelty: f64,
    /// Σb(t) of the rhythm's functions at the events' times; empty where no rhythm is kept.
    pub phase: Vec<f64>,
}

/// One event's value and what is derived of it.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// The value x.
    pub x: &'a [f32],
    /// φ(x).
    pub phi: &'a [f32],
    /// Its cell of the codebook.
    pub cell: usize,
    /// Its novelty score.
    pub novelty: f32,
    /// The rhythm's functions at its time.
    pub basis: &'a [f64],
}

impl Sketch {
    /// The sketch of no events, with `functions` functions of time.
    pub fn empty(dim: usize, features: usize, cells: usize, functions: usize) -> Self {
        Self {
            n: 0.0,
            sum_x: vec![0.0; dim],
            sum_x_sq: 0.0,
            sum_phi: vec![0.0; features],
            cells: vec![0.0; cells],
            novelty: 0.0,
            phase: vec![0.0; functions],
        }
    }

    /// Adds one event.
    pub fn add(&mut self, event: &Observation<'_>) {
        self.n += 1.0;
        axpy(&mut self.sum_x, 1.0, event.x);
        self.sum_x_sq += norm_sq(event.x);
        axpy(&mut self.sum_phi, 1.0, event.phi);
        self.cells[event.cell] += 1.0;
        self.novelty += f64::from(event.novelty);
        self.phase.iter_mut().zip(event.basis).for_each(|(sum, b)| *sum += b);
    }

    /// Adds one event where neither novelty nor rhythm is kept. `scratch` has room for the features
    /// and is overwritten.
    pub fn observe(
        &mut self,
        x: &[f32],
        features: &FourierFeatures,
        codebook: &Codebook,
        scratch: &mut [f32],
    ) {
        features.map(x, scratch);
        let (phi, cell) = (&*scratch, codebook.assign(x));
        self.add(&Observation { x, phi, cell, novelty: 0.0, basis: &[] });
    }

    /// The sums of the linear kernel, for the centroid distance.
    pub fn linear(&self) -> MeanSums<'_> {
        MeanSums { n: self.n, sum: &self.sum_x, sum_sq: self.sum_x_sq }
    }

    /// The sums of the random-feature kernel, for the MMD.
    pub fn kernel(&self) -> MeanSums<'_> {
        MeanSums { n: self.n, sum: &self.sum_phi, sum_sq: self.n }
    }

    /// Little-endian bytes: four lengths, then the numbers.
    pub fn to_bytes(&self) -> Vec<u8> {
        let lengths = [self.sum_x.len(), self.sum_phi.len(), self.cells.len(), self.phase.len()];
        let mut bytes: Vec<u8> =
            lengths.iter().flat_map(|&len| (len as u32).to_le_bytes()).collect();
        let numbers = [self.n, self.sum_x_sq, self.novelty];
        let vectors = [&self.sum_x, &self.sum_phi, &self.cells, &self.phase];
        let all = numbers.iter().chain(vectors.into_iter().flatten());
        bytes.extend(all.flat_map(|v| v.to_le_bytes()));
        bytes
    }

    /// The sketch of `bytes`; `None` when they are not one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, body) = bytes.split_at_checked(16)?;
        let length = |i: usize| -> Option<usize> {
            Some(u32::from_le_bytes(head[4 * i..4 * i + 4].try_into().ok()?) as usize)
        };
        let (dim, features, cells) = (length(0)?, length(1)?, length(2)?);
        if body.len() != 8 * (3 + dim + features + cells + length(3)?) {
            return None;
        }
        let mut numbers = body
            .chunks_exact(8)
            .map(|chunk| f64::from_le_bytes(chunk.try_into().unwrap_or_default()));
        let (n, sum_x_sq, novelty) = (numbers.next()?, numbers.next()?, numbers.next()?);
        Some(Self {
            n,
            sum_x_sq,
            novelty,
            sum_x: numbers.by_ref().take(dim).collect(),
            sum_phi: numbers.by_ref().take(features).collect(),
            cells: numbers.by_ref().take(cells).collect(),
            phase: numbers.collect(),
        })
    }

    fn combine(&mut self, other: &Self, sign: f64) {
        let merge = |mine: &mut [f64], theirs: &[f64]| {
            mine.iter_mut().zip(theirs).for_each(|(a, b)| *a += sign * b);
        };
        self.n += sign * other.n;
        self.sum_x_sq += sign * other.sum_x_sq;
        merge(&mut self.sum_x, &other.sum_x);
        merge(&mut self.sum_phi, &other.sum_phi);
        merge(&mut self.cells, &other.cells);
        self.novelty += sign * other.novelty;
        merge(&mut self.phase, &other.phase);
    }
}

impl AddAssign<&Self> for Sketch {
    fn add_assign(&mut self, other: &Self) {
        self.combine(other, 1.0);
    }
}

impl SubAssign<&Self> for Sketch {
    fn sub_assign(&mut self, other: &Self) {
        self.combine(other, -1.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sketch(points: &[Vec<f32>]) -> Sketch {
        let features = FourierFeatures::new(3, 16, 0.5, 1);
        let codebook = Codebook::with_centroids(3, vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        let mut sketch = Sketch::empty(3, features.len(), codebook.len(), 2);
        let mut scratch = vec![0.0; features.len()];
        for x in points {
            features.map(x, &mut scratch);
            let (phi, cell) = (&*scratch, codebook.assign(x));
            let basis = &[1.0, f64::from(x[0])];
            sketch.add(&Observation { x, phi, cell, novelty: x[1], basis });
        }
        sketch
    }

    fn close(a: &Sketch, b: &Sketch) -> bool {
        let (a, b) = (a.to_bytes(), b.to_bytes());
        let numbers = |bytes: &[u8]| -> Vec<f64> {
            bytes[16..].chunks_exact(8).map(|c| f64::from_le_bytes(c.try_into().unwrap())).collect()
        };
        numbers(&a).iter().zip(numbers(&b)).all(|(x, y)| (x - y).abs() < 1e-9)
    }

    fn points() -> impl Strategy<Value = Vec<Vec<f32>>> {
        prop::collection::vec(prop::collection::vec(-2.0f32..2.0, 3), 0..12)
    }

    proptest! {
        #[test]
        fn merging_is_the_union_in_any_order(a in points(), b in points()) {
            let union: Vec<_> = b.iter().chain(&a).cloned().collect();
            let mut merged = sketch(&a);
            merged += &sketch(&b);
            prop_assert!(close(&merged, &sketch(&union)));
            merged -= &sketch(&b);
            prop_assert!(close(&merged, &sketch(&a)));
        }

        #[test]
        fn bytes_round_trip_exactly(a in points()) {
            let sketch = sketch(&a);
            prop_assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), Some(sketch));
        }
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let bytes = sketch(&[]).to_bytes();
        assert_eq!(Sketch::from_bytes(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Sketch::from_bytes(&[]), None);
    }
}

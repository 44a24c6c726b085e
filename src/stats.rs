//! Pure numerics on slices: kernels, distances, divergences, sketches and their calibration.
//!
//! Nothing here names the rest of the crate, does I/O, or reads a clock; randomness is a seed.
//! Definitions follow `docs/STATISTICS.md`, and every statistic is held against values from
//! independent implementations in `tests/it/golden.rs`.

pub mod calibrate;
pub mod centroid;
pub mod classifier;
pub mod codebook;
pub mod divergence;
pub mod energy;
pub mod features;
pub mod frechet;
pub mod gaussian;
pub mod kernel;
pub mod linear;
pub mod logistic;
pub mod mmd;
pub mod null;
pub mod one_dimensional;
pub mod principal;
pub mod sequential;
pub mod shrinkage;
pub mod simulate;
pub mod sketch;

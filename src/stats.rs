//! Pure numerics on slices: kernels, distances, divergences, sketches and their calibration.
//!
//! Nothing here names the rest of the crate, does I/O, or reads a clock; randomness is a seed.
//! Definitions follow `docs/STATISTICS.md`, and every statistic is held against values from
//! independent implementations in `tests/it/golden.rs`.

mod base64;
pub mod calibrate;
pub mod centroid;
pub mod change_point;
pub mod classifier;
pub mod codebook;
pub mod delay;
pub mod dependence;
pub mod divergence;
pub mod energy;
pub mod expectation;
pub mod features;
pub mod frechet;
pub mod gaussian;
pub mod kernel;
pub mod leader;
pub mod linear;
pub mod log_odds;
pub mod logistic;
pub mod mmd;
pub mod novelty;
pub mod null;
pub mod one_dimensional;
pub mod poststratify;
pub mod principal;
pub mod projection;
pub mod proportion;
pub mod rates;
pub mod rhythm;
pub mod sequential;
pub mod shift;
pub mod shrinkage;
pub mod simulate;
pub mod sketch;
pub mod statistics;
pub mod trial;
mod trig;
pub mod whitening;
mod whole;

//! Decides which interactions are kept, so that the same ones are kept on every retry and replica.

mod budget;
mod sampler;

pub use budget::MinuteBudget;
pub use sampler::{Decision, SamplingConfig, decide};

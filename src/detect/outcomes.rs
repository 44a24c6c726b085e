//! Whether outcomes became worse: of all interactions, of one segment, or of one topic of queries.
//!
//! An interaction counts once its outcomes have had time to come ([`Norm::matures_after`]), and only
//! those that came within that time count, in the reference as in a window: a late one moves no
//! figure that was told. A window's mean is compared with the reference's by
//!
//! z = ±(q − p) / √(s² (1/n + 1/m)),
//!
//! p and q the means of the window's n and the reference's m outcomes of one name, s² their variance in
//! the reference, and the sign such that above 0 is worse. Beside the z of each window there are two
//! largest ones over the longest window: of the segments, and of the topics. All of them are
//! calibrated together by resampling the reference ([`freeze`]).

pub mod freeze;
mod link;
pub mod norm;
mod score;
pub mod sums;
pub mod watch;

pub use norm::{Norm, OutcomeProfile};
pub use watch::OutcomeMemory;

#[cfg(test)]
mod tests;

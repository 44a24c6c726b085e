//! Decides whether a window differs from the reference: pure, no I/O, time and seeds are arguments.
//!
//! [`freeze::freeze`] turns reference events into a [`profile::ReferenceProfile`];
//! [`engine::Engine`] slides windows over events and judges them with
//! [`compare::Comparator`]. The daemon, `replay` and `check` all run this code.

pub mod budget;
pub mod calibration;
pub mod check;
pub mod compare;
pub mod engine;
pub mod exact;
pub mod examples;
pub mod explain;
pub mod freeze;
pub mod grid;
pub mod lens;
pub mod notes;
pub mod outcomes;
mod part;
pub mod permutation;
pub mod profile;
pub mod repeats;
pub mod segments;
pub mod state;
pub mod text_check;
pub mod values;
pub mod writings;

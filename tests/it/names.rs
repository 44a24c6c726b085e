//! The model of names: what it finds, beside an independent implementation and through every door.

mod checkpoint;
mod golden;
mod http;
mod model;

pub(crate) use checkpoint::Checkpoint;

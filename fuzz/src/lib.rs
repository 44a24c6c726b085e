//! What the fuzz targets check, on `screen` and `text` alone: the two modules are included by path,
//! with their own tests.

pub mod cleaning;
pub mod screening;
pub mod settings;

/// The folder of the crate. An inline module, because a file that an attribute names directly would
/// look for its own modules beside it.
#[path = "../../src"]
#[allow(dead_code, reason = "the rest of the crate uses what the targets do not")]
mod seamark {
    pub mod screen;
    pub mod text;
}

pub use seamark::{screen, text};

//! What the fuzz targets check, on `screen` and `text` alone: the two modules are included by path,
//! with their own tests.

// Here a part of each module is used; the crate itself uses the rest.
#![allow(dead_code)]

pub mod cleaning;
pub mod screening;
pub mod settings;

#[path = "../../src/screen.rs"]
pub mod screen;
#[path = "../../src/text.rs"]
pub mod text;

//! Tells cargo what the compiled-in migrations depend on: their folders.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}

//! Tells cargo what the compiled-in migrations depend on: their folders; and, with the feature
//! `cuda`, to put the CUDA runtime into the program.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    if std::env::var_os("CARGO_FEATURE_CUDA").is_some() {
        // candle's kernels want the shared one, without which the program would not start. Whole
        // and first, the static one leaves nothing for it to supply, and the linker drops it.
        println!("cargo:rustc-link-lib=static:+whole-archive,-bundle=cudart_static");
    }
}

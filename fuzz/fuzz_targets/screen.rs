//! Any text under a few settings.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| seamark_fuzz::screening::check(data));

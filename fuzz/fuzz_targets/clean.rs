//! Any text under any steps of cleaning, and what is measured of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| seamark_fuzz::cleaning::check(data));

//! Any settings, as TOML or JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| seamark_fuzz::settings::check(data));

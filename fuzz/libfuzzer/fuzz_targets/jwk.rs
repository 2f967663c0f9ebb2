//! libFuzzer and [`trinco_fuzz::jwk`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::jwk::run(data);
});

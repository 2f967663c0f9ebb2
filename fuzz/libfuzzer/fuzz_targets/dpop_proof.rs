//! libFuzzer and [`trinco_fuzz::dpop_proof`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::dpop_proof::run(data);
});

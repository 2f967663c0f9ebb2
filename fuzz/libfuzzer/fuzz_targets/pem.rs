//! libFuzzer and [`trinco_fuzz::pem`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::pem::run(data);
});

//! libFuzzer and [`trinco_fuzz::scope`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::scope::run(data);
});

//! libFuzzer and [`trinco_fuzz::addresses`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::addresses::run(data);
});

//! libFuzzer and [`trinco_fuzz::codes`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::codes::run(data);
});

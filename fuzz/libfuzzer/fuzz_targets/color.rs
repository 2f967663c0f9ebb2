//! libFuzzer and [`trinco_fuzz::color`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::color::run(data);
});

//! libFuzzer and [`trinco_fuzz::registration`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::registration::run(data);
});

//! libFuzzer and [`trinco_fuzz::branding`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::branding::run(data);
});

//! libFuzzer and [`trinco_fuzz::redirect_uri`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::redirect_uri::run(data);
});

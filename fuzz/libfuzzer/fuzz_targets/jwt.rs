//! libFuzzer and [`trinco_fuzz::jwt`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::jwt::run(data);
});

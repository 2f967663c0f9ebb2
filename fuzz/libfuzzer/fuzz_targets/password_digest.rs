//! libFuzzer and [`trinco_fuzz::password_digest`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::password_digest::run(data);
});

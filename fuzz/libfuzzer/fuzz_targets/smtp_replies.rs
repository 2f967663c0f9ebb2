//! libFuzzer and [`trinco_fuzz::smtp_replies`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::smtp_replies::run(data);
});

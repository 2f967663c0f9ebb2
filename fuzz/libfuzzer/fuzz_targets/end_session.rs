//! libFuzzer and [`trinco_fuzz::end_session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::end_session::run(data);
});

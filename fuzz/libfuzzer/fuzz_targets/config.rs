//! libFuzzer and [`trinco_fuzz::config`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::config::run(data);
});

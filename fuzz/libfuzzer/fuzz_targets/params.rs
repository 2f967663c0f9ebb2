//! libFuzzer and [`trinco_fuzz::params`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::params::run(data);
});

//! libFuzzer and [`trinco_fuzz::door::oidc`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::door::oidc(data);
});

//! libFuzzer and [`trinco_fuzz::client_authentication`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::client_authentication::run(data);
});

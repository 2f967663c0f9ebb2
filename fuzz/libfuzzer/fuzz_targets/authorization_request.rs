//! libFuzzer and [`trinco_fuzz::authorization_request`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::authorization_request::run(data);
});

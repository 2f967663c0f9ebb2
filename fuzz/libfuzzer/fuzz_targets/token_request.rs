//! libFuzzer and [`trinco_fuzz::token_request`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::token_request::run(data);
});

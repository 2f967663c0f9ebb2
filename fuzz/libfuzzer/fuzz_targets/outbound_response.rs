//! libFuzzer and [`trinco_fuzz::outbound_response`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::outbound_response::run(data);
});

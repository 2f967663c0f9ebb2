//! libFuzzer and [`trinco_fuzz::client_assertion`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::client_assertion::run(data);
});

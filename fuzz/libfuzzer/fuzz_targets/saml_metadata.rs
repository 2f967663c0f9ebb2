//! libFuzzer and [`trinco_fuzz::saml_metadata`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::saml_metadata::run(data);
});

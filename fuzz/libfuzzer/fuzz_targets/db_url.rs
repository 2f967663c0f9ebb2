//! libFuzzer and [`trinco_fuzz::db_url`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::db_url::run(data);
});

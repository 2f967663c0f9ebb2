//! libFuzzer and [`trinco_fuzz::user_search`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::user_search::run(data);
});

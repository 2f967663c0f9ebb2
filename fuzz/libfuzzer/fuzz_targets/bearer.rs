//! libFuzzer and [`trinco_fuzz::bearer`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::bearer::run(data);
});

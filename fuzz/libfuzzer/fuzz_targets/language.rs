//! libFuzzer and [`trinco_fuzz::language`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    trinco_fuzz::language::run(data);
});

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hico_fuzz::run(hico_fuzz::model::weights, bytes));

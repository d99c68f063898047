#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| flakeward_fuzz::entries::changed(bytes));

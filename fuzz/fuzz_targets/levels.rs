#![no_main]

libfuzzer_sys::fuzz_target!(init: flakeward_fuzz::tolerate_libyaml(), |bytes: &[u8]| flakeward_fuzz::entries::levels(bytes));

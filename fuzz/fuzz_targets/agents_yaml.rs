//! Search with `fuzz/search 600 agents_yaml`; the body is in the library.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| agent_dispatch_fuzz::agents_yaml::check(data));

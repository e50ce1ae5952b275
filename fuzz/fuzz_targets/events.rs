//! Search with `fuzz/search 600 events`; the body is in the library.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| agent_dispatch_fuzz::events::check(data));

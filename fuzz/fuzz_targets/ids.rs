//! Search with `cargo fuzz run ids --sanitizer none --features libfuzzer`; the body is in the library.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| agent_dispatch_fuzz::ids::check(data));

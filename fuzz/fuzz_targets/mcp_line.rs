//! Search with `fuzz/search 600 mcp_line`; the body is in the library.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| agent_dispatch_fuzz::mcp_line::check(data));

//! Where programs do not stay.

use agent_dispatch::machines::runner::{Runner, goes_with};

#[test]
fn caches_are_known_by_their_directories() {
    let name = |path: &str| Runner::of(path.split('/')).map(|runner| runner.name);
    // As the tools made them: npx 6 to 12, pnpm 8 to 12, Yarn 4.18, Bun 1.4, uv 0.13.
    let program = "node_modules/agent-dispatch-linux-x64/bin/agent-dispatch";
    let of = |start: &str| name(&format!("{start}/{program}"));
    assert_eq!(of("/home/u/.npm/_npx/5016f87fea2ef678"), Some("npx"));
    assert_eq!(of("/home/u/.cache/pnpm/dlx/47a5/mx36-j73/node_modules/.pnpm/a@1.0.0"), Some("pnpm dlx"));
    assert_eq!(of("/tmp/xfs-f98838dc/dlx-26681/.yarn/unplugged/a-npm-1.0.0-6134ba74d9"), Some("yarn dlx"));
    assert_eq!(of("/home/u/.bun/install/cache/.bunx-0/agent-dispatch@latest"), Some("bunx"));
    assert_eq!(name("/home/u/.cache/pipx/0f3c9a7be1d2c45/bin/agent-dispatch"), Some("pipx run"));
    assert_eq!(name("/home/u/.local/share/pipx/venvs/agent-dispatch/bin/agent-dispatch"), None);
    assert_eq!(name("/home/u/.cache/uv/archive-v0/Rkfr6TftsTjKoBsL/bin/agent-dispatch"), Some("uvx"));
    assert_eq!(of("/usr/local/lib/node_modules/agent-dispatch"), None);
    assert_eq!(name("/home/u/.local/share/uv/tools/agent-dispatch/bin/agent-dispatch"), None);
    assert_eq!(name("/home/u/archive/dlxs/agent-dispatch"), None);
}

#[test]
fn a_directory_with_the_version_goes_with_it() {
    let goes = |path: &str| goes_with("1.0.0", path.split('/'));
    assert!(goes("/pnpm/global/5/.pnpm/agent-dispatch-linux-x64@1.0.0/node_modules"));
    assert!(goes("/pnpm/store/v11/links/@/agent-dispatch-linux-x64/1.0.0/cc0e/node_modules"));
    assert!(!goes("/usr/local/lib/node_modules/agent-dispatch/node_modules/agent-dispatch-linux-x64/bin"));
}

{
  description = "MCP server and CLI that lets a Claude Code agent delegate to an agent in another project's directory";

  # It has the compiler of rust-toolchain.toml, and is the last release of nixpkgs with x86_64-darwin: with a newer one that
  # system has to go from the list below.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "aarch64-darwin"
        "aarch64-linux"
        "x86_64-darwin"
        "x86_64-linux"
      ];
      forAllSystems = perSystem: lib.genAttrs systems (system: perSystem nixpkgs.legacyPackages.${system});
    in
    {
      packages = forAllSystems (pkgs: rec {
        default = agent-dispatch;
        # A tree with changes has no commit of its own.
        agent-dispatch = pkgs.callPackage ./package.nix { commit = self.rev or null; };
      });

      apps = forAllSystems (pkgs: {
        default = {
          type = "app";
          program = lib.getExe self.packages.${pkgs.stdenv.hostPlatform.system}.default;
          meta.description = "The command line of agent-dispatch";
        };
      });

      devShells = forAllSystems (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${pkgs.stdenv.hostPlatform.system}.default ];
          packages = [
            pkgs.cargo-deny
            pkgs.cargo-nextest
            pkgs.clippy
            pkgs.just
            pkgs.rust-analyzer
            pkgs.rustfmt
          ];
        };
      });
    };
}

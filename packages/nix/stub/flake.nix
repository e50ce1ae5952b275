# A nixpkgs that builds nothing: what a package asks of it is what it is. packages/nix/check puts it in the place of the real
# one, which has to be downloaded. A name that is not here is an error.
{
  outputs =
    { self }:
    let
      lib = {
        fileset = {
          difference = whole: without: { inherit whole without; };
          maybeMissing = path: path;
          toSource = source: source;
          unions = paths: paths;
        };
        genAttrs =
          names: value:
          builtins.listToAttrs (
            map (name: {
              inherit name;
              value = value name;
            }) names
          );
        getExe = package: "/bin/${package.meta.mainProgram}";
        importTOML = path: builtins.fromTOML (builtins.readFile path);
        licenses.mit = "MIT";
        optionalString = condition: text: if condition then text else "";
        platforms = {
          darwin = [ "darwin" ];
          linux = [ "linux" ];
        };
      };
      names = [
        "cargo-deny"
        "cargo-nextest"
        "clippy"
        "installShellFiles"
        "just"
        "rust-analyzer"
        "rustfmt"
        "versionCheckHook"
      ];
      packages =
        system:
        let
          own = lib.genAttrs names (name: name) // {
            inherit lib;
            callPackage =
              file: arguments:
              let
                function = import file;
              in
              function (builtins.intersectAttrs (builtins.functionArgs function) own // arguments);
            mkShell = shell: shell;
            rustPlatform.buildRustPackage = package: package;
            stdenv.hostPlatform = { inherit system; };
          };
        in
        own;
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs [
        "aarch64-darwin"
        "aarch64-linux"
        "x86_64-darwin"
        "x86_64-linux"
      ] packages;
    };
}

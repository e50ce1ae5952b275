# Builds the program from this tree. Without flakes: `pkgs.callPackage ./packages/nix/package.nix { }`.
{
  lib,
  stdenv,
  rustPlatform,
  installShellFiles,
  versionCheckHook,
  # What `--version --verbose` says; a build in Nix sees no repository.
  commit ? null,
}:

let
  manifest = (lib.importTOML ../../Cargo.toml).package;
  # What is beside the sources in a working tree, and large.
  notSources = lib.fileset.unions [
    (lib.fileset.maybeMissing ../../.git)
    (lib.fileset.maybeMissing ../../fuzz/target)
    (lib.fileset.maybeMissing ../../target)
  ];
in
rustPlatform.buildRustPackage {
  pname = manifest.name;
  inherit (manifest) version;

  src = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.difference ../.. notSources;
  };
  cargoLock.lockFile = ../../Cargo.lock;

  # Where build.rs finds the commit of a package that cargo packed.
  postPatch = lib.optionalString (commit != null) ''
    echo '{"git":{"sha1":"${commit}"}}' > .cargo_vcs_info.json
  '';

  cargoBuildFlags = [
    "--package"
    manifest.name
  ];

  # The suite starts hundreds of processes, looks into /proc and kills; it is the gate's, .ci/run.
  doCheck = false;

  nativeBuildInputs = [ installShellFiles ];

  # In a build of its own: together with the program, the features of the tests would get into that.
  postBuild = ''
    cargo run --offline --example pages -- target/pages
  '';

  postInstall = ''
    installManPage target/pages/man/*.1
    installShellCompletion --cmd agent-dispatch \
      --bash target/pages/completions/agent-dispatch.bash \
      --fish target/pages/completions/agent-dispatch.fish \
      --zsh target/pages/completions/_agent-dispatch
  '';

  nativeInstallCheckInputs = [ versionCheckHook ];
  doInstallCheck = true;

  meta = {
    inherit (manifest) description;
    license = lib.licenses.mit;
    mainProgram = manifest.name;
    platforms = lib.platforms.linux ++ lib.platforms.darwin;
  };
}

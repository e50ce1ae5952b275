#!/usr/bin/env bash
# Where /proc is not mounted, as in some containers, claude runs its help and says of every directory that it does not exist.
#
# Package:      @anthropic-ai/claude-code@2.1.332, from npm, in a temporary folder
# A good guess: without /proc it either works, as most programs do, or names what it lacks.
# Seen:         `claude --version` and `claude --help` work, so a health check that asks no more passes. A run ends with 1 and
#               "Can't access working directory": the path that it prints "does not exist", while a shell beside it stands in
#               that directory and lists it. Nothing in the message leads to /proc.
#
# Linux, with user namespaces or as root: the folder over /proc is mounted in a namespace of its own. No model is asked: no account,
# no cost. Ends with 1 when the behaviour is no longer so.
set -euo pipefail

package=@anthropic-ai/claude-code@2.1.332
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --no-save --prefix "$scratch/cli" "$package"
claude=$(echo "$scratch"/cli/node_modules/@anthropic-ai/claude-code-*/claude)
mkdir "$scratch/home" "$scratch/project" "$scratch/empty"
touch "$scratch/project/here"

# without_proc COMMAND …: in the project, with an empty folder in the place of /proc.
without_proc() {
    local own=()
    [ "$(id -u)" = 0 ] || own=(--user --map-root-user)
    unshare "${own[@]}" --mount sh -euc '
        mount --bind "$1" /proc
        cd "$2"
        shift 2
        exec "$@"' sh "$scratch/empty" "$scratch/project" env -i HOME="$scratch/home" PATH=/usr/bin:/bin \
        ANTHROPIC_API_KEY=sk-ant-none ANTHROPIC_BASE_URL=http://127.0.0.1:9 DISABLE_AUTOUPDATER=1 "$@"
}

wrong() {
    printf 'no longer so: %s\n' "$1"
    exit 1
}

printf 'without /proc, in %s\n' "$scratch/project"
listed=$(without_proc ls)
printf '  ls            %s\n' "$listed"
[ "$listed" = here ] || wrong 'a shell does not see the directory either'
version=$(without_proc "$claude" --version)
printf '  --version     %s\n' "$version"
case $version in 2.1.332*) ;; *) wrong '--version does not work' ;; esac
help=$(without_proc "$claude" --help)
printf '  --help        %s\n' "${help%%$'\n'*}"
[ -n "$help" ] || wrong '--help does not work'
status=0
said=$(without_proc "$claude" -p hello 2>&1 </dev/null) || status=$?
printf '  -p hello      %s\n                exit code %s\n' "$said" "$status"
[ "$status" = 1 ] || wrong "the exit code is $status"
case $said in
*"Can't access working directory"*"does not exist"*) ;;
*) wrong 'the message is another one' ;;
esac
case $said in */proc*) wrong 'the message names /proc' ;; esac
echo 'as seen: the directory that it stands in "does not exist"'

#!/usr/bin/env bash
# A comma too many in a repository's .mcp.json, and the server of the same name from a folder above the repository is taken.
#
# Package:      @anthropic-ai/claude-code@2.1.332, from npm, in a temporary folder
# A good guess: .mcp.json is looked for up to the top of the repository, and one that is no JSON is an error of its servers.
# Seen:         it is looked for in every folder up to the root of the disk. The nearest file that has the name counts, and one
#               that cannot be read counts as none: `claude mcp get` shows the outer command, ends with 0 and says nothing of
#               the file that was passed over; only `claude mcp list` has a note about it.
#
# No model, no account. Ends with 1 when the behaviour is no longer so.
set -euo pipefail

package=@anthropic-ai/claude-code@2.1.332
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --no-save --prefix "$scratch/cli" "$package"
claude=$(echo "$scratch"/cli/node_modules/@anthropic-ai/claude-code-*/claude)
"$claude" --version

mkdir -p "$scratch/home" "$scratch/work/shop/api"
git -C "$scratch/work/shop" init --quiet
server() { printf '{"mcpServers": {"database": {"command": "%s", "args": []}%s}}\n' "$1" "${2:-}"; }
asked() {
    (cd "$scratch/work/shop/api" && env -i PATH="$PATH" HOME="$scratch/home" "$claude" mcp "$@" 2>&1) || echo "exit code $?"
}

# Neither is run: `get` only shows what is configured while nobody approved it.
server outer-command >"$scratch/work/.mcp.json"
above=$(asked get database)
server own-command >"$scratch/work/shop/.mcp.json"
whole=$(asked get database)
server own-command , >"$scratch/work/shop/.mcp.json"
broken=$(asked get database)
note=$(asked list)
printf -- '-- from a folder above the repository\n%s\n-- the repository has its own\n%s\n-- with a comma too many\n%s\n-- list\n%s\n' \
    "$above" "$whole" "$broken" "$note"

command_of() { sed -n 's/^ *Command: *//p' <<<"$1"; }
if [ "$(command_of "$above")" = outer-command ] && [ "$(command_of "$whole")" = own-command ] &&
    [ "$(command_of "$broken")" = outer-command ] && ! grep -q "valid JSON\|exit code" <<<"$broken" && grep -q "valid JSON" <<<"$note"; then
    echo "as found: the outer server is taken, and get says nothing of the broken file"
else
    echo "changed"
    exit 1
fi

#!/usr/bin/env bash
# A plugin from a marketplace in a local directory is copied when it is installed, and the copy is not what is loaded.
#
# Package:      @anthropic-ai/claude-code@2.1.332, from npm, in a temporary folder
# A good guess: what `plugin install` copied below ~/.claude/plugins/cache is the plugin from then on: the directory that it came
#               from, an unpacked download say, can go.
# Seen:         the copy is there, whole, and installed_plugins.json names it as the place of the installation. When the directory
#               is gone the plugin "failed to load" and its server is no longer listed; the entry and the copy stay. A copy of the
#               directory somewhere else, added as a marketplace of the same name, brings it back without a new installation.
#
# No model is asked: no account, no cost. Ends with 1 when the behaviour is no longer so.
set -euo pipefail

package=@anthropic-ai/claude-code@2.1.332
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --no-save --prefix "$scratch/cli" "$package"
program=$(echo "$scratch"/cli/node_modules/@anthropic-ai/claude-code-*/claude)
"$program" --version
mkdir "$scratch/home" "$scratch/project"
cd "$scratch/project"
claude() { env -i HOME="$scratch/home" PATH="$PATH" DISABLE_AUTOUPDATER=1 "$program" "$@" </dev/null; }

market=$scratch/download
mkdir -p "$market/.claude-plugin" "$market/tool/.claude-plugin"
echo '{"name": "market", "owner": {"name": "o"}, "plugins": [{"name": "tool", "source": "./tool"}]}' >"$market/.claude-plugin/marketplace.json"
echo '{"name": "tool", "version": "1.0.0", "description": "d"}' >"$market/tool/.claude-plugin/plugin.json"
# A server that answers the first request and lists no tools.
cat >"$market/tool/server.py" <<'PYTHON'
import json, sys

for line in sys.stdin:
    request = json.loads(line)
    if "id" in request:
        about = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": about}), flush=True)
PYTHON
echo '{"mcpServers": {"s": {"command": "python3", "args": ["${CLAUDE_PLUGIN_ROOT}/server.py"]}}}' >"$market/tool/.mcp.json"

wrong() {
    printf 'no longer so: %s\n' "$1"
    exit 1
}
servers() { claude mcp list 2>&1 | grep -c 'plugin:tool:s' || true; }

claude plugin marketplace add "$market" >"$scratch/log" 2>&1
claude plugin install tool@market >"$scratch/log" 2>&1
copy=$(find "$scratch/home/.claude/plugins/cache" -name server.py)
printf 'the copy: ~%s\n' "${copy#"$scratch/home"}"
cmp "$copy" "$market/tool/server.py" || wrong 'there is no whole copy'
python3 - "$scratch/home/.claude/plugins/installed_plugins.json" "$(dirname "$copy")" <<'PYTHON' || wrong 'it is not named as the installation'
import json, os, sys

entries = json.load(open(sys.argv[1]))["plugins"]["tool@market"]
sys.exit(os.path.realpath(entries[0]["installPath"]) != os.path.realpath(sys.argv[2]))
PYTHON
before=$(servers)
mv "$market" "$scratch/elsewhere"
without=$(servers)
told=$(claude plugin list 2>&1)
printf 'servers of the plugin: %s installed, %s when the directory is gone\n' "$before" "$without"
printf '%s\n' "$told" | grep -A 4 'tool@market'
[ "$before" = 1 ] || wrong 'an installed plugin has no server'
[ "$without" = 0 ] || wrong 'the server is still there'
case $told in *'failed to load'*) ;; *) wrong 'the plugin is said to load' ;; esac
[ -e "$copy" ] || wrong 'the copy went, too'
claude plugin marketplace add "$scratch/elsewhere" >"$scratch/log" 2>&1
again=$(servers)
printf 'servers of the plugin when the marketplace is added from elsewhere: %s\n' "$again"
[ "$again" = 1 ] || wrong 'that does not bring it back'
echo 'as seen: the plugin is loaded from where it came, not from the copy'

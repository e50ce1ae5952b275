#!/usr/bin/env bash
# A registered MCP server displaces a plugin's servers of the same command line, though their environment differs.
#
# Package:      @anthropic-ai/claude-code@2.1.332, from npm, in a temporary folder
# A good guess: a plugin's server that is registered too runs once (this is documented: plugins match by command); one with other
#               `env`, so with another database or account, is another server; a program is the same however it is spelled.
# Seen:         two servers of one plugin that differ in `env` alone both run. One registered with the same command and arguments,
#               and a third `env`, displaces both: the session and `claude mcp list` do not name them, `claude mcp get` knows
#               none of the name, and only the debug log has a line about it. With the full path in place of the name on PATH
#               nothing is displaced: all three run.
#
# No model, no account: the list of servers is printed before the first request, which goes to a closed port of loopback.
# Ends with 1 when the behaviour is no longer so.
set -euo pipefail

package=@anthropic-ai/claude-code@2.1.332
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --no-save --prefix "$scratch/cli" "$package"
claude=$(echo "$scratch"/cli/node_modules/@anthropic-ai/claude-code-*/claude)
"$claude" --version

# A plugin with two servers that differ in the database only; the program has one tool and notes the database it is started for.
mkdir -p "$scratch"/market/.claude-plugin "$scratch"/market/notes/.claude-plugin "$scratch/home" "$scratch/bin" "$scratch/project"
cat >"$scratch/market/.claude-plugin/marketplace.json" <<'JSON'
{"name": "shelf", "owner": {"name": "nobody"}, "plugins": [{"name": "notes", "source": "./notes", "description": "notes"}]}
JSON
cat >"$scratch/market/notes/.claude-plugin/plugin.json" <<'JSON'
{"name": "notes", "version": "1.0.0", "description": "notes"}
JSON
cat >"$scratch/market/notes/.mcp.json" <<'JSON'
{"mcpServers": {"work": {"command": "notes-server", "args": ["serve"], "env": {"NOTES_DATABASE": "work"}},
                "home": {"command": "notes-server", "args": ["serve"], "env": {"NOTES_DATABASE": "home"}}}}
JSON
cat >"$scratch/bin/notes-server" <<'PYTHON'
#!/usr/bin/env python3
import json, os, sys

with open(os.environ["HOME"] + "/started", "a") as started:
    print(os.environ["NOTES_DATABASE"], file=started)
for request in map(json.loads, sys.stdin):
    result = {}
    if request["method"] == "initialize":
        result = {"protocolVersion": request["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "notes", "version": "1"}}
    if request["method"] == "tools/list":
        result = {"tools": [{"name": "note", "description": "Takes a note", "inputSchema": {"type": "object"}}]}
    if "id" in request:
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
PYTHON
chmod +x "$scratch/bin/notes-server"

# A session waits for its servers, so that a slow start is not read as a failed one.
run() {
    (
        cd "$scratch/project"
        env -i PATH="$scratch/bin:$PATH" HOME="$scratch/home" ANTHROPIC_API_KEY=dummy ANTHROPIC_BASE_URL=http://127.0.0.1:9 \
            CLAUDE_CODE_MAX_RETRIES=0 MCP_CONNECTION_NONBLOCKING=0 DISABLE_AUTOUPDATER=1 \
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 timeout 120 "$claude" "$@" </dev/null
    )
}
session() {
    # It ends with 1: no model answers.
    { run -p --output-format=stream-json --verbose --debug-file "$scratch/debug" hello || true; } >"$scratch/events"
    python3 -c '
import json, sys
init = next(event for event in map(json.loads, sys.stdin) if event.get("subtype") == "init")
for server in init["mcp_servers"]:
    print(server["name"], server["status"])' <"$scratch/events"
}
list() { run mcp list | sed -n 's/^\(plugin:notes:[a-z]*\|mine\): .*\(Connected\|Failed to connect\).*/\1 \2/p'; }
named() { if grep -q plugin:notes:work "$1"; then echo yes; else echo no; fi; }

# What sessions and commands say of the servers, and the databases for which the program was started.
observe() {
    rm -f "$scratch/home/started" "$scratch/debug"
    echo "$1"
    echo "  session: $(session | sort | paste -sd, -); started: $(sort "$scratch/home/started" | paste -sd, -)"
    echo "  list: $(list | sort | paste -sd, -)"
    if run mcp get plugin:notes:work >/dev/null 2>&1; then echo "  get: known"; else echo "  get: unknown"; fi
    echo "  named: event stream $(named "$scratch/events"), debug log $(named "$scratch/debug")"
    grep -m1 -o "Suppressing.*plugin:notes:work.*" "$scratch/debug" >&2 || true
}
register() { run mcp add --scope user mine --env NOTES_DATABASE=mine -- "$@" >/dev/null; }

run plugin marketplace add "$scratch/market" >/dev/null
run plugin install notes@shelf >/dev/null
{
    observe "the plugin alone"
    register notes-server serve
    observe "registered by its name"
    run mcp remove mine >/dev/null
    register "$scratch/bin/notes-server" serve
    observe "registered by its path"
} | tee "$scratch/observed"

expected='the plugin alone
  session: plugin:notes:home connected,plugin:notes:work connected; started: home,work
  list: plugin:notes:home Connected,plugin:notes:work Connected
  get: known
  named: event stream yes, debug log yes
registered by its name
  session: mine connected; started: mine
  list: mine Connected
  get: unknown
  named: event stream no, debug log yes
registered by its path
  session: mine connected,plugin:notes:home connected,plugin:notes:work connected; started: home,mine,work
  list: mine Connected,plugin:notes:home Connected,plugin:notes:work Connected
  get: known
  named: event stream yes, debug log yes'
if [ "$(<"$scratch/observed")" = "$expected" ]; then
    echo "as found: env tells a plugin's servers apart, but not from a registered one"
else
    echo "changed"
    exit 1
fi

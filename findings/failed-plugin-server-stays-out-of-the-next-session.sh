#!/usr/bin/env bash
# A plugin's MCP server that failed once, even in `claude mcp list`, is not started by later sessions when its cause is gone.
#
# Package:      @anthropic-ai/claude-code@2.1.332, from npm, in a temporary folder
# A good guess: each session starts its servers; what `claude mcp list` calls connected, the next session has; to look at
#               servers changes nothing; a plugin that was removed and installed anew has no past.
# Seen:         a failed start of a plugin's server is kept in the home directory, by a session and by `claude mcp list` alike.
#               Sessions after it report the server as failed and do not run it, in any project; the reason, "recent failure
#               cached retries automatically in 15 min", is in the transcript, not in the event stream. Meanwhile `claude mcp
#               list` runs it and says Connected, which does not clear the failure; nor does it help to remove the plugin and
#               install it anew. A server of `claude mcp add` is tried in every session.
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

# A plugin whose server is a program on PATH, and a server with one tool that notes when it is started.
mkdir -p "$scratch"/market/.claude-plugin "$scratch"/market/notes/.claude-plugin
cat >"$scratch/market/.claude-plugin/marketplace.json" <<'JSON'
{"name": "shelf", "owner": {"name": "nobody"}, "plugins": [{"name": "notes", "source": "./notes", "description": "notes"}]}
JSON
cat >"$scratch/market/notes/.claude-plugin/plugin.json" <<'JSON'
{"name": "notes", "version": "1.0.0", "description": "notes"}
JSON
cat >"$scratch/market/notes/.mcp.json" <<'JSON'
{"mcpServers": {"notes": {"command": "notes-server", "args": ["of-the-plugin"]}}}
JSON
cat >"$scratch/server" <<'PYTHON'
#!/usr/bin/env python3
import json, os, sys

with open(os.environ["HOME"] + "/started", "a") as started:
    print(sys.argv[1], file=started)
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
chmod +x "$scratch/server"

# `claude` in a project of its own at each call, in the home directory $home. A session waits for its servers, so that a slow
# start is not read as a failed one.
run() {
    (
        cd "$(mktemp -d -p "$scratch")"
        env -i PATH="$home/bin:$PATH" HOME="$home" ANTHROPIC_API_KEY=dummy ANTHROPIC_BASE_URL=http://127.0.0.1:9 \
            CLAUDE_CODE_MAX_RETRIES=0 MCP_CONNECTION_NONBLOCKING=0 DISABLE_AUTOUPDATER=1 \
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 timeout 120 "$claude" "$@" </dev/null
    )
}
session() {
    # It ends with 1: no model answers.
    { run -p --output-format=stream-json --verbose hello || true; } | tee -a "$scratch/events" | python3 -c '
import json, sys
init = next(event for event in map(json.loads, sys.stdin) if event.get("subtype") == "init")
for server in init["mcp_servers"]:
    print(server["name"], server["status"])'
}
list() { run mcp list | sed -n 's/^\(plugin:notes:notes\|mine\): .*\(Connected\|Failed to connect\).*/\1 \2/p'; }
# What a look at the servers says, and which of them it started.
look() {
    rm -f "$home/started"
    printf '  %s: %s; started: %s\n' "$1" "$("$2" | sort | paste -sd, -)" \
        "$(if [ -f "$home/started" ]; then sort "$home/started" | paste -sd, -; else echo none; fi)"
}

observe() {
    echo "first, without the programs: $1"
    home=$scratch/home-$1
    mkdir -p "$home/bin"
    run plugin marketplace add "$scratch/market" >/dev/null
    run plugin install notes@shelf >/dev/null
    run mcp add --scope user mine -- mine-server of-the-user >/dev/null
    if [ "$1" != nothing ]; then look "$1" "$1"; fi
    cp "$scratch/server" "$home/bin/notes-server"
    cp "$scratch/server" "$home/bin/mine-server"
    echo " then, with them"
    look session session
    if [ "$1" = nothing ]; then return; fi
    look list list
    run plugin uninstall notes@shelf >/dev/null
    run plugin install notes@shelf >/dev/null
    look "session with the plugin installed anew" session
}
for first in nothing session list; do observe "$first"; done | tee "$scratch/observed"
told() { if grep -rq "recent failure cached" "$@"; then echo yes; else echo no; fi; }
echo "the reason: in the event stream $(told "$scratch/events"), in transcripts $(told "$scratch"/home-*/.claude/projects)" |
    tee -a "$scratch/observed"

expected='first, without the programs: nothing
 then, with them
  session: mine connected,plugin:notes:notes connected; started: of-the-plugin,of-the-user
first, without the programs: session
  session: mine failed,plugin:notes:notes failed; started: none
 then, with them
  session: mine connected,plugin:notes:notes failed; started: of-the-user
  list: mine Connected,plugin:notes:notes Connected; started: of-the-plugin,of-the-user
  session with the plugin installed anew: mine connected,plugin:notes:notes failed; started: of-the-user
first, without the programs: list
  list: mine Failed to connect,plugin:notes:notes Failed to connect; started: none
 then, with them
  session: mine connected,plugin:notes:notes failed; started: of-the-user
  list: mine Connected,plugin:notes:notes Connected; started: of-the-plugin,of-the-user
  session with the plugin installed anew: mine connected,plugin:notes:notes failed; started: of-the-user
the reason: in the event stream no, in transcripts yes'
if [ "$(<"$scratch/observed")" = "$expected" ]; then
    echo "as found: sessions do not start the plugin's server, though the list connects to it"
else
    echo "changed"
    exit 1
fi

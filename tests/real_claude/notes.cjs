// A stdio MCP server with one tool, for the projects in these tests. Node.js is there wherever npm is.
// NOTES_LOG: file that gets every message; NOTES_SILENT: tool calls are never answered;
// NOTES_DELAY_MS: time before `initialize` is answered.
const { appendFileSync } = require("node:fs");
const lines = require("node:readline").createInterface({ input: process.stdin });

const answers = {
  initialize: (params) => ({
    protocolVersion: params.protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "notes", version: "1.0.0" },
  }),
  "tools/list": () => ({
    tools: [{ name: "read_note", description: "Reads the note", inputSchema: { type: "object", properties: {} } }],
  }),
  "tools/call": () => ({ content: [{ type: "text", text: "the note of this project" }] }),
};

lines.on("line", (line) => {
  if (process.env.NOTES_LOG) appendFileSync(process.env.NOTES_LOG, line + "\n");
  const { id, method, params } = JSON.parse(line);
  if (id === undefined || (method === "tools/call" && process.env.NOTES_SILENT)) return;
  const answer = answers[method];
  const outcome = answer ? { result: answer(params) } : { error: { code: -32601, message: `no ${method}` } };
  const delay = method === "initialize" ? Number(process.env.NOTES_DELAY_MS || 0) : 0;
  setTimeout(() => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, ...outcome }) + "\n"), delay);
});

// The official TypeScript SDKs as clients: `sdk` (1.x, `initialize`) and `client` (2.x).
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.env.INTEROP_MODULES + "/package.json");
const load = async (name) => import(pathToFileURL(require.resolve(name)).href);
const which = process.argv[2];
const sdk =
  which === "sdk"
    ? { ...(await load("@modelcontextprotocol/sdk/client/index.js")), ...(await load("@modelcontextprotocol/sdk/client/stdio.js")) }
    : { ...(await load("@modelcontextprotocol/client")), ...(await load("@modelcontextprotocol/client/stdio")) };
const { version } = JSON.parse((await import("node:fs")).readFileSync(
  `${process.env.INTEROP_MODULES}/node_modules/@modelcontextprotocol/${which}/package.json`));

const transport = new sdk.StdioClientTransport({
  command: process.env.INTEROP_PRODUCT, args: ["serve"], env: process.env, stderr: "ignore",
});
const client = new sdk.Client({ name: "interop", version: "1" });
await client.connect(transport);

const check = (name, result) => {
  assert.ok(!result.isError, JSON.stringify(result));
  const text = JSON.parse(result.content[0].text);
  assert.deepEqual(result.structuredContent, Array.isArray(text) ? { result: text } : text, name);
  return text;
};
const call = (name, args, options) =>
  which === "sdk" ? client.callTool({ name, arguments: args }, undefined, options) : client.callTool({ name, arguments: args }, options);

const { tools } = await client.listTools();
assert.ok(tools.length >= 17 && tools.every((tool) => tool.outputSchema.type === "object"));
const calls = [
  ["list_agents", {}], ["inspect_agent", { name: "b" }], ["dispatch", { agent: "b", task: "t" }],
  ["dispatch_session", { agent: "b", task: "t" }], ["dispatch_jobs", {}], ["cache_stats", {}],
];
for (const [name, args] of calls) check(name, await call(name, args));
assert.ok((await call("dispatch", { agent: "nobody", task: "t" })).isError);
const told = [];
const streamed = await call("dispatch_stream", { agent: "b", task: "u" }, { onprogress: (progress) => told.push(progress.message) });
assert.equal(check("dispatch_stream", streamed).result, "the answer");
assert.ok(told.includes("Using tool: Bash"), JSON.stringify(told));
const many = await Promise.all([...Array(20).keys()].map((n) => call("dispatch", { agent: "b", task: `t${n}` })));
assert.ok(many.every((result) => check("dispatch", result).success));
await client.close();
console.log(`  ok      ${calls.length + 4} steps`);
console.log(`TypeScript ${which} ${version}: 1 passed, 0 failed`);

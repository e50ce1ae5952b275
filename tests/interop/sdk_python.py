"""The official Python SDK as client, whichever major version is installed: 2 speaks 2026-07-28, 1 `initialize`."""

import asyncio
import importlib.metadata
import json
import os
import sys

from mcp import StdioServerParameters
from world import TALKATIVE, World

CALLS = [
    ("list_agents", {}),
    ("inspect_agent", {"name": "b"}),
    ("dispatch", {"agent": "b", "task": "t"}),
    ("dispatch_session", {"agent": "b", "task": "t"}),
    ("dispatch_jobs", {}),
    ("cache_stats", {}),
]


def check(name, result):
    """The SDK has checked the structure against the schema; here the text is compared with it."""
    is_error = getattr(result, "isError", None) or getattr(result, "is_error", None)
    assert not is_error, result
    text = json.loads(result.content[0].text)
    structure = getattr(result, "structuredContent", None) or getattr(result, "structured_content", None)
    assert structure == (text if isinstance(text, dict) else {"result": text}), (name, structure)
    return text


async def scenario(client, told):
    tools = (await client.list_tools()).tools
    assert len(tools) >= 17 and all(tool.name and tool.description for tool in tools), tools
    for name, arguments in CALLS:
        check(name, await client.call_tool(name, arguments))
    mistake = await client.call_tool("dispatch", {"agent": "nobody", "task": "t"})
    assert getattr(mistake, "isError", None) or getattr(mistake, "is_error", None), mistake

    async def progress(done, total, message):
        told.append(message)

    answer = await client.call_tool("dispatch_stream", {"agent": "b", "task": "u"}, progress_callback=progress)
    assert check("dispatch_stream", answer)["result"] == "the answer"
    for _ in range(100):
        if "Using tool: Bash" in told:
            break
        await asyncio.sleep(0.05)
    assert "Using tool: Bash" in told, told
    many = [client.call_tool("dispatch", {"agent": "b", "task": f"t{number}"}) for number in range(20)]
    assert all(check("dispatch", answer)["success"] for answer in await asyncio.gather(*many))


async def main():
    version = importlib.metadata.version("mcp")
    told = []
    with World(lambda _: [], TALKATIVE) as world:
        server = StdioServerParameters(command=os.environ["INTEROP_PRODUCT"], args=["serve"], env=world.environment())
        if version.startswith("1."):
            from mcp import ClientSession
            from mcp.client.stdio import stdio_client

            async with stdio_client(server) as (read, write), ClientSession(read, write) as client:
                await client.initialize()
                await scenario(client, told)
        else:
            from mcp import Client

            async with Client(server) as client:
                await scenario(client, told)
                assert str(client.protocol_version) == "2026-07-28", client.protocol_version
    print(f"  ok      {len(CALLS) + 4} steps")
    print(f"Python SDK {version}: 1 passed, 0 failed")


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(main(), 120))
    sys.exit(0)

"""A real MCP server (the official SDK) that does what a file tells it, in a process of its own; over HTTP, or over its standard input.

    with McpProcess(folder) as server:
        server.says(description="Looks an order up.")
        ... server.url, server.calls() ...

Run as a program, the folder and a port (0: standard input and output) are its arguments.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

ORDER = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
FOUND = {"type": "object", "required": ["state"], "properties": {"state": {"type": "string"}}}


class McpProcess:
    """The server, and what it is told to do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self.says()

    @property
    def place(self) -> str:
        """As SIGNALBOX_EGRESS_ALLOW names it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where it speaks MCP."""
        return f"http://{self.place}/mcp"

    @property
    def command(self) -> list[str]:
        """What starts it as a program."""
        return [sys.executable, __file__, str(self.folder), "0"]

    def says(self, **told: Any) -> None:
        """From now on: `description extra lie bytes error delay_s dies tools hidden`."""
        beside = self.folder / "says.new"
        beside.write_text(json.dumps(told))
        beside.replace(self.folder / "says.json")

    def calls(self) -> list[dict[str, Any]]:
        """Every call that reached it: `{tool, arguments, key}`."""
        log = self.folder / "calls.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def started(self) -> dict[str, Any]:
        """The last process of it: `{pid, env}`."""
        return json.loads((self.folder / "started.json").read_text())

    def start(self) -> None:
        """Starts it over HTTP, and waits until it answers; again after its death."""
        self.kill()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*self.command[:-1], str(self.port)], stdout=log, stderr=log)
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            if self._process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())

    def kill(self) -> None:
        """As a machine that goes dark."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def _served(folder: Path) -> Any:
    from mcp.server.lowlevel import Server
    from mcp_types import CallToolResult, ListToolsResult, TextContent, Tool, ToolAnnotations

    def told() -> dict[str, Any]:
        return json.loads((folder / "says.json").read_text())

    async def listed(_context: Any, _params: Any) -> ListToolsResult:
        says = told()
        hints = ToolAnnotations(read_only_hint=True)
        words = says.get("description", "Looks an order up.")
        order = Tool(name="find order", description=words, input_schema=ORDER, output_schema=FOUND, annotations=hints)
        plain = Tool(name="say", description="Says it again.", input_schema={"type": "object"})
        more = [Tool(name=f"more_{n}", description="More.", input_schema={"type": "object"}) for n in range(says.get("tools", 0))]
        odd = [Tool(**one) for one in says.get("extra", [])]
        return ListToolsResult(tools=[*([] if says.get("hidden") else [order]), plain, *more, *odd])

    async def called(_context: Any, params: Any) -> CallToolResult:
        says = told()
        meta = params.meta if isinstance(params.meta, dict) else (params.meta.model_dump() if params.meta else {})
        with (folder / "calls.jsonl").open("a") as log:
            log.write(json.dumps({"tool": params.name, "arguments": params.arguments, "key": meta.get("signalbox/idempotency-key")}) + "\n")
            log.flush()
            os.fsync(log.fileno())
        if says.get("dies"):
            os.kill(os.getpid(), 9)
        await asyncio.sleep(says.get("delay_s", 0))
        if says.get("error"):
            return CallToolResult(content=[TextContent(type="text", text=says["error"])], is_error=True)
        if params.name == "say":
            return CallToolResult(content=[TextContent(type="text", text="x" * says.get("bytes", 0) + says.get("text", "said"))])
        value = {"condition": 7} if says.get("lie") else {"state": "on its way"}
        return CallToolResult(content=[TextContent(type="text", text=json.dumps(value))], structured_content=value)

    return Server("fake", version="1", on_list_tools=listed, on_call_tool=called)


async def _stdio(server: Any) -> None:
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def _main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    (folder / "started.json").write_text(json.dumps({"pid": os.getpid(), "env": dict(os.environ)}))
    server = _served(folder)
    if port == 0:
        asyncio.run(_stdio(server))
        return
    import uvicorn

    uvicorn.run(server.streamable_http_app(json_response=False), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    _main()

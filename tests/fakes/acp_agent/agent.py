#!/usr/bin/env python3
"""A fake agent that speaks ACP on its stdio and has no model.

A prompt is a command: `say JSON`, `tick SECONDS`, `wait SECONDS` (a tool), `write NAME JSON` (asks
first), `work NAME SECONDS`, `think`, `plan`, `fail`, `die`, `deaf SECONDS` (a tool that no cancel
ends), `mode`, `blocks` (the files of the prompt), `servers` (the session's MCP servers) or the
command `/stamp TEXT`. Sessions are files in `$HOME/.acp`, so that they can be resumed.
`ACP_LOSES_SESSIONS` makes the agent forget them, and `ACP_TAKES_NO_MCP` refuse MCP servers over
HTTP.
"""

import asyncio
import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any

TICK_SECONDS = 0.1
STORE = Path.home() / ".acp"
MODES = ("ask", "plan")


class Agent:
    """One process; turns of different sessions run at the same time."""

    def __init__(self) -> None:
        self.cancelled: dict[str, asyncio.Event] = {}
        self.cwd: dict[str, str] = {}
        self.servers: dict[str, list[dict[str, Any]]] = {}
        self.mode: dict[str, str] = {}
        self.blocks: dict[str, list[dict[str, Any]]] = {}
        self.always: set[str] = set()
        self.replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        reader = asyncio.StreamReader(limit=1 << 26)
        protocol = asyncio.StreamReaderProtocol(reader)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
        while line := await reader.readline():
            message = json.loads(line)
            if "method" not in message:
                self.replies.pop(message["id"]).set_result(message.get("result") or {})
                continue
            task = asyncio.create_task(self.handle(message))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def handle(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message.get("params", {})
        name = method.replace("/", "_")
        try:
            result = await getattr(self, name)(params)
        except LookupError as error:
            body = {"code": -32602, "message": f"no such session: {error}"}
            return send(id=message["id"], error=body)
        except RuntimeError as error:
            return send(id=message["id"], error={"code": -32603, "message": str(error)})
        if "id" in message:
            send(id=message["id"], result=result)
        return None

    async def initialize(self, params: dict[str, Any]) -> dict[str, Any]:
        sessions = {"resume": {}, "close": {}}
        takes = {"image": True, "embeddedContext": True}
        capabilities = {"sessionCapabilities": sessions, "promptCapabilities": takes}
        if "ACP_TAKES_NO_MCP" not in os.environ:
            capabilities["mcpCapabilities"] = {"http": True, "sse": False}
        return {"protocolVersion": 1, "agentCapabilities": capabilities}

    async def session_new(self, params: dict[str, Any]) -> dict[str, Any]:
        session = f"ses_{uuid.uuid4().hex}"
        STORE.mkdir(exist_ok=True)
        (STORE / session).write_text(params["cwd"])
        self.cwd[session] = params["cwd"]
        self.servers[session] = params["mcpServers"]
        self.mode[session] = MODES[0]
        offer_commands(session)
        return {"sessionId": session, "configOptions": options(), "modes": self.modes(session)}

    async def session_resume(self, params: dict[str, Any]) -> dict[str, Any]:
        session = params["sessionId"]
        if not (STORE / session).exists() or "ACP_LOSES_SESSIONS" in os.environ:
            raise LookupError(session)
        self.cwd[session] = params["cwd"]
        self.servers[session] = params["mcpServers"]
        self.mode.setdefault(session, MODES[0])
        return {"configOptions": options(), "modes": self.modes(session)}

    def modes(self, session: str) -> dict[str, Any]:
        rows = [{"id": mode, "name": mode.title()} for mode in MODES]
        return {"currentModeId": self.mode[session], "availableModes": rows}

    async def session_set_mode(self, params: dict[str, Any]) -> dict[str, Any]:
        self.mode[params["sessionId"]] = params["modeId"]
        return {}

    async def session_close(self, params: dict[str, Any]) -> dict[str, Any]:
        (STORE / f"{params['sessionId']}.closed").touch()
        return {}

    async def session_set_config_option(self, params: dict[str, Any]) -> dict[str, Any]:
        (STORE / f"{params['sessionId']}.{params['configId']}").write_text(params["value"])
        return {"configOptions": options()}

    async def session_cancel(self, params: dict[str, Any]) -> None:
        self.cancelled[params["sessionId"]].set()

    async def session_prompt(self, params: dict[str, Any]) -> dict[str, Any]:
        session = params["sessionId"]
        text = params["prompt"][0]["text"].split("\n\n---\n\n> **Project context**")[0]
        command, _, rest = text.removeprefix("/").partition(" ")
        self.blocks[session] = params["prompt"]
        self.cancelled[session] = asyncio.Event()
        await getattr(self, f"play_{command}")(session, rest)
        stopped = self.cancelled[session].is_set()
        usage = {"inputTokens": 3, "outputTokens": 2}
        return {"stopReason": "cancelled" if stopped else "end_turn", "usage": usage}

    async def play_say(self, session: str, rest: str) -> None:
        words = json.loads(rest)
        for start in range(0, len(words), 512):
            chunk(session, words[start : start + 512])

    async def play_think(self, session: str, rest: str) -> None:
        update(session, "agent_thought_chunk", content={"type": "text", "text": "I think."})
        chunk(session, "I thought.")

    async def play_plan(self, session: str, rest: str) -> None:
        entries = [{"content": "Write", "status": "in_progress", "priority": "high"}]
        update(session, "plan", entries=entries)
        chunk(session, "That is the plan.")

    async def play_servers(self, session: str, rest: str) -> None:
        chunk(session, json.dumps(self.servers[session]))

    async def play_blocks(self, session: str, rest: str) -> None:
        chunk(session, json.dumps(self.blocks[session][1:]))

    async def play_mode(self, session: str, rest: str) -> None:
        chunk(session, self.mode[session])

    async def play_stamp(self, session: str, rest: str) -> None:
        chunk(session, f"stamped {rest}")

    async def play_tick(self, session: str, rest: str) -> None:
        for number in range(int(float(rest) / TICK_SECONDS)):
            chunk(session, f"tick-{number} ")
            if await self.is_cancelled(session, TICK_SECONDS):
                return

    async def play_wait(self, session: str, rest: str) -> None:
        call = open_call(session, "execute", {"command": f"wait {rest}"})
        if await self.is_cancelled(session, float(rest)):
            return
        close_call(session, call, "completed", "waited")
        chunk(session, "The wait is over.")

    async def play_deaf(self, session: str, rest: str) -> None:
        open_call(session, "execute", {"command": f"sleep {rest}"})
        process = await asyncio.create_subprocess_exec("sleep", rest)
        await process.wait()

    async def play_work(self, session: str, rest: str) -> None:
        path, _, seconds = rest.partition(" ")
        call = open_call(session, "execute", {"command": f"work {path}"})
        for _ in range(int(float(seconds) / TICK_SECONDS)):
            with (Path(self.cwd[session]) / path).open("a") as file:
                file.write("worked\n")
            if await self.is_cancelled(session, TICK_SECONDS):
                return
        close_call(session, call, "completed", "worked")
        chunk(session, "I worked.")

    async def play_write(self, session: str, rest: str) -> None:
        path, _, content = rest.partition(" ")
        arguments = {"filePath": path, "content": json.loads(content)}
        # as some agents do: the call first, its arguments later
        call = open_call(session, "edit", {})
        update(session, "tool_call_update", toolCallId=call, title="Write", rawInput=arguments)
        if await self.is_allowed(session, call, path):
            (Path(self.cwd[session]) / path).write_text(arguments["content"])
            close_call(session, call, "completed", f"Wrote {path}")
        elif self.cancelled[session].is_set():
            return
        else:
            close_call(session, call, "failed", "It was not allowed.")
        chunk(session, "That was the file.")

    async def play_fail(self, session: str, rest: str) -> None:
        raise RuntimeError("the model is on fire")

    async def play_die(self, session: str, rest: str) -> None:
        chunk(session, "Last words.")
        print("died on purpose", file=sys.stderr, flush=True)
        os._exit(3)

    async def is_allowed(self, session: str, call: str, path: str) -> bool:
        if session in self.always:
            return True
        kinds = {"once": "allow_once", "always": "allow_always", "no": "reject_once"}
        choices = [{"optionId": key, "kind": kind, "name": key} for key, kind in kinds.items()]
        tool = {"toolCallId": call, "title": path, "kind": "edit", "status": "pending"}
        number = len(self.replies) + int(uuid.uuid4().int % 1_000_000)
        self.replies[number] = asyncio.get_running_loop().create_future()
        params = {"sessionId": session, "toolCall": tool, "options": choices}
        reply = self.replies[number]
        send(id=number, method="session/request_permission", params=params)
        option = (await reply).get("outcome", {}).get("optionId")
        if option == "always":
            self.always.add(session)
        return option in {"once", "always"}

    async def is_cancelled(self, session: str, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.cancelled[session].wait()
        except TimeoutError:
            return False
        return True


def options() -> list[dict[str, Any]]:
    models = [{"value": f"fake/{name}", "name": name.title()} for name in ("small", "large")]
    efforts = [{"value": name, "name": name} for name in ("low", "high")]
    return [
        {"id": "effort", "category": "thought_level", "options": efforts},
        {"id": "language-model", "category": "model", "options": models},
    ]


def offer_commands(session: str) -> None:
    commands = [{"name": "stamp", "description": "Stamps a text", "input": {"hint": "text"}}]
    update(session, "available_commands_update", availableCommands=commands)


def open_call(session: str, kind: str, arguments: dict[str, Any]) -> str:
    call = f"call_{uuid.uuid4().hex}"
    title = "write" if kind == "edit" else "bash"
    fields = {"toolCallId": call, "title": title, "kind": kind, "status": "pending"}
    update(session, "tool_call", **fields, rawInput=arguments)
    return call


def close_call(session: str, call: str, status: str, output: str) -> None:
    content = [{"type": "content", "content": {"type": "text", "text": output}}]
    update(session, "tool_call_update", toolCallId=call, status=status, content=content)


def chunk(session: str, text: str) -> None:
    update(session, "agent_message_chunk", content={"type": "text", "text": text})


def update(session: str, name: str, **fields: Any) -> None:
    body = {"sessionId": session, "update": {"sessionUpdate": name, **fields}}
    send(method="session/update", params=body)


def send(**message: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


if __name__ == "__main__":
    asyncio.run(Agent().serve())

"""The source of a plugin from the lines that are wrong in it."""

from textwrap import dedent, indent

HEAD = """
import asyncio, contextlib, re, time
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

from fastapi import APIRouter
from pydantic import BaseModel, Field

from xo_cowork_core.sdk import *
from xo_cowork_core.sdk.connector import *
from xo_cowork_core.sdk.runtime.agents import *
from xo_cowork_core.sdk.runtime.history import *
from xo_cowork_core.sdk.runtime.transcripts import *

NOW = datetime(2026, 1, 2, tzinfo=UTC)

class Plain(Runtime):
    def __init__(self, name="{name}", **info):
        self.info = {{"name": name, "title": "Plain", **info}}

    def describe(self):
        return RuntimeInfo(**self.info)

    async def run(self, turn):
        yield TextDelta(turn.text)

async def swallow():
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
"""


def hook_source(name: str, hooks: str) -> str:
    """Return a plugin whose methods are `hooks`, each without its decorator."""
    lines = dedent(hooks).strip().splitlines()
    body = "\n".join(
        f"@hookimpl\n{line}" if line.startswith(("def xo_", "async def xo_")) else line
        for line in lines
    )
    return f"{HEAD.format(name=name)}\nclass Plugin:\n{indent(body, '    ')}\n\nplugin = Plugin()\n"


def describe_source(name: str, info: str) -> str:
    """Return a plugin whose runtime describes itself by the statement `info`."""
    return f"""{HEAD.format(name=name)}
class Wrong(Plain):
    def describe(self):
        {info}

class Plugin:
    @hookimpl
    def xo_runtimes(self):
        return [Wrong()]

plugin = Plugin()
"""


def turn_source(runs: dict[str, str], returns: dict[str, str]) -> str:
    """Return a plugin with a runtime that does what the prompt names."""
    branches = "".join(
        f"        if turn.text == {prompt!r}:\n            {statement}\n"
        for prompt, statement in runs.items()
    )
    plain = "".join(
        f"        if turn.text == {prompt!r}:\n            return {value}\n"
        for prompt, value in returns.items()
    )
    return f"""{HEAD.format(name="odd")}
class Wrong(Plain):
    def run(self, turn):
{plain}        return self.stream(turn)

    async def stream(self, turn):
        yield TextDelta("Well. ")
{branches}
class Plugin:
    @hookimpl
    def xo_runtimes(self):
        return [Wrong()]

plugin = Plugin()
"""


def clerk_source() -> str:
    """Return a plugin whose runtime returns what the file `answer` in the home folder says."""
    return f"""{HEAD.format(name="clerk")}
def answer(method, right):
    file = Path.home() / "answer"
    name, _, value = file.read_text().partition(" ") if file.exists() else ("", "", "")
    return eval(value) if name == method else right

class Clerk(Plain, KeepsAgents, HasChannels, OpensSessions):
    agent_fields = frozenset({{"name"}})

    async def agents(self):
        return answer("agents", [])

    async def save_agent(self, agent_id, fields):
        return answer("save_agent", Agent(agent_id, fields))

    async def delete_agent(self, agent_id):
        pass

    async def channels(self):
        return answer("channels", {{}})

    async def add_channel(self, channel, tokens):
        return answer("add_channel", True)

    async def open_session(self, turn):
        return answer("open_session", turn.session_id)

class Plugin:
    @hookimpl
    def xo_runtimes(self):
        return [Clerk()]

plugin = Plugin()
"""


def ability_source(name: str, bases: str, methods: str) -> str:
    """Return a plugin whose runtime has the methods of some abilities."""
    return f"""{HEAD.format(name=name)}
class Wrong(Plain, {bases}):
{indent(dedent(methods).strip(), "    ")}

class Plugin:
    @hookimpl
    def xo_runtimes(self):
        return [Wrong()]

plugin = Plugin()
"""

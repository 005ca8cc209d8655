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

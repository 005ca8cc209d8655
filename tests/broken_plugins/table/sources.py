"""The source of a plugin from the lines that are wrong in it."""

from textwrap import dedent, indent

HEAD = """
import asyncio, contextlib, re, time
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

from fastapi import APIRouter
from pydantic import BaseModel, Field, SecretStr

from xo_cowork_core.sdk import *
from xo_cowork_core.sdk.connector import *
from xo_cowork_core.sdk.runtime.agents import *
from xo_cowork_core.sdk.runtime.catalog import *
from xo_cowork_core.sdk.runtime.configuration import *
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

def fail(error):
    raise error

def service(info=ConnectorInfo("office", "Office"), methods=[ApiKey()]):
    # a connector that describes itself by these values, or raises them
    give = lambda value: fail(value) if isinstance(value, BaseException) else value
    return type("Service", (Connector,), {{
        "describe": lambda self: give(info),
        "sign_in_methods": lambda self: give(methods),
        "identify": lambda self, tokens: later("", "", Account("a")),
    }})()

def planned(method):
    # the expression that the file `answers` in the home folder has for a method
    file = Path.home() / "answers"
    rows = [line.partition(" ") for line in file.read_text().splitlines()] if file.exists() else []
    return next((value for name, _, value in rows if name == method), "")

def answer(method, right):
    # what an asynchronous method returns to its caller: a coroutine, unless `plain`
    value = planned(method)
    if value.startswith("plain "):
        return result_of(method, value.removeprefix("plain "))
    return later(method, value, right)

async def later(method, value, right):
    result = result_of(method, value) if value else right
    return await result if asyncio.iscoroutine(result) else result

def now(method, right):
    value = planned(method)
    return result_of(method, value) if value else right

def result_of(method, value):
    # the name of the file is what the host says of an expression that blocks
    return eval(compile(value, method + ".py", "eval"), globals())
"""
HEALTHY = (
    HEAD.format(name="healthy")
    + """
class Healthy(Plain, ListsModels, OffersSkills):
    async def models(self):
        return [Model("healthy-1", "Healthy", "healthy")]

    async def skills(self, cwd):
        return [Skill("healthy", "Works.", Path("/skills/healthy"))]

class Service(Connector):
    def describe(self):
        return ConnectorInfo("healthy", "Healthy")

    def sign_in_methods(self):
        return [ApiKey()]

    async def identify(self, tokens):
        return Account("a")

class Plugin:
    @hookimpl
    def xo_runtimes(self):
        return [Healthy()]

    @hookimpl
    def xo_connectors(self):
        return [Service()]

plugin = Plugin()
"""
)

# a runtime and a connector of all abilities that return what the file `answers` says
CLERK = (
    HEAD.format(name="clerk")
    + """
class Clerk(
    Plain, KeepsAgents, HasChannels, HasGateway, ReportsStatus, OpensSessions, ClosesSessions,
    EditsHistory, Answers, Interrupts,
):
    agent_fields = property(lambda self: now("agent_fields", frozenset({"name"})))
    agents = lambda self: answer("agents", [])
    save_agent = lambda self, agent_id, fields: answer("save_agent", Agent(agent_id, fields))
    delete_agent = lambda self, agent_id: answer("delete_agent", None)
    channels = lambda self: answer("channels", {})
    add_channel = lambda self, channel, tokens: answer("add_channel", True)
    gateway = lambda self: answer("gateway", GatewayStatus(True, True, 1, "ws://x"))
    restart_gateway = lambda self: answer("restart_gateway", "restarted")
    status_of = lambda self, subject: answer("status_of", {})
    open_session = lambda self, turn: answer("open_session", turn.session_id)
    close_session = lambda self, session_id: answer("close_session", None)
    drop = lambda self, session_id, message_id: answer("drop", None)
    answer = lambda self, turn, call_id, given: answer("answer", None)
    interrupt = lambda self, turn: answer("interrupt", None)

    async def run(self, turn):
        yield TextDelta("Well. ")
        if turn.text == "ask":
            yield PermissionRequest("c", "bash", "run_commands")
        if turn.text != "well":
            await asyncio.sleep(3600)

class Office(
    Connector, Revokes, ProvidesTurnEnvironment, ProvidesMcpServer, ProvidesGitCredentials
):
    describe = lambda self: ConnectorInfo("office", "Office")
    sign_in_methods = lambda self: now("sign_in_methods", [ApiKey()])
    identify = lambda self, tokens: answer("identify", Account("a"))
    revoke = lambda self, tokens: answer("revoke", None)
    turn_environment = lambda self, turn, tokens: now("turn_environment", {})
    mcp_server = lambda self: now("mcp_server", None)
    git_hosts = lambda self: now("git_hosts", [])
    git_credential = lambda self, tokens: GitCredential("octo", tokens.access_token)

class Plugin:
    @hookimpl
    def xo_runtimes(self):
        return [Clerk()]

    @hookimpl
    def xo_connectors(self):
        return [Office()]

plugin = Plugin()
"""
)


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

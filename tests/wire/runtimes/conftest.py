"""A server with a runtime that signs in in each way, by programs of the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import LiveServer, install_plugin

PLUGIN = '''
import asyncio, sys
from collections.abc import AsyncIterator, Sequence
from xo_cowork_core.sdk import (
    BadRequest, Event, HostContext, Runtime, RuntimeInfo, SecretField, TextDelta, Turn, hookimpl,
    Unauthorized, UpstreamFailed,
)
from xo_cowork_core.sdk.connector import (
    Account, AgentLogin, ApiKey, CommandLogin, CommandOutput, SignInDialog, SignInMethod, TokenSet,
)
from xo_cowork_core.sdk.runtime.sign_in import LogsIn
from pydantic import SecretStr

PROGRAM = """
import subprocess, sys
subprocess.Popen(["sleep", "3600"], start_new_session=True)
print("Open https://acme.test/login?opaque-_/+=%2F now", flush=True)
line = sys.stdin.readline().strip()
print("token=" + line)
"""


def read_tokens(output: CommandOutput) -> TokenSet:
    return TokenSet(SecretStr(output.stdout.partition("token=")[2].strip()))


def read_code(text: str) -> str:
    if "#" not in text:
        raise BadRequest("Paste the whole code.", details={"code": "code_missing"})
    return text.strip()


class Acme(Runtime, LogsIn):
    def __init__(self, context: HostContext) -> None:
        self._context = context

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo(name="acme", title="Acme", aliases=("acme-cli",))

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        yield TextDelta("hello")

    def sign_in_methods(self) -> Sequence[SignInMethod]:
        return [
            CommandLogin(
                (sys.executable, "-c", PROGRAM), r"https://\\S+", read_tokens,
                takes_input=True, read_input=read_code,
            ),
            ApiKey(pattern=r"key-\\w+"),
            AgentLogin(self._approve, id="agent"),
            AgentLogin(self._raise, id="raising"),
            AgentLogin(self._return_text, id="wrong"),
            AgentLogin(self._silent, start_seconds=1, id="silent"),
            CommandLogin(("no-such-program",), r".", read_tokens, id="absent", install="get acme"),
        ]

    async def complete_sign_in(self, tokens: TokenSet | None) -> Account:
        if tokens is not None:
            if tokens.access_token.get_secret_value().startswith("key-refused"):
                raise Unauthorized("No.")
            secret = {"ACME_TOKEN": tokens.access_token}
            await asyncio.to_thread(self._context.secrets.store, secret)
        return Account("1", username="ada", email="ada@example.test")

    async def _approve(self, dialog: SignInDialog) -> None:
        dialog.print("stdout", "one line")
        dialog.prompt("https://acme.test/device", "AB-12", expires_in=60)
        await self._context.processes.spawn(
            ["sleep", "3600"], cwd=self._context.paths.home, environment={}, owner=dialog.flow_id
        )
        while not (self._context.paths.home / "approved").exists():
            await asyncio.sleep(0.05)

    async def _raise(self, dialog: SignInDialog) -> None:
        raise KeyError("planted-detail")

    async def _return_text(self, dialog: SignInDialog) -> None:
        return "token"

    async def _silent(self, dialog: SignInDialog) -> None:
        await asyncio.sleep(3600)


class Plugin:
    @hookimpl
    def xo_secrets(self) -> Sequence[SecretField]:
        return [SecretField("ACME_TOKEN", "Token")]

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        return [Acme(context)]


plugin = Plugin()
'''


@pytest.fixture(scope="session")
def acme_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the plugin is installed."""
    return install_plugin(tmp_path_factory.mktemp("acme"), "runtime_acme", PLUGIN)


@pytest.fixture(scope="module")
def server(acme_runtime: Path) -> Iterator[LiveServer]:
    environment = {"XO_PLUGINS": "runtime_acme"}
    with LiveServer(environment=environment, python_path=[acme_runtime]) as running:
        yield running

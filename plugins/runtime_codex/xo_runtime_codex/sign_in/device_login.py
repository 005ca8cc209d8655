"""Signs Codex in with a device code: over its app-server, or by `codex login --device-auth`.

Seen with 0.169.0: the app-server stores the sign-in, then asks which workspace it belongs to; when
that fails it reports the whole sign-in as failed, although later turns use it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from xo_cowork_core.sdk import AgentFailure, HostContext, Process, UpstreamFailed
from xo_cowork_core.sdk.connector import SignInDialog
from xo_cowork_core.sdk.events.base import Json
from xo_cowork_core.sdk.kit import JsonRpcError, JsonRpcPeer
from xo_runtime_codex.account import sign_in_mark
from xo_runtime_codex.options import Options
from xo_runtime_codex.program import find_program
from xo_runtime_codex.sign_in.command_output import LoginOutput
from xo_runtime_codex.sign_in.errors import ToolMissing, error_of
from xo_runtime_codex.sign_in.installation import install_program

CODE_SECONDS = 900.0
CLIENT = {"name": "xo_cowork", "title": "XO Cowork", "version": "0.1.0"}
COMPLETED = "account/login/completed"
QUIET = ("-c", "check_for_update_on_startup=false")
UNKNOWN_METHOD = ("unknown variant", "method not found")
ABSENT = (
    "Codex isn't installed: run `npm install -g @openai/codex`, "
    'or send {"install": true} to have it installed here.'
)


class NoStructuredLogin(Exception):
    """This version of Codex has no app-server that signs in."""


class DeviceLogin:
    """The sign-in of one runtime; its processes belong to the flow."""

    def __init__(self, context: HostContext, options: Options) -> None:
        self._context = context
        self._options = options

    async def run(self, dialog: SignInDialog) -> None:
        """Sign in. Raises ToolMissing when there is no Codex."""
        program = await asyncio.to_thread(find_program, self._context, self._options)
        if program is None:
            raise ToolMissing(ABSENT)
        await self._sign_in(program, dialog)

    async def install_and_run(self, dialog: SignInDialog) -> None:
        """Sign in; install Codex first where there is none."""
        program = await asyncio.to_thread(find_program, self._context, self._options)
        if program is None:
            program = await install_program(self._context, self._options, dialog)
        await self._sign_in(program, dialog)

    async def _sign_in(self, program: Path, dialog: SignInDialog) -> None:
        await asyncio.to_thread(self._options.home.mkdir, mode=0o700, parents=True, exist_ok=True)
        try:
            await self._over_app_server(program, dialog)
        except NoStructuredLogin as reason:
            self._context.log.info("signing in by the command line: %s", reason)
            await self._by_command(program, dialog)

    async def _over_app_server(self, program: Path, dialog: SignInDialog) -> None:
        before = await asyncio.to_thread(sign_in_mark, self._options.home)
        watch = CompletionWatch()
        async with self._process([program, "app-server", *QUIET], dialog) as process:
            peer = JsonRpcPeer(
                process, watch, title="Codex", log=self._context.log, version_field=False
            )
            prompt = await self._start(peer)
            url, code = prompt.get("verificationUrl"), prompt.get("userCode")
            if not isinstance(url, str) or not isinstance(code, str):
                raise NoStructuredLogin("it returned no device code")
            dialog.prompt(url, code, expires_in=CODE_SECONDS)
            result = await watch.completed
        if result.get("success") is True:
            return
        if before != await asyncio.to_thread(sign_in_mark, self._options.home):
            self._context.log.warning("Codex stored the sign-in, then failed: see its own log")
            return
        raise error_of(str(result.get("error")))

    async def _start(self, peer: JsonRpcPeer) -> Json:
        try:
            await peer.request("initialize", {"clientInfo": CLIENT})
            await peer.notify("initialized")
            return await peer.request("account/login/start", {"type": "chatgptDeviceCode"})
        except AgentFailure as error:
            raise NoStructuredLogin(error.message) from error
        except JsonRpcError as error:
            if any(mark in str(error).lower() for mark in UNKNOWN_METHOD):
                raise NoStructuredLogin("it does not know the method") from error
            raise error_of(str(error)) from error

    async def _by_command(self, program: Path, dialog: SignInDialog) -> None:
        issuer = self._options.issuer
        chosen = ("--experimental_issuer", issuer) if issuer else ()
        output = LoginOutput(dialog, CODE_SECONDS)
        async with self._process([program, "login", "--device-auth", *chosen], dialog) as process:
            await process.close_stdin()
            async for lines in process.batches():
                output.add(lines)
            returncode = await process.wait(10)
            if returncode != 0:
                raise error_of(output.text + process.stderr_tail)
        if not output.is_prompted:
            raise UpstreamFailed("Codex showed no code to enter.")

    @asynccontextmanager
    async def _process(
        self, command: Sequence[str | Path], dialog: SignInDialog
    ) -> AsyncIterator[Process]:
        process = await self._context.processes.spawn(
            [str(word) for word in command],
            cwd=self._context.paths.home,
            environment=self._environment(),
            owner=dialog.flow_id,
        )
        try:
            yield process
        finally:
            await process.stop(kill_after=1.0)

    def _environment(self) -> Mapping[str, str]:
        values: dict[str, str] = {}
        if self._options.own_home:
            values["CODEX_HOME"] = str(self._options.home)
        if self._options.issuer:
            values["CODEX_APP_SERVER_LOGIN_ISSUER"] = self._options.issuer
        return values


class CompletionWatch:
    """Waits for the notification that a sign-in has ended. Implements `JsonRpcHandler`."""

    def __init__(self) -> None:
        self.completed: asyncio.Future[Json] = asyncio.get_running_loop().create_future()

    async def receive(self, peer: JsonRpcPeer, messages: Sequence[Json]) -> None:
        for message in messages:
            parameters = message.get("params")
            if message.get("method") == COMPLETED and isinstance(parameters, Mapping):
                if not self.completed.done():
                    self.completed.set_result(parameters)
            elif "id" in message:
                await peer.refuse(message)

    def connection_lost(self, failure: AgentFailure) -> None:
        if not self.completed.done():
            self.completed.set_exception(UpstreamFailed(failure.message))
            # nobody waits for it before the prompt
            self.completed.exception()

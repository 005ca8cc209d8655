"""Performs the actions of one flow. It owns no task; `ActiveFlow` runs it in its own."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from pydantic import SecretStr

from xo_cowork_core.sdk import NotFound, Unauthorized, XoError
from xo_cowork_core.sdk.connector import (
    AgentLogin,
    ApiKey,
    AuthorizationCode,
    CommandLogin,
    DeviceCode,
    OutputStream,
    SignInMethod,
    TokenSet,
)
from xo_cowork_core.services.auth_flows import texts
from xo_cowork_core.services.auth_flows.actions import (
    Action,
    ExchangeCode,
    Identify,
    OpenListener,
    PollDevice,
    Prepare,
    StoreConnection,
)
from xo_cowork_core.services.auth_flows.events import (
    AccountIdentified,
    ConnectionStored,
    DevicePending,
    DevicePollFailed,
    Event,
    KeyRequested,
    ListenerLost,
    StepFailed,
    TokensReceived,
)
from xo_cowork_core.services.auth_flows.failures import failure_of
from xo_cowork_core.services.auth_flows.flow import Flow
from xo_cowork_core.services.auth_flows.loopback_listener import LoopbackListener
from xo_cowork_core.services.auth_flows.preparation import redirect_port
from xo_cowork_core.services.auth_flows.programs.agent_run import AgentDialog, run_agent_login
from xo_cowork_core.services.auth_flows.programs.command_run import CommandRun
from xo_cowork_core.services.auth_flows.step import PROGRAM_KINDS
from xo_cowork_core.services.auth_flows.targets import SignInTarget
from xo_cowork_core.services.auth_flows.tools import FlowTools
from xo_cowork_core.services.auth_flows.views import CallbackResult
from xo_cowork_core.services.connectors.errors import (
    InvalidClient,
    NotConfigured,
    UpstreamUnreachable,
)
from xo_cowork_core.services.connectors.oauth_sessions import oauth_declaration
from xo_cowork_core.services.connectors.token_answers import AuthorizationPending
from xo_cowork_core.services.connectors.token_store import StoredConnection
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord

PLUGIN_POLL_SECONDS = 0.1


class FlowHost(Protocol):
    """The flow whose actions are performed."""

    flow: Flow

    def dispatch(self, event: Event) -> object: ...

    def print(self, stream: OutputStream, line: str) -> None: ...

    async def answer(self, query: Mapping[str, str]) -> CallbackResult: ...


class FlowWork:
    """What one flow holds, a listener or a program, and how its actions are performed."""

    def __init__(self, tools: FlowTools, host: FlowHost) -> None:
        self._tools = tools
        self._host = host
        self._listener: LoopbackListener | None = None
        self._command: CommandRun | None = None

    async def perform(self, action: Action) -> Event | None:
        """Perform an action and return its outcome. Raises XoError."""
        match action:
            case Prepare():
                return await self._prepare()
            case ExchangeCode(code):
                return await self._exchange(code)
            case PollDevice(seconds):
                return await self._poll(seconds)
            case Identify(tokens, seconds):
                return await self._identify(tokens, seconds)
            case StoreConnection():
                return await self._store()
            case OpenListener():
                return await self._reopen()
            case _:
                raise AssertionError(action)

    async def _prepare(self) -> Event:
        target = self._target()
        match await self._method():
            case AuthorizationCode() as method:
                path = method.loopback.path
                self._listener = LoopbackListener(path, self._host.answer)
                return await self._tools.preparation.authorize(
                    self._host.flow, method, target, self._listener
                )
            case DeviceCode() as method:
                return await self._tools.preparation.authorize_device(method, target)
            case ApiKey():
                return KeyRequested()
            case CommandLogin() as method:
                return await self._run_command(method, target.plugin.name)
            case AgentLogin() as method:
                return await self._run_agent(method, target.plugin)

    async def _run_command(self, method: CommandLogin, plugin: str) -> Event:
        flow_id, folder = self._host.flow.flow_id, None
        if method.private_folder:
            folder = await asyncio.to_thread(self._tools.create_folder, flow_id)
        self._command = self._tools.command_run(method, flow_id, plugin, self._host.print, folder)
        try:
            return await self._command.run(self._host.dispatch)
        except XoError as error:
            # its program has ended: there is nothing to try again
            return replace(failure_of(error), is_retryable=False)

    async def _run_agent(self, method: AgentLogin, plugin: PluginRecord) -> Event:
        flow_id, clock = self._host.flow.flow_id, self._tools.clock
        dialog = AgentDialog(flow_id, self._host.dispatch, self._host.print, clock)
        try:
            return await run_agent_login(method, dialog, plugin)
        except XoError as error:
            return replace(failure_of(error), is_retryable=False)

    async def _exchange(self, code: SecretStr) -> Event:
        method, flow = await self._method(), self._host.flow
        assert isinstance(method, AuthorizationCode)
        assert flow.verifier is not None
        preparation = self._tools.preparation
        metadata, client = await self._tools.party(flow, method.server, method.client)
        try:
            tokens = await preparation.requests.exchange_code(
                metadata,
                client,
                code=code,
                verifier=flow.verifier,
                redirect_uri=flow.redirect_uri,
                scopes=method.scopes,
            )
        except InvalidClient:
            await self._tools.forget_client(client.client_id)
            raise
        return TokensReceived(tokens)

    async def _poll(self, seconds: float) -> Event:
        await asyncio.sleep(seconds)
        method, flow = await self._method(), self._host.flow
        assert isinstance(method, DeviceCode)
        assert flow.device_code is not None
        try:
            metadata, client = await self._tools.party(flow, method.server, method.client)
            tokens = await self._tools.preparation.requests.poll_device(
                metadata, client, flow.device_code, method.scopes
            )
        except AuthorizationPending as pending:
            return DevicePending(pending.is_too_fast, pending.interval)
        except UpstreamUnreachable as error:
            return DevicePollFailed(error.message)
        return TokensReceived(tokens)

    async def _identify(self, tokens: TokenSet | None, seconds: float) -> Event:
        if tokens is not None:
            self._tools.redact(tokens)
        await asyncio.sleep(seconds)
        target = self._target()
        # after a restart; the deadline of the flow ends this wait
        while target.plugin.is_starting:  # noqa: ASYNC110
            await asyncio.sleep(PLUGIN_POLL_SECONDS)
        try:
            account = await target.identify(tokens)
        except Unauthorized:
            if self._host.flow.kind == "api_key":
                return StepFailed("invalid_key", texts.REFUSED_KEY)
            return StepFailed("needs_auth", texts.REFUSED_TOKENS)
        return AccountIdentified(account)

    async def _store(self) -> Event:
        flow = self._host.flow
        method = await self._method()
        row = StoredConnection(
            tokens=flow.tokens,
            obtained_at=flow.obtained_at or self._tools.clock.now(),
            method=flow.method,
            kind=flow.kind,
            client_id=flow.client_id,
            refreshes=oauth_declaration(method) is not None,
            account=flow.account,
        )
        await self._target().store(flow.connection, row)
        return ConnectionStored()

    async def _reopen(self) -> Event | None:
        method = await self._method()
        assert isinstance(method, AuthorizationCode)
        self._listener = LoopbackListener(method.loopback.path, self._host.answer)
        try:
            await self._listener.open(redirect_port(self._host.flow.redirect_uri))
        except OSError:
            return ListenerLost()
        return None

    async def pass_input(self, text: SecretStr) -> None:
        """Pass a text on to the program. Raises XoError."""
        self._tools.redactor.add([text])
        if self._command is not None:
            await self._command.pass_input(text, self._host.flow.oauth_state)

    def stop_listening(self) -> None:
        """Free the port at once."""
        if self._listener is not None:
            self._listener.stop_listening()

    async def free(self) -> None:
        """Close the listener and end the program.

        A flow that was given up gives its client's registration up: a server that does not know a
        client shows an error page, of which the flow never hears.
        """
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.close()
        flow = self._host.flow
        self._command = None
        if flow.kind in PROGRAM_KINDS:
            await self._tools.processes.stop_owner(flow.flow_id)
            # also that of an earlier server, whose program wrote into it
            await asyncio.to_thread(self._tools.delete_folder, flow.flow_id)
        if flow.kind == "authorization_code" and flow.state in {"cancelled", "expired"}:
            await self._tools.forget_client(flow.client_id)

    def _target(self) -> SignInTarget:
        try:
            return self._tools.targets.find(self._host.flow.target)
        except NotFound:
            raise NotConfigured(texts.NOT_LOADED) from None

    async def _method(self) -> SignInMethod:
        for method in await self._target().methods():
            if method.id == self._host.flow.method and method.kind == self._host.flow.kind:
                return method
        raise NotConfigured(texts.NOT_OFFERED)

"""All sign-ins of one app.

Owns a task that lets time pass for the flows; `stop` ends it and what the flows hold. Open flows
stay in the journal, so that the next server continues them.
"""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from xo_cowork_core.sdk import BadRequest, Unavailable, Unsupported
from xo_cowork_core.sdk.connector import (
    AgentLogin,
    ApiKey,
    AuthorizationCode,
    CommandLogin,
    SignInMethod,
)
from xo_cowork_core.sdk.connector.status import DEFAULT_CONNECTION
from xo_cowork_core.services.auth_flows import texts
from xo_cowork_core.services.auth_flows.active_flow import ActiveFlow
from xo_cowork_core.services.auth_flows.events import (
    CancelRequested,
    ServerRestarted,
    TextSubmitted,
)
from xo_cowork_core.services.auth_flows.flow import Flow, new_flow
from xo_cowork_core.services.auth_flows.flow_table import FlowTable
from xo_cowork_core.services.auth_flows.journal import FlowJournal
from xo_cowork_core.services.auth_flows.tools import FlowTools
from xo_cowork_core.services.auth_flows.views import CallbackResult, FlowUpdate, FlowView, Redirect
from xo_cowork_core.services.connectors.discovery import check_url
from xo_cowork_core.services.connectors.errors import FlowBusy, UpstreamError, error_with_code

START_SECONDS = 10.0
SUBMIT_SECONDS = 10.0
# the service's answer to `identify`, with some time around it
KEY_SECONDS = 40.0
MAX_OPEN_FLOWS = 64
MAX_START_SECONDS = 3600.0


class AuthFlows:
    """Starts, advances and ends the flows of all connectors and runtimes."""

    def __init__(self, tools: FlowTools, journal_file: Path) -> None:
        self._tools = tools
        self._clock = tools.clock
        self._table = FlowTable(tools.clock, self._note_forgotten)
        self._journal = FlowJournal(journal_file, self._table.flows)

    async def resume(self) -> None:
        """Continue the flows of the last server; their listeners are open on return."""
        flows = [self._add(flow) for flow in await self._journal.start()]
        for flow in flows:
            flow.dispatch(ServerRestarted())
        for flow in flows:
            await flow.reopened()
        self._table.start()

    async def stop(self) -> None:
        """End all tasks, listeners and programs; open flows continue with the next server."""
        await self._table.stop()
        await self._journal.stop()

    async def start(
        self,
        target: str,
        *,
        method: str | None,
        connection: str = DEFAULT_CONNECTION,
        force: bool = False,
        attach: bool = False,
        redirect: Redirect | None = None,
        redirect_uri: str = "",
        requires_redirect: bool = False,
        public_callback: str | None = None,
        seconds: float = START_SECONDS,
        input: str | None = None,  # noqa: A002  # the word of the wire
    ) -> FlowView:
        """Start a flow; return it once a person can act or it has ended, or after `seconds`.

        `target` is a connector's name, or `runtime:<name>`. `method` is a method's id; None takes
        the first. `force` ends an open flow for the same connection or port; `attach` returns the
        one for the same connection instead. A method without a redirect ignores `redirect`, unless
        it is required. `public_callback` is the address of `/api/oauth/callback` for browsers, and
        `redirect_uri` another one, whose owner submits the answer. `input` is submitted at once.
        Raises NotFound, BadRequest, FlowBusy, and the error of a failed start.
        """
        joins = attach and not force
        if joins and (existing := self._table.find_open(target, connection)):
            return await self._settle(existing, seconds)
        found = self._tools.targets.find(target)
        chosen = _choose(await found.methods(), method)
        if joins and (existing := self._table.find_open(target, connection)):
            return await self._settle(existing, seconds)
        found.check_connection(connection)
        if requires_redirect:
            _require_redirect(chosen, redirect)
        new = new_flow(secrets.token_hex(16), target, connection, chosen.kind, self._now)
        flow = _declare(new, chosen, redirect, public_callback, redirect_uri)
        active = await self._begin(flow, force=force)
        if input is not None and (await active.settled(seconds)).accepts_text:
            return await self.submit(target, flow.flow_id, input)
        return await self._settle(active, seconds)

    async def sign_in_with_key(self, target: str, connection: str, key: str) -> None:
        """Sign in with a key, by the first method that takes one; stored on return.

        Ends an open flow of the connection. Raises NotFound, Unsupported for a target without such
        a method, InvalidKey, AccountMismatch, and Unavailable or UpstreamFailed while the service
        can't tell; then nothing is stored.
        """
        methods = [each for each in await self.methods(target) if isinstance(each, ApiKey)]
        if not methods:
            raise Unsupported(f"{target} takes no key: use another way to sign in.")
        flow = await self.start(
            target, method=methods[0].id, connection=connection, force=True, input=key
        )
        if not flow.is_over and flow.error is None:
            flow = await self.ended(target, flow.flow_id, KEY_SECONDS)
        if not flow.is_over:
            await self.cancel(target, flow.flow_id)
        if flow.state == "completed":
            return
        if flow.error is None:
            raise Unavailable("The service did not answer in time.", retry_after=5)
        raise error_with_code(flow.error.code, flow.error.message)

    async def _begin(self, flow: Flow, *, force: bool) -> ActiveFlow:
        """Begin a flow, after those in its way. Raises FlowBusy."""
        blocking = self._find_blocking(flow, force=force)
        active = self._add(flow)
        await self._supersede(blocking)
        active.begin()
        return active

    async def _supersede(self, blocking: Sequence[ActiveFlow]) -> None:
        for each in blocking:
            each.dispatch(CancelRequested(superseded=True))
            await each.released()

    async def _settle(self, active: ActiveFlow, seconds: float) -> FlowView:
        flow = await active.settled(seconds)
        await self._journal.flush()
        if flow.state == "failed" and flow.error is not None:
            raise error_with_code(flow.error.code, flow.error.message)
        return flow.view()

    async def methods(self, target: str) -> Sequence[SignInMethod]:
        """Return a target's ways to sign in. Raises NotFound, Unsupported, UpstreamFailed."""
        return await self._tools.targets.find(target).methods()

    def find_open(self, target: str, connection: str = DEFAULT_CONNECTION) -> FlowView | None:
        """Return the open flow of a target's connection."""
        active = self._table.find_open(target, connection)
        return active.flow.view() if active else None

    def read(self, target: str, flow_id: str) -> FlowView:
        """Return a flow. Raises FlowNotFound."""
        return self._table.find(target, flow_id).flow.view()

    async def submit(self, target: str, flow_id: str, text: str) -> FlowView:
        """Pass on what a person pasted, and wait at most 10 s for what follows from it.

        Raises FlowNotFound, FlowNotWaiting, StateMismatch, StateMissing, CodeMissing, InvalidKey
        (malformed). A key that the service refuses gives a flow with the error `invalid_key`.
        """
        active = self._table.find(target, flow_id)
        if active.flow.kind == "command":
            text = await self._tools.targets.read_input(target, active.flow.method, text)
        rejection = active.dispatch(TextSubmitted(text))
        if rejection is not None:
            raise error_with_code(rejection.code, rejection.message)
        flow = await active.settled(SUBMIT_SECONDS)
        await self._journal.flush()
        return flow.view()

    async def cancel(self, target: str, flow_id: str) -> FlowView:
        """End a flow. Harmless when it has ended: then it stays as it is. Raises FlowNotFound."""
        active = self._table.find(target, flow_id)
        active.dispatch(CancelRequested())
        await active.released()
        await self._journal.flush()
        return active.flow.view()

    async def settled(self, target: str, flow_id: str, seconds: float) -> FlowView:
        """Return a flow once it waits for a person or has ended, or after `seconds`."""
        flow = await self._table.find(target, flow_id).settled(seconds)
        return flow.view()

    async def ended(self, target: str, flow_id: str, seconds: float) -> FlowView:
        """Return a flow once it has ended, or after `seconds`. Raises FlowNotFound."""
        flow = await self._table.find(target, flow_id).ended(seconds)
        return flow.view()

    def follow(self, target: str, flow_id: str) -> AsyncIterator[FlowUpdate]:
        """Yield the state of a flow and its output, then each change, until it ends.

        Raises FlowNotFound at once.
        """
        return self._table.find(target, flow_id).follow()

    async def callback(self, query: Mapping[str, str]) -> CallbackResult:
        """Take a browser's return to the public address; `state` selects the flow.

        Waits for the outcome, at most 20 s. Never raises: an unknown state gives `flow=None`.
        """
        active = self._table.find_state(query.get("state", ""))
        if active is None:
            return CallbackResult(ok=False, message=texts.STRAY)
        result = await active.answer(query)
        await self._journal.flush()
        return result

    def _add(self, flow: Flow) -> ActiveFlow:
        active = ActiveFlow(
            flow, self._tools, on_change=self._note_change, flush=self._journal.flush
        )
        self._table.add(active)
        self._note_change()
        return active

    def _note_forgotten(self) -> None:
        self._journal.note_change()

    def _note_change(self) -> None:
        self._journal.note_change()
        self._table.wake()

    def _find_blocking(self, flow: Flow, *, force: bool) -> Sequence[ActiveFlow]:
        """Return the open flows whose place this one takes. Raises FlowBusy, Unavailable."""
        blocking = self._table.find_blocking(flow)
        if blocking and not force:
            raise _busy(blocking[0].flow, (self._now - blocking[0].flow.created_at).seconds)
        if len(self._table.open_flows()) - len(blocking) >= MAX_OPEN_FLOWS:
            raise Unavailable("Too many sign-ins are open at the moment.", retry_after=60)
        return blocking

    @property
    def _now(self) -> datetime:
        return self._clock.now()


def _choose(methods: Sequence[SignInMethod], wanted: str | None) -> SignInMethod:
    if not methods:
        raise Unavailable("There is no way to sign in at the moment.")
    if wanted is None:
        return methods[0]
    for method in methods:
        if method.id == wanted:
            return method
    names = ", ".join(method.id for method in methods)
    raise BadRequest(f"There is no method {wanted[:64]!r}; there are {names}.")


def _require_redirect(method: SignInMethod, redirect: Redirect | None) -> None:
    """Raise BadRequest for a redirect of a method to which no browser comes back."""
    if redirect is not None and not isinstance(method, AuthorizationCode):
        raise BadRequest(f"The method {method.id} has no `redirect`: leave it out.")


def _declare(
    flow: Flow,
    method: SignInMethod,
    redirect: Redirect | None,
    public_callback: str | None,
    redirect_uri: str,
) -> Flow:
    """Return the flow with what its method says of it. Raises BadRequest for a wrong redirect."""
    flow = replace(flow, method=method.id)
    if redirect_uri:
        return _declare_redirect_uri(flow, method, redirect_uri)
    match method:
        case AuthorizationCode():
            is_public = method.public_redirect and _is_secure(public_callback or "")
            if redirect is None:
                redirect = "public" if is_public else "loopback"
            if redirect == "public" and not is_public:
                raise BadRequest("This way to sign in can't come back to a public address.")
            return replace(
                flow,
                requested_redirect=redirect,
                public_callback=public_callback or "",
                port=method.loopback.port if redirect == "loopback" else 0,
            )
        case ApiKey():
            return replace(flow, key_pattern=method.pattern)
        case AgentLogin():
            start = timedelta(seconds=min(max(method.start_seconds, 1.0), MAX_START_SECONDS))
            return replace(
                flow, deadline=flow.created_at + start, expires_at=flow.expires_at + start
            )
        case CommandLogin():
            port = method.callback.port if method.callback else 0
            return replace(flow, takes_input=method.takes_input or port > 0, port=port)
        case _:
            return flow


def _declare_redirect_uri(flow: Flow, method: SignInMethod, redirect_uri: str) -> Flow:
    """Return the flow of a browser that comes back to `redirect_uri`. Raises BadRequest."""
    if not isinstance(method, AuthorizationCode):
        raise BadRequest(f"The method {method.id} has no redirect.")
    if not _is_secure(redirect_uri) or "#" in redirect_uri:
        raise BadRequest("A redirect URI is https, or http to this machine, and has no fragment.")
    return replace(flow, requested_redirect="public", public_callback=redirect_uri)


def _is_secure(url: str) -> bool:
    """Return whether codes may be sent to a URL: https, or http to this machine."""
    try:
        return bool(check_url(url))
    except UpstreamError:
        return False


def _busy(holder: Flow, age_seconds: int) -> FlowBusy:
    where = f"port {holder.port}" if holder.port else f"{holder.target} {holder.connection}"
    return FlowBusy(
        f"Another sign-in for {where} was started {age_seconds} s ago: finish or cancel it.",
        details={
            "code": FlowBusy.code,
            "flow_id": holder.flow_id,
            "connector": holder.target,
            "connection": holder.connection,
            "age_seconds": age_seconds,
        },
    )

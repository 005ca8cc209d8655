"""All sign-ins of one app."""

from collections.abc import Mapping

from xo_cowork_core.services.auth_flows.views import CallbackResult, FlowView, Redirect
from xo_cowork_core.services.connectors.status import DEFAULT_CONNECTION


class AuthFlows:
    """Starts, advances and ends the flows of all connectors."""

    async def start(
        self,
        connector: str,
        *,
        method: str | None,
        connection: str = DEFAULT_CONNECTION,
        force: bool = False,
        redirect: Redirect | None = None,
        public_callback: str | None = None,
        input: str | None = None,  # noqa: A002  # the word of the wire
    ) -> FlowView:
        """Start a flow and return it once a person can act, or it has ended, within 10 s.

        `method` is a method's id; None takes the connector's first. `force` ends an open flow for
        the same connection or port. `public_callback` is the address of `/api/oauth/callback` as
        browsers reach it. `input` is submitted at once. Raises NotFound (connector), BadRequest
        (method, connection, redirect), FlowBusy, and the error of a flow that could not start.
        """
        raise NotImplementedError

    def read(self, connector: str, flow_id: str) -> FlowView:
        """Return a flow. Raises FlowNotFound."""
        raise NotImplementedError

    async def submit(self, connector: str, flow_id: str, text: str) -> FlowView:
        """Pass on what a person pasted, and wait at most 10 s for what follows from it.

        Raises FlowNotFound, FlowNotWaiting, StateMismatch, StateMissing, CodeMissing, InvalidKey
        (malformed). A key that the service refuses gives a flow with the error `invalid_key`.
        """
        raise NotImplementedError

    async def cancel(self, connector: str, flow_id: str) -> FlowView:
        """End a flow. Harmless when it has ended: then it stays as it is. Raises FlowNotFound."""
        raise NotImplementedError

    async def settled(self, connector: str, flow_id: str, seconds: float) -> FlowView:
        """Return a flow once it waits for a person or has ended, or after `seconds`."""
        raise NotImplementedError

    async def callback(self, query: Mapping[str, str]) -> CallbackResult:
        """Take a browser's return to the public address; `state` selects the flow.

        Waits for the outcome, at most 20 s. Never raises: an unknown state gives `flow=None`.
        """
        raise NotImplementedError

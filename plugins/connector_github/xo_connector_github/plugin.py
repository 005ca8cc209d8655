"""The plugin's hooks: one connector, its secrets, and the routes of its sign-in by code."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xo_connector_github.options import CLI_PREFIX, SECRETS
from xo_cowork_core.sdk import Contributions, HostContext, LazyRouter, SecretField, hookimpl
from xo_cowork_core.sdk.connector import Connector

if TYPE_CHECKING:
    from fastapi import APIRouter


class GitHubPlugin:
    """Hooks only."""

    @hookimpl
    def xo_contributes(self) -> Contributions:
        return Contributions(prefixes=(CLI_PREFIX,))

    @hookimpl
    def xo_secrets(self) -> Sequence[SecretField]:
        return SECRETS

    @hookimpl
    def xo_connectors(self, context: HostContext) -> Sequence[Connector]:
        from xo_connector_github.connector import GitHubConnector  # noqa: PLC0415 - cheap import

        return [GitHubConnector(context)]

    @hookimpl
    def xo_routers(
        self, context: HostContext, connectors: Sequence[Connector]
    ) -> Sequence[LazyRouter]:
        def build() -> "APIRouter":
            from xo_connector_github.routes import make_router  # noqa: PLC0415 - as above

            return make_router(connectors[0], context.sign_in)

        return [LazyRouter(build)]


plugin = GitHubPlugin()

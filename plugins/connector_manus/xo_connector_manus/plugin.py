"""The hooks of the plugin."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xo_cowork_core.sdk import HostContext, hookimpl

if TYPE_CHECKING:
    from xo_cowork_core.sdk.connector import Connector


class ManusPlugin:
    """Hooks only."""

    @hookimpl
    def xo_connectors(self, context: HostContext) -> "Sequence[Connector]":
        from xo_connector_manus.connector import Manus  # noqa: PLC0415 - keeps import cheap

        return [Manus(context)]


plugin = ManusPlugin()

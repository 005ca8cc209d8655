"""The sign-ins of one plugin's runtimes and connectors. Implements `sdk.sign_in.SignIns`."""

from collections.abc import AsyncIterator

from xo_cowork_core.sdk import NotFound
from xo_cowork_core.sdk.connector import DEFAULT_CONNECTION
from xo_cowork_core.sdk.sign_in import Redirect
from xo_cowork_core.services.auth_flows.loader import AuthFlowsLoader
from xo_cowork_core.services.auth_flows.views import RUNTIME_PREFIX, FlowUpdate, FlowView
from xo_cowork_core.services.public_address import PublicAddress
from xo_cowork_core.services.runtimes.registry import Registry


class PluginSignIns:
    """Reaches the flows of the plugin's own runtimes and connectors, and no others."""

    def __init__(
        self, plugin: str, registry: Registry, flows: AuthFlowsLoader, address: PublicAddress
    ) -> None:
        self._plugin = plugin
        self._registry = registry
        self._flows = flows
        self._address = address

    async def start(
        self,
        name: str,
        *,
        method: str | None = None,
        connection: str = DEFAULT_CONNECTION,
        attach: bool = True,
        force: bool = False,
        redirect: Redirect | None = None,
        redirect_uri: str = "",
        input: str | None = None,  # noqa: A002  # the word of the wire
        seconds: float = 10.0,
    ) -> FlowView:
        key = self._key(name)
        flows = await self._flows.get()
        return await flows.start(
            key,
            method=method,
            connection=connection,
            attach=attach,
            force=force,
            redirect=redirect,
            redirect_uri=redirect_uri,
            public_callback=self._address.callback_url(asked=redirect == "public"),
            input=input,
            seconds=seconds,
        )

    async def find_open(self, name: str, connection: str = DEFAULT_CONNECTION) -> FlowView | None:
        flows = await self._flows.get()
        return flows.find_open(self._key(name), connection)

    async def read(self, name: str, flow_id: str) -> FlowView:
        flows = await self._flows.get()
        return flows.read(self._key(name), flow_id)

    async def submit(self, name: str, flow_id: str, text: str) -> FlowView:
        flows = await self._flows.get()
        return await flows.submit(self._key(name), flow_id, text)

    async def cancel(self, name: str, flow_id: str) -> FlowView:
        flows = await self._flows.get()
        return await flows.cancel(self._key(name), flow_id)

    async def wait(self, name: str, flow_id: str, seconds: float) -> FlowView:
        flows = await self._flows.get()
        return await flows.ended(self._key(name), flow_id, seconds)

    async def follow(self, name: str, flow_id: str) -> AsyncIterator[FlowUpdate]:
        key = self._key(name)
        flows = await self._flows.get()
        async for update in flows.follow(key, flow_id):
            yield update

    def _key(self, name: str) -> str:
        """Return the key of the target. Raises NotFound for what is not the plugin's."""
        runtime = self._registry.runtime(name)
        if runtime is not None and runtime.plugin.name == self._plugin:
            return RUNTIME_PREFIX + runtime.info.name
        connector = self._registry.connectors.get(name)
        if connector is not None and connector.plugin.name == self._plugin:
            return name
        raise NotFound(f"The plugin {self._plugin} has nothing named {name[:64]!r} to sign in to.")

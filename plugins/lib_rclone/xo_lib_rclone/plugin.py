"""The hooks of a cloud drive's plugin. Cheap to import."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from xo_cowork_core.sdk import (
    Contributions,
    HostContext,
    LazyRouter,
    PluginRoutePolicy,
    SecretField,
    Setting,
    hookimpl,
)

if TYPE_CHECKING:
    from fastapi import APIRouter

    from xo_cowork_core.sdk.connector import Connector
    from xo_lib_rclone.connector import DriveConnector

PATH_SETTING = "RCLONE_BINARY"


class DrivePlugin(ABC):
    """One connector and its routes. A subclass has the names, and builds the connector."""

    name: ClassVar[str]
    settings: ClassVar[Sequence[Setting]]
    secrets: ClassVar[Sequence[SecretField]]

    @abstractmethod
    def build_connector(self, context: HostContext) -> "DriveConnector":
        """Return the connector; its module is imported here, to keep the plugin's import cheap."""

    def build_router(self, connector: Any) -> "APIRouter":
        """Return the routes of the connector."""
        from xo_lib_rclone.routes import build_router  # noqa: PLC0415 - keeps import cheap

        return build_router(connector)

    @hookimpl
    def xo_contributes(self) -> Contributions:
        return Contributions(
            prefixes=(prefix(self.name),),
            settings=(*self.settings, path_setting()),
            policies=policies(self.name),
        )

    @hookimpl
    def xo_secrets(self) -> Sequence[SecretField]:
        return self.secrets

    @hookimpl
    def xo_connectors(self, context: HostContext) -> "Sequence[Connector]":
        return [self.build_connector(context)]

    @hookimpl
    def xo_routers(self, connectors: "Sequence[Connector]") -> Sequence[LazyRouter]:
        return [LazyRouter(lambda: self.build_router(connectors[0]))]


def prefix(connector: str) -> str:
    """Return the prefix of the connector's routes."""
    return f"/api/connectors/{connector}"


def policies(connector: str) -> Mapping[str, PluginRoutePolicy]:
    """Return the policies of the routes: an upload is streamed."""
    upload = f"{prefix(connector)}/remotes/{{name}}/upload"
    return {upload: PluginRoutePolicy(streams_upload=True)}


def path_setting() -> Setting:
    """Return the setting with the program's path."""
    return Setting(
        PATH_SETTING,
        "The rclone executable; empty: that of the connectors, then that in PATH.",
        kind="path",
    )

"""The bodies about the server, its runtimes and its plugins."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from xo_cowork_core.api.models import JsonObject
from xo_cowork_core.api.openapi import DOCUMENT_PATH
from xo_cowork_core.services.identity.identity import TokenSource


class ServerInfo(TypedDict):
    """The name and version of the server, and where its document is."""

    status: Annotated[str, Field(examples=["XO Cowork API running"])]
    name: Annotated[str, Field(examples=["XO Cowork API"])]
    version: Annotated[str, Field(examples=["0.1.0"])]
    docs: Annotated[str, Field(examples=[DOCUMENT_PATH])]


class RuntimeState(TypedDict):
    """The result of a runtime's last health check."""

    state: Annotated[str, Field(examples=["ready"])]
    binary: Annotated[str | None, Field(examples=[None])]
    version: Annotated[str | None, Field(examples=[None])]
    detail: Annotated[str, Field(examples=[""])]


class IdentitySummary(TypedDict):
    """Whether the server is signed in at the XO service; without the account."""

    authenticated: Annotated[bool, Field(examples=[False])]
    token_source: Annotated[TokenSource, Field(examples=["none"])]
    expires_at: Annotated[str | None, Field(examples=[None])]


class HealthReport(TypedDict):
    """The state of the server, its runtimes and its plugins.

    `degraded` says that new turns cannot be stored and are refused, for the `reason`.
    `chat_api_url` is the address of the XO service, empty for none; `ai_provider` the default
    runtime. Runtimes add fields, such as `claude_cli`, with the path of their program or null.
    """

    # the fields that runtimes add
    __pydantic_config__ = ConfigDict(extra="allow")  # pyright: ignore[reportGeneralTypeIssues]

    status: Annotated[Literal["ok", "degraded"], Field(examples=["ok"])]
    reason: Annotated[str | None, Field(examples=[None])]
    timestamp: Annotated[str, Field(examples=["2026-01-31T09:30:00+00:00"])]
    version: Annotated[str, Field(examples=["0.1.0"])]
    stage: Annotated[str, Field(examples=["local"])]
    chat_api_url: Annotated[str, Field(examples=["https://xo.example"])]
    ai_provider: Annotated[str | None, Field(examples=["demo"])]
    auth: IdentitySummary
    runtimes: dict[str, RuntimeState]
    active_sessions: Annotated[int, Field(examples=[0])]
    plugins: Annotated[dict[str, str], Field(examples=[{"runtime_demo": "ready"}])]


class RuntimeRow(TypedDict):
    """A runtime and its abilities beside running turns; what needs another one answers 501."""

    name: Annotated[str, Field(examples=["demo"])]
    title: Annotated[str, Field(examples=["Demo"])]
    abilities: Annotated[list[str], Field(examples=[["answers"]])]


class ConnectorRow(TypedDict):
    """A connector, the kinds of its ways to sign in when it was loaded, and its abilities."""

    name: Annotated[str, Field(examples=["acme"])]
    title: Annotated[str, Field(examples=["Acme"])]
    auth: Annotated[list[str], Field(examples=[["authorization_code"]])]
    abilities: Annotated[list[str], Field(examples=[["revokes"]])]


class PluginRow(TypedDict):
    """A plugin's record, with the runtimes and connectors that it serves."""

    name: Annotated[str, Field(examples=["runtime_demo"])]
    kind: Annotated[str, Field(examples=["runtime"])]
    distribution: Annotated[str, Field(examples=["xo-runtime-demo"])]
    version: Annotated[str, Field(examples=["0.1.0"])]
    state: Annotated[str, Field(examples=["ready"])]
    error: Annotated[str, Field(examples=[""])]
    faults: Annotated[list[str], Field(examples=[[]])]
    needs_configuration: Annotated[list[str], Field(examples=[["ACME_KEY"]])]
    import_ms: Annotated[float, Field(examples=[4.2])]
    routes: Annotated[list[str], Field(examples=[["GET /api/acme/hello"]])]
    secrets_schema: Annotated[
        JsonObject, Field(examples=[{"type": "object", "properties": {}, "required": []}])
    ]
    auth: Annotated[list[str], Field(examples=[[]])]
    runtimes: list[RuntimeRow]
    connectors: list[ConnectorRow]


class PluginList(TypedDict):
    """Every plugin that is installed or named in the settings."""

    plugins: Annotated[
        list[PluginRow],
        Field(
            examples=[
                [
                    {
                        "name": "runtime_demo",
                        "kind": "runtime",
                        "distribution": "xo-runtime-demo",
                        "version": "0.1.0",
                        "state": "ready",
                        "error": "",
                        "faults": [],
                        "needs_configuration": [],
                        "import_ms": 4.2,
                        "routes": [],
                        "secrets_schema": {"type": "object", "properties": {}, "required": []},
                        "auth": [],
                        "runtimes": [{"name": "demo", "title": "Demo", "abilities": ["answers"]}],
                        "connectors": [],
                    }
                ]
            ]
        ),
    ]

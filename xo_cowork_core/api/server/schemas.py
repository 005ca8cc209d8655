"""The bodies about the server, its runtimes and its plugins."""

from pydantic import Field

from xo_cowork_core.api.models import JsonObject, ResponseModel
from xo_cowork_core.api.openapi import DOCUMENT_PATH


class ServerInfo(ResponseModel):
    """The name and version of the server, and where its document is."""

    name: str = Field(examples=["XO Cowork API"])
    version: str = Field(examples=["0.1.0"])
    docs: str = Field(examples=[DOCUMENT_PATH])


class RuntimeState(ResponseModel):
    """The result of a runtime's last health check."""

    state: str = Field(examples=["ready"])
    binary: str | None = Field(examples=[None])
    version: str | None = Field(examples=[None])
    detail: str = Field(examples=[""])


class HealthReport(ResponseModel):
    """The state of the server, its runtimes and its plugins."""

    status: str = Field(examples=["ok"])
    timestamp: str = Field(examples=["2026-01-31T09:30:00+00:00"])
    version: str = Field(examples=["0.1.0"])
    stage: str = Field(examples=["local"])
    runtimes: dict[str, RuntimeState]
    active_sessions: int = Field(examples=[0])
    plugins: dict[str, str] = Field(examples=[{"runtime_demo": "ready"}])


class RuntimeRow(ResponseModel):
    """A runtime and its abilities beside running turns; what needs another one answers 501."""

    name: str = Field(examples=["demo"])
    title: str = Field(examples=["Demo"])
    abilities: list[str] = Field(examples=[["answers"]])


class PluginRow(ResponseModel):
    """A plugin's record, with the runtimes that it serves."""

    name: str = Field(examples=["runtime_demo"])
    kind: str = Field(examples=["runtime"])
    distribution: str = Field(examples=["xo-runtime-demo"])
    version: str = Field(examples=["0.1.0"])
    state: str = Field(examples=["ready"])
    error: str = Field(examples=[""])
    import_ms: float = Field(examples=[4.2])
    routes: list[str] = Field(examples=[["GET /api/acme/hello"]])
    secrets_schema: JsonObject = Field(
        examples=[{"type": "object", "properties": {}, "required": []}]
    )
    auth: list[str] = Field(examples=[[]])
    runtimes: list[RuntimeRow]


class PluginList(ResponseModel):
    """Every plugin that is installed or named in the settings."""

    plugins: list[PluginRow] = Field(
        examples=[
            [
                {
                    "name": "runtime_demo",
                    "kind": "runtime",
                    "distribution": "xo-runtime-demo",
                    "version": "0.1.0",
                    "state": "ready",
                    "error": "",
                    "import_ms": 4.2,
                    "routes": [],
                    "secrets_schema": {"type": "object", "properties": {}, "required": []},
                    "auth": [],
                    "runtimes": [{"name": "demo", "title": "Demo", "abilities": ["answers"]}],
                }
            ]
        ]
    )

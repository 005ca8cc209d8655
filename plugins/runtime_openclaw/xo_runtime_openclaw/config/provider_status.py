"""Live status of OpenClaw's models and providers."""

import asyncio
from collections.abc import Mapping
from typing import Any

from xo_cowork_core.sdk import HostContext, Json, JsonValue, Unavailable
from xo_runtime_openclaw.config.configuration import Configuration
from xo_runtime_openclaw.gateway.calls import GatewayCalls
from xo_runtime_openclaw.gateway.frames import GatewayError, Row, row, rows, text_of
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.options import SECRETS

ASK_SECONDS = 4.0
KEY_END = "_API_KEY"
PROVIDERS: Mapping[str, str] = {"gemini": "google"}


class ProviderStatus:
    """Queries the gateway; for providers the configuration and env file are the fallback."""

    def __init__(
        self, context: HostContext, configuration: Configuration, control: GatewayCalls
    ) -> None:
        self._context = context
        self._configuration = configuration
        self._control = control

    async def models(self) -> Json:
        """`{runtime, source, default, models: [{id, name, provider, available, context}]}`."""
        entries = rows(row(await self._call("models.list")).get("models"))
        items: list[JsonValue] = [
            {
                "id": f"{text_of(model.get('provider'))}/{text_of(model.get('id'))}",
                "name": text_of(model.get("name")) or text_of(model.get("id")),
                "provider": text_of(model.get("provider")),
                "available": model.get("available") is not False,
                "context": _integer(model.get("contextWindow")),
            }
            for model in entries
        ]
        default = [
            item["id"]
            for item, model in zip(items, entries, strict=True)
            if isinstance(item, dict) and "default" in (model.get("tags") or ())
        ]
        return _answer("gateway", default=default[0] if default else None, models=items)

    async def providers(self) -> Json:
        """`{runtime, source, providers: [{id, name, key_set, key_source, status}]}`."""
        try:
            answer = row(await self._call("models.authStatus"))
        except Unavailable:
            return _answer("config", providers=await self._configured_providers())
        items: list[JsonValue] = [_provider(entry) for entry in rows(answer.get("providers"))]
        return _answer("gateway", providers=items)

    async def _call(self, method: str) -> Any:
        try:
            return await self._control.call(method, {}, seconds=ASK_SECONDS)
        except GatewayUnavailable as reason:
            raise reason.as_unavailable() from None
        except GatewayError as refused:
            raise Unavailable(
                f"The OpenClaw gateway refused the status request: {refused.code}"
            ) from None

    async def _configured_providers(self) -> list[JsonValue]:
        """Return the providers of the files; whether their keys are valid is unknown."""
        config = (await self._configuration.read()).config
        secrets = await asyncio.to_thread(self._context.secrets.environment)
        models = config.get("models")
        listed = row(row(models).get("providers"))
        entries: dict[str, JsonValue] = {
            name: _unchecked_provider(name, "config" if row(entry).get("apiKey") else None)
            for name, entry in listed.items()
        }
        for field in SECRETS:
            name = field.key.removesuffix(KEY_END).lower()
            value = secrets.get(field.key)
            if field.key.endswith(KEY_END) and value and value.get_secret_value():
                entries.setdefault(PROVIDERS.get(name, name), _unchecked_provider(name, "env"))
        return list(entries.values())


def _provider(entry: Row) -> Json:
    key = row(entry.get("apiKey"))
    profiles = rows(entry.get("profiles"))
    source = text_of(key.get("source")) or ("profile" if profiles else "")
    return {
        "id": text_of(entry.get("provider")),
        "name": text_of(entry.get("displayName")) or text_of(entry.get("provider")),
        "key_set": bool(source),
        "key_source": source or None,
        "status": text_of(entry.get("status")) or None,
    }


def _unchecked_provider(name: str, source: str | None) -> Json:
    provider = PROVIDERS.get(name, name)
    return {
        "id": provider,
        "name": provider,
        "key_set": source is not None,
        "key_source": source,
        "status": None,
    }


def _answer(source: str, **more: JsonValue) -> Json:
    return {"runtime": "openclaw", "source": source, **more}


def _integer(value: object) -> int:
    return value if isinstance(value, int) else 0

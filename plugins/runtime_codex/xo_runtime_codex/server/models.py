"""The models that Codex offers, for the model list."""

import tomllib
from pathlib import Path

from xo_cowork_core.sdk import Model
from xo_runtime_codex.server.app_server import AppServer

LIST_SECONDS = 4.0
OPENAI = "openai"


async def list_models(server: AppServer, home: Path) -> list[Model]:
    """Return the models, the default first; a model named in `config.toml` before all."""
    result = await server.peer.request("model/list", {"limit": 100}, timeout=LIST_SECONDS)
    rows = result.get("data")
    entries = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    entries.sort(key=lambda row: not row.get("isDefault"))
    listed = [
        Model(
            id=str(row["model"]),
            name=str(row.get("displayName") or row["model"]),
            provider_id=OPENAI,
            vision=_accepts_images(row.get("inputModalities")),
            reasoning=bool(row.get("supportedReasoningEfforts")),
        )
        for row in entries
        if isinstance(row.get("model"), str) and not row.get("hidden")
    ]
    configured = configured_model(home)
    if configured is None:
        return listed
    others = listed if configured.provider_id == OPENAI else []
    return [configured, *(model for model in others if model.id != configured.id)]


def configured_model(home: Path) -> Model | None:
    """Return the model of `config.toml`. A provider of the user's has no list of models."""
    try:
        config = tomllib.loads((home / "config.toml").read_text(errors="replace"))
    except (OSError, ValueError):
        return None
    name, provider = config.get("model"), config.get("model_provider", OPENAI)
    return Model(id=name, name=name, provider_id=str(provider)) if isinstance(name, str) else None


def _accepts_images(modalities: object) -> bool:
    return isinstance(modalities, list) and "image" in modalities

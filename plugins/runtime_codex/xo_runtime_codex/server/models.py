"""The models that Codex offers."""

import tomllib
from pathlib import Path

from xo_cowork_core.sdk import Model
from xo_runtime_codex.server.app_server import AppServer

LIST_SECONDS = 4.0
OPENAI = "openai"


async def list_models(server: AppServer, home: Path) -> list[Model]:
    """Ask for the models, the default first. A model named in Codex's own config leads."""
    result = await server.link.request("model/list", {"limit": 100}, timeout=LIST_SECONDS)
    rows = result.get("data")
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    found.sort(key=lambda row: not row.get("isDefault"))
    listed = [
        Model(
            id=str(row["model"]),
            name=str(row.get("displayName") or row["model"]),
            provider_id=OPENAI,
            vision="image" in (row.get("inputModalities") or ()),
            reasoning=bool(row.get("supportedReasoningEfforts")),
        )
        for row in found
        if isinstance(row.get("model"), str) and not row.get("hidden")
    ]
    own = configured(home)
    if own is None:
        return listed
    return [own, *(model for model in listed if own.provider_id == OPENAI and model.id != own.id)]


def configured(home: Path) -> Model | None:
    """Read the model and provider of `config.toml`; another provider has no list of its own."""
    try:
        config = tomllib.loads((home / "config.toml").read_text(errors="replace"))
    except (OSError, ValueError):
        return None
    name, provider = config.get("model"), config.get("model_provider", OPENAI)
    return Model(id=name, name=name, provider_id=str(provider)) if isinstance(name, str) else None

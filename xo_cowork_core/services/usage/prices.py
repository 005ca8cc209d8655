"""What models cost: the user's own list, else the one that ships.

`prices.toml` in the state folder overrides, with US dollars for a million tokens:
`["my-model"]` then `input`, `output`, `cache_read`, `cache_write`. What the shipped list said is
kept in `prices.json`; it is asked again for models that it has not been asked about by the
running version.
"""

import asyncio
import logging
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import cast

import orjson

from xo_cowork_core.sdk import Tokens
from xo_cowork_core.storage.atomic import write_atomic

LOOKUP_SECONDS = 20.0
MOST_MODELS = 200
MILLION = 1_000_000
log = logging.getLogger("xo_cowork.usage")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens. Reasoning is charged as output."""

    input: float = 0.0
    output: float = 0.0
    cache_read: float = 0.0
    cache_write: float = 0.0

    def of(self, tokens: Tokens) -> float:
        """Return the cost of some tokens."""
        return (
            self.input * tokens.input
            + self.output * (tokens.output + tokens.reasoning)
            + self.cache_read * tokens.cache_read
            + self.cache_write * tokens.cache_write
        ) / MILLION


class Prices:
    """The prices that one server knows."""

    def __init__(self, state_dir: Path) -> None:
        self._own_file = state_dir / "prices.toml"
        self._kept_file = state_dir / "prices.json"
        self._known: dict[str, Price | None] | None = None
        self._lock = asyncio.Lock()

    async def of(self, model_ids: Iterable[str]) -> Mapping[str, Price | None]:
        """Return each model's price, None where nobody knows it."""
        wanted = set(model_ids)
        own = await asyncio.to_thread(self._read_own)
        async with self._lock:
            if self._known is None:
                self._known = await asyncio.to_thread(self._read_kept)
            missing = sorted(wanted - self._known.keys() - own.keys())[:MOST_MODELS]
            if missing:
                self._known.update(await self._look_up(missing))
                await asyncio.to_thread(self._keep, self._known)
            known = self._known
        return {model: own.get(model, known.get(model)) for model in wanted}

    async def _look_up(self, model_ids: list[str]) -> Mapping[str, Price | None]:
        command = [sys.executable, "-m", "xo_cowork_core.services.usage.lookup", *model_ids]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                output, _ = await process.communicate()
            found = cast("dict[str, dict[str, float] | None]", orjson.loads(output))
        except (TimeoutError, ValueError):
            log.warning("the price list could not be read; unknown models count as free")
            if process.returncode is None:
                process.kill()
                await process.wait()
            return {}
        return {model: Price(**price) if price else None for model, price in found.items()}

    def _read_own(self) -> Mapping[str, Price]:
        try:
            tables = tomllib.loads(self._own_file.read_text())
            return {
                model: Price(**{key: float(value) for key, value in table.items()})
                for model, table in tables.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("prices.toml in the state folder is not understood: %s", error)
            return {}

    def _read_kept(self) -> dict[str, Price | None]:
        try:
            kept = orjson.loads(self._kept_file.read_bytes())
            if kept["list"] != version("genai-prices"):
                return {}
            return {m: Price(**price) if price else None for m, price in kept["models"].items()}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _keep(self, known: Mapping[str, Price | None]) -> None:
        models = {model: asdict(price) if price else None for model, price in known.items()}
        body = {"list": version("genai-prices"), "models": models}
        try:
            write_atomic(self._kept_file, orjson.dumps(body))
        except OSError as error:
            log.warning("prices.json could not be written: %s", error)

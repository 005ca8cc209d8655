"""Prices of models: from the user's own list, else from the shipped one.

`prices.toml` in the state folder overrides, with US dollars for a million tokens:
`["my-model"]` then `input`, `output`, `cache_read`, `cache_write`. Prices from
the shipped list are cached in `prices.json`; the list is read again for models that the cache of
its version does not have.
"""

import asyncio
import logging
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, cast

import orjson

from xo_cowork_core.sdk import Tokens
from xo_cowork_core.storage.atomic import write_atomic

LOOKUP_SECONDS = 20.0
MAX_MODELS = 200
MILLION = 1_000_000
MAX_PRICE = 1e9  # a wrong figure must not make sums overflow
log = logging.getLogger("xo_cowork.usage")


class Price(NamedTuple):
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


KINDS = frozenset(Price._fields)


class Prices:
    """Finds prices, with a cache."""

    def __init__(self, state_dir: Path) -> None:
        self._own_file = state_dir / "prices.toml"
        self._cache_file = state_dir / "prices.json"
        self._known: dict[str, Price | None] | None = None
        self._last_warning = ""
        self._lock = asyncio.Lock()

    async def of(self, model_ids: Iterable[str]) -> Mapping[str, Price | None]:
        """Return each model's price; None for an unknown model."""
        wanted = set(model_ids)
        own = await asyncio.to_thread(self._read_own)
        async with self._lock:
            if self._known is None:
                self._known = await asyncio.to_thread(self._read_cache)
            missing = sorted(wanted - self._known.keys() - own.keys())[:MAX_MODELS]
            if missing:
                self._known.update(await self._look_up(missing))
                await asyncio.to_thread(self._write_cache, self._known)
            known = self._known
        return {model: own.get(model, known.get(model)) for model in wanted}

    async def _look_up(self, model_ids: list[str]) -> Mapping[str, Price | None]:
        try:
            tables = cast(
                "dict[str, object]", orjson.loads(await _run_lookup(orjson.dumps(model_ids)))
            )
        except (OSError, TimeoutError, ValueError):
            log.warning("the price list could not be read; unknown models count as free")
            return {}
        return {model: _price(table) for model, table in tables.items()}

    def _read_own(self) -> Mapping[str, Price]:
        import tomllib  # noqa: PLC0415 - the start reads no price

        try:
            tables = tomllib.loads(self._own_file.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self._warn_once(f"prices.toml in the state folder is not understood: {error}")
            return {}
        prices = {model: _price(table) for model, table in tables.items()}
        wrong = [model for model, price in prices.items() if price is None]
        if wrong:
            names = ", ".join(wrong)
            self._warn_once(f"prices.toml in the state folder has no price that can be for {names}")
        return {model: price for model, price in prices.items() if price}

    def _warn_once(self, message: str) -> None:
        """Log a message once: the file is read for every report."""
        if message != self._last_warning:
            log.warning("%s", message)
        self._last_warning = message

    def _read_cache(self) -> dict[str, Price | None]:
        try:
            cache = orjson.loads(self._cache_file.read_bytes())
            if cache["list"] != version("genai-prices"):
                return {}
            models = {model: (table, _price(table)) for model, table in cache["models"].items()}
            # None is a model without a price; any other table that is no price was damaged
            return {
                model: price for model, (table, price) in models.items() if price or table is None
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _write_cache(self, known: Mapping[str, Price | None]) -> None:
        models = {model: price._asdict() if price else None for model, price in known.items()}
        body = {"list": version("genai-prices"), "models": models}
        try:
            write_atomic(self._cache_file, orjson.dumps(body))
        except OSError as error:
            log.warning("prices.json could not be written: %s", error)


async def _run_lookup(model_ids: bytes) -> bytes:
    """Read the shipped list in a process of its own. Raises OSError, TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "xo_cowork_core.services.usage.lookup",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            output, _ = await process.communicate(model_ids)
            return output
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _price(table: object) -> Price | None:
    """Convert a table to a price; None when it is invalid, as for a model without a price."""
    if not isinstance(table, dict):
        return None
    figures = cast("dict[str, object]", table)
    if not figures.keys() <= KINDS or not all(map(_is_figure, figures.values())):
        return None
    return Price(**{kind: float(cast("float", figure)) for kind, figure in figures.items()})


def _is_figure(value: object) -> bool:
    # also false for what is no number at all
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_PRICE
    )

"""`xo-cowork doctor`: ask every runtime and connector how it is, and what would mend it.

It works beside a running server: nothing of that server's state is locked, swept or started.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypedDict, TypeVar

from xo_cowork_core.host.app import create_app
from xo_cowork_core.host.plugins.faults import describe_fault
from xo_cowork_core.host.services import AppState, build_core
from xo_cowork_core.host.settings.checks import check_settings
from xo_cowork_core.host.settings.model import read_settings
from xo_cowork_core.sdk import Health
from xo_cowork_core.services.runtimes.registry import HEALTH_SECONDS, RegisteredConnector

T = TypeVar("T")
WELL = {"ready", "degraded", "connected"}


class Finding(TypedDict):
    """One thing that was looked at. `fix` is a command."""

    kind: str
    name: str
    state: str
    ok: bool
    binary: str | None
    version: str | None
    signed_in: bool | None
    detail: str
    fix: str | None


def examine() -> list[Finding]:
    """Look at everything once."""
    settings = read_settings(listens=False)
    with tempfile.TemporaryDirectory(prefix="xo-doctor-") as folder:
        core = build_core(settings, run_dir=Path(folder))
        create_app(settings, core)
        flaws = [
            _finding("setting", flaw.name, flaw.state, Health(state="failed", detail=flaw.text))
            for flaw in check_settings(settings, core.services.registry.plugins.values())
        ]
        return [*flaws, *asyncio.run(_examine(core))]


def report(findings: Sequence[Finding]) -> str:
    """Lay the findings out for a terminal."""
    lines: list[str] = []
    for found in findings:
        mark = "ok" if found["ok"] else "--"
        version = f" {found['version']}" if found["version"] else ""
        lines.append(f"{mark} {found['kind']} {found['name']}: {found['state']}{version}")
        if found["binary"]:
            lines.append(f"     {found['binary']}")
        if found["signed_in"] is not None:
            lines.append("     signed in" if found["signed_in"] else "     not signed in")
        if found["detail"]:
            lines.append(f"     {found['detail']}")
        if found["fix"]:
            lines.append(f"     mend it: {found['fix']}")
    return "\n".join(lines) or "No plugin is installed."


async def _examine(core: AppState) -> list[Finding]:
    registry = core.services.registry
    broken = [
        _finding("plugin", record.name, record.state, Health(state="failed", detail=record.error))
        for record in registry.plugins.values()
        if record.state in {"failed", "missing", "incompatible"}
    ]
    for record in registry.plugins.values():
        if record.state == "loaded":
            # asked without its lifespan: that belongs to a server
            record.state = "ready"
    await core.processes.start()
    try:
        runtimes = await asyncio.gather(*(found.health() for found in registry.runtimes()))
        connectors = await asyncio.gather(*map(_connector, registry.connectors.values()))
    finally:
        await core.processes.stop()
    names = [found.info.name for found in registry.runtimes()]
    asked = [
        _finding("runtime", name, health.state, health)
        for name, health in zip(names, runtimes, strict=True)
    ]
    return [*broken, *asked, *connectors]


async def _connector(found: RegisteredConnector) -> Finding:
    health = await _asked(found.connector.health)
    if not isinstance(health, Health):
        return _finding("connector", found.name, "failed", Health(state="failed", detail=health))
    status = await _asked(found.connector.status)
    if isinstance(status, str):
        return _finding("connector", found.name, "failed", Health(state="failed", detail=status))
    state = status.state if health.takes_turns else health.state
    return _finding("connector", found.name, state, health)


async def _asked(question: Callable[[], Awaitable[T]]) -> T | str:
    try:
        async with asyncio.timeout(HEALTH_SECONDS):
            return await question()
    except TimeoutError:
        return "It took too long to answer."
    except Exception as error:  # noqa: BLE001
        return describe_fault(error)


def _finding(kind: str, name: str, state: str, health: Health) -> Finding:
    return Finding(
        kind=kind,
        name=name,
        state=state,
        ok=state in WELL,
        binary=health.binary,
        version=health.version,
        signed_in=health.signed_in,
        detail=health.detail,
        fix=health.fix,
    )

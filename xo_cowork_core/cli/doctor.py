"""`xo-cowork doctor`: the state of every runtime, connector and setting, with fixes.

It works beside a running server: it locks, ends and starts nothing of that server's.
"""

import asyncio
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from xo_cowork_core.cli.output import print_json, print_line
from xo_cowork_core.cli.plugins import BROKEN_STATES
from xo_cowork_core.host.app import create_app
from xo_cowork_core.host.event_loop import run_with_plugins
from xo_cowork_core.host.services import AppState, build_services
from xo_cowork_core.host.settings.checks import check_settings
from xo_cowork_core.host.settings.model import read_settings
from xo_cowork_core.sdk import Health
from xo_cowork_core.services.runtimes.health import check_health
from xo_cowork_core.services.runtimes.registry import RegisteredConnector

OK_STATES = frozenset({"ready", "degraded", "connected"})


class DoctorFinding(TypedDict):
    """One row of the report. `fix` is a command."""

    kind: str
    name: str
    state: str
    ok: bool
    binary: str | None
    version: str | None
    signed_in: bool | None
    detail: str
    fix: str | None


def doctor_command(json: bool = False) -> None:
    """Report what is installed, signed in and missing, and how to fix it; exit 1 on a problem."""
    logging.disable()
    findings = examine()
    if json:
        print_json(findings)
    else:
        print_line(format_report(findings))
    raise SystemExit(0 if all(finding["ok"] for finding in findings) else 1)


def examine() -> list[DoctorFinding]:
    """Check the settings, the plugins, the runtimes and the connectors once."""
    settings = read_settings(require_token=False)
    with tempfile.TemporaryDirectory(prefix="xo-doctor-") as folder:
        state = build_services(settings, run_dir=Path(folder))
        create_app(settings, state)
        problems = [
            _failure("setting", problem.name, problem.text, problem.state)
            for problem in check_settings(settings, state.services.registry.plugins.values())
        ]
        return [*problems, *run_with_plugins(_examine_plugins(state))]


def format_report(findings: Sequence[DoctorFinding]) -> str:
    """Format the findings for a terminal."""
    lines: list[str] = []
    for finding in findings:
        mark = "ok" if finding["ok"] else "--"
        version = f" {finding['version']}" if finding["version"] else ""
        lines.append(f"{mark} {finding['kind']} {finding['name']}: {finding['state']}{version}")
        if finding["binary"]:
            lines.append(f"     {finding['binary']}")
        if finding["signed_in"] is not None:
            lines.append("     signed in" if finding["signed_in"] else "     not signed in")
        if finding["detail"]:
            lines.append(f"     {finding['detail']}")
        if finding["fix"]:
            lines.append(f"     fix: {finding['fix']}")
    return "\n".join(lines) or "No plugin is installed."


async def _examine_plugins(state: AppState) -> list[DoctorFinding]:
    registry = state.services.registry
    broken = [
        _failure("plugin", record.name, record.error, record.state)
        for record in registry.plugins.values()
        if record.state in BROKEN_STATES
    ]
    for record in registry.plugins.values():
        if record.state == "loaded":
            # its lifespan belongs to a server: health is checked without it
            record.set_state("ready")
    await state.processes.start()
    try:
        runtimes = registry.runtimes()
        healths = await asyncio.gather(*(registered.health() for registered in runtimes))
        connectors = await asyncio.gather(*map(_examine_connector, registry.connectors.values()))
    finally:
        await state.processes.stop()
    findings = [
        _finding("runtime", registered.info.name, health.state, health)
        for registered, health in zip(runtimes, healths, strict=True)
    ]
    return [*broken, *await asyncio.to_thread(_plugin_findings, state), *findings, *connectors]


def _plugin_findings(state: AppState) -> list[DoctorFinding]:
    """Return what plugins lack, and the faults that the checks found in them. Blocks."""
    findings: list[DoctorFinding] = []
    for record in state.services.registry.plugins.values():
        if keys := record.unset_secrets():
            detail = f"Set {', '.join(keys)} in {record.env_file}."
            findings.append(_failure("plugin", record.name, detail, "needs configuration"))
        findings += [
            _failure("plugin", record.name, fault, "faulty") for fault in record.faults.values()
        ]
    return findings


async def _examine_connector(registered: RegisteredConnector) -> DoctorFinding:
    name = registered.info.name
    health = await check_health(registered.plugin, registered.connector, name)
    return _finding("connector", name, health.state, health)


def _failure(kind: str, name: str, detail: str, state: str = "failed") -> DoctorFinding:
    return _finding(kind, name, state, Health(state="failed", detail=detail))


def _finding(kind: str, name: str, state: str, health: Health) -> DoctorFinding:
    return DoctorFinding(
        kind=kind,
        name=name,
        state=state,
        ok=state in OK_STATES,
        binary=health.binary,
        version=health.version,
        signed_in=health.signed_in,
        detail=health.detail,
        fix=health.fix,
    )

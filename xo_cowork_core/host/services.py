"""Build the services of one app, and own the order in which they start and stop."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core import __version__
from xo_cowork_core.api.sse import SharedEncoder
from xo_cowork_core.api.wired import Services
from xo_cowork_core.host.samples import samplers
from xo_cowork_core.host.settings import Settings
from xo_cowork_core.services.agents import Agents
from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.gateways import Gateways
from xo_cowork_core.services.idempotency import Idempotency
from xo_cowork_core.services.legacy import LegacyChat
from xo_cowork_core.services.models import Models
from xo_cowork_core.services.processes import ProcessSupervisor
from xo_cowork_core.services.projects.files import ProjectFiles
from xo_cowork_core.services.projects.projects import Projects
from xo_cowork_core.services.readiness import Readiness
from xo_cowork_core.services.registry import Registry
from xo_cowork_core.services.sessions.history import HostHistory
from xo_cowork_core.services.sessions.sessions import Sessions
from xo_cowork_core.services.turns.prompts import Resolver
from xo_cowork_core.services.turns.rows import close_cut_turns
from xo_cowork_core.services.turns.turns import Turns
from xo_cowork_core.services.workspace import Workspace
from xo_cowork_core.storage.db import Database
from xo_cowork_core.storage.locks import StateFolderError
from xo_cowork_core.storage.schema import STEPS


@dataclass(frozen=True, slots=True)
class Core:
    """What the host holds of an app, beside what routes reach."""

    services: Services
    processes: ProcessSupervisor
    database: Database


def build_core(settings: Settings, *, run_dir: Path | None = None) -> Core:
    """Make every service; nothing is read, written or started yet.

    `run_dir` keeps the list of processes elsewhere, for a look beside a running server.
    """
    database = Database(settings.state_dir / "state.db", STEPS)
    processes = ProcessSupervisor(run_dir or settings.state_dir)
    return Core(_services(settings, database, processes), processes, database)


def _services(settings: Settings, database: Database, processes: ProcessSupervisor) -> Services:
    clock, registry = SystemClock(), Registry()
    readiness = Readiness(clock)
    default_agent = settings.agent_name or settings.default_agent or None
    eventlog, history = EventLog(database, clock), HostHistory(database)
    sessions = Sessions(database, registry, history)
    turns = Turns(
        resolver=_resolver(settings, registry, readiness, sessions, default_agent),
        registry=registry,
        eventlog=eventlog,
        history=history,
        database=database,
        clock=clock,
        stop_owner=processes.stop_owner,
        permission_seconds=settings.permission_timeout,
    )
    return Services(
        version=__version__,
        stage=settings.stage,
        wire_style=settings.wire_style,
        clock=clock,
        registry=registry,
        readiness=readiness,
        eventlog=eventlog,
        turns=turns,
        sessions=sessions,
        projects=Projects(ProjectFiles(settings.projects_root), clock),
        agents=Agents(registry, clock, settings.state_dir),
        models=Models(registry, readiness, default_agent=default_agent),
        gateways=Gateways(registry, readiness, default_agent=default_agent),
        legacy=LegacyChat(turns, sessions, eventlog, database, clock),
        idempotency=Idempotency(database, clock),
        encoder=SharedEncoder(),
        samplers=samplers(registry, turns, eventlog),
    )


def _resolver(
    settings: Settings,
    registry: Registry,
    readiness: Readiness,
    sessions: Sessions,
    default_agent: str | None,
) -> Resolver:
    return Resolver(
        registry,
        readiness,
        sessions,
        Workspace(Path.home(), settings.projects_root),
        default_agent=default_agent,
        permission_mode=settings.permission_mode,
    )


@asynccontextmanager
async def services_running(core: Core) -> AsyncIterator[None]:
    """Sweep up after the last server, close the turns it cut; all before plugins start."""
    clock, eventlog = core.services.clock, core.services.eventlog
    try:
        core.database.open()
    except sqlite3.Error as error:
        raise StateFolderError(
            f"the database in the state folder can't be opened: {error}"
        ) from error
    try:
        await core.processes.start()
        await core.database.write(lambda connection: close_cut_turns(connection, clock.now()))
        eventlog.start()
        yield
    finally:
        await eventlog.stop()
        await core.processes.stop()
        await core.services.projects.close()
        await core.database.close()


@asynccontextmanager
async def turns_ended(core: Core) -> AsyncIterator[None]:
    """End every turn before plugins stop."""
    try:
        yield
    finally:
        await core.services.turns.stop()

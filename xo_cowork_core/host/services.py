"""What an app is made of, and the order in which it starts and stops."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core.api.dependencies import Services
from xo_cowork_core.host.building import ServicesBuilder
from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.services.history.hosted_sessions import HostedSessions
from xo_cowork_core.services.index.refresher import IndexRefresher
from xo_cowork_core.services.processes import ProcessSupervisor
from xo_cowork_core.services.sessions.host_session_source import HostSessionSource
from xo_cowork_core.services.sessions.trash import Trash
from xo_cowork_core.services.turns.turn_rows import close_interrupted_turns
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.locks import StateFolderError


@dataclass(frozen=True, slots=True)
class AppState:
    """What the host holds of an app, beside what routes reach."""

    services: Services
    processes: ProcessSupervisor
    database: Database
    hosted: HostedSessions
    trash: Trash
    host_sessions: HostSessionSource
    refresher: IndexRefresher


def build_core(settings: Settings, *, run_dir: Path | None = None) -> AppState:
    """Make every service; nothing is read, written or started yet.

    `run_dir` keeps the list of processes elsewhere, for a look beside a running server.
    """
    building = ServicesBuilder(settings, run_dir)
    return AppState(
        building.services(),
        building.processes,
        building.database,
        building.hosted,
        building.trash,
        building.host_sessions,
        building.refresher,
    )


@asynccontextmanager
async def services_running(core: AppState) -> AsyncIterator[None]:
    """Sweep up after the last server, close the turns it cut; all before plugins start."""
    eventlog = core.services.eventlog
    try:
        core.database.open()
    except (OSError, sqlite3.Error) as error:
        raise _unusable(error) from error
    try:
        await core.processes.start()
        await _close_cut_turns(core)
        await core.services.files.start()
        eventlog.start()
        yield
    finally:
        await eventlog.stop()
        await core.processes.stop()
        await core.services.files.close()
        await core.services.projects.close()
        await core.database.close()


async def _close_cut_turns(core: AppState) -> None:
    now = core.services.clock.now()
    try:
        try:
            await core.database.write(lambda connection: close_interrupted_turns(connection, now))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            await core.database.replace(error)
            await core.database.write(lambda connection: close_interrupted_turns(connection, now))
    except (OSError, sqlite3.Error) as error:
        raise _unusable(error) from error


def _unusable(error: Exception) -> StateFolderError:
    return StateFolderError(f"the database in the state folder can't be used: {error}")


@asynccontextmanager
async def index_running(core: AppState) -> AsyncIterator[None]:
    """Keep the index and the projects' records true, and the trash no longer than promised, while
    plugins are up."""
    await core.trash.start(core.host_sessions.note)
    await core.refresher.start(await core.hosted.flags())
    await core.services.recorder.start()
    try:
        yield
    finally:
        await core.services.recorder.stop()
        await core.refresher.stop()
        await core.trash.stop()


@asynccontextmanager
async def turns_ended(core: AppState) -> AsyncIterator[None]:
    """End every turn before plugins stop."""
    try:
        yield
    finally:
        await core.services.turns.stop()

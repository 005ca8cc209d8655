"""The order in which the services of one app start and stop."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from xo_cowork_core.host.services import AppState
from xo_cowork_core.services.turns.turn_rows import close_interrupted_turns
from xo_cowork_core.storage.state_folder import StateFolderError


@asynccontextmanager
async def services_running(state: AppState) -> AsyncIterator[None]:
    """Open the database, end processes of the last server and close its turns; plugins come later.

    Raises StateFolderError.
    """
    eventlog = state.services.eventlog
    try:
        state.database.open()
    except (OSError, sqlite3.Error) as error:
        raise _database_error(error) from error
    try:
        await state.processes.start()
        await _close_interrupted_turns(state)
        await state.services.files.start()
        eventlog.start()
        await state.oauth_clients.start()
        await state.services.project_access.start()
        await state.services.connections.start()
        await state.services.identity.start()
        state.services.onboarding.start()
        yield
    finally:
        await state.services.onboarding.stop()
        if state.swarm:
            await state.swarm.messages.stop()
        await state.services.identity.stop()
        await state.services.connections.stop()
        if state.webhook:
            # the last refreshes may have ended a connection
            await state.webhook.stop()
        await state.http.close()
        await eventlog.stop()
        await state.processes.stop()
        await state.services.files.close()
        await state.services.projects.close()
        await state.database.close()


@asynccontextmanager
async def sign_ins_running(state: AppState) -> AsyncIterator[None]:
    """Continue open sign-ins, and end them and the exports before plugins stop."""
    await state.services.auth_flows.resume()
    try:
        yield
    finally:
        await state.services.auth_flows.stop()
        await state.exports.stop()


@asynccontextmanager
async def index_running(state: AppState) -> AsyncIterator[None]:
    """Run the trash, the index and the projects' records while plugins are up."""
    await state.trash.start(state.host_sessions.note)
    await state.refresher.start(await state.hosted.flags())
    await state.services.recorder.start()
    try:
        yield
    finally:
        if state.swarm:
            # it reads the index
            await state.swarm.usage.stop()
        await state.services.recorder.stop()
        await state.refresher.stop()
        await state.trash.stop()


@asynccontextmanager
async def turns_ended(state: AppState) -> AsyncIterator[None]:
    """End every turn and close its session at exit, before plugins stop."""
    try:
        yield
    finally:
        await state.services.turns.stop()
        await state.closer.close_all()


def start_requests(state: AppState) -> None:
    """Begin to send requests by themselves, once the server listens."""
    state.services.identity.start_requests()
    if state.swarm:
        state.swarm.start()
    if state.webhook:
        state.webhook.start()


async def _close_interrupted_turns(state: AppState) -> None:
    """Close the turns of the last server; replace a damaged database first."""
    now = state.services.clock.now()
    try:
        try:
            await state.database.write(lambda connection: close_interrupted_turns(connection, now))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            await state.database.replace(error)
            await state.database.write(lambda connection: close_interrupted_turns(connection, now))
    except (OSError, sqlite3.Error) as error:
        raise _database_error(error) from error


def _database_error(error: Exception) -> StateFolderError:
    return StateFolderError(f"the database in the state folder can't be used: {error}")

"""Connections that are taken over from files, in the services."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.connectors.engine import CONNECTOR, ConnectorEngine, UserinfoConnector
from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.sdk.connector import (
    ApiKey,
    FileSection,
    ImportedConnection,
    ImportsConnections,
    RefreshesTokens,
    TokenSet,
)
from xo_cowork_core.services.connectors import connector_calls
from xo_cowork_core.services.connectors.exports.connection_imports import ConnectionImports
from xo_cowork_core.services.connectors.exports.ledger import ExportLedger, load_ledger


class OldConnector(UserinfoConnector, ImportsConnections, RefreshesTokens):
    """Finds expired tokens in a file, which it can refresh by itself."""

    def imported_files(self) -> Sequence[str]:
        return ["old.conf"]

    def import_connections(self, sections: Sequence[FileSection]) -> Sequence[ImportedConnection]:
        return [
            ImportedConnection(
                section.section,
                TokenSet(
                    section.secret("token"),
                    refresh_token=section.secret("refresh"),
                    expires_at=datetime.now(UTC) - timedelta(hours=1),
                ),
                section,
                "api_key",
            )
            for section in sections
        ]

    async def refresh(self, tokens: TokenSet) -> TokenSet:
        assert tokens.refresh_token == SecretStr("refresh-1")
        expires_at = datetime.now(UTC) + timedelta(hours=1)
        return TokenSet(SecretStr("fresh-1"), tokens.refresh_token, expires_at)


def imports_of(engine: ConnectorEngine, ledger: ExportLedger, *folders: Path) -> ConnectionImports:
    load_ledger(ledger)
    connections = engine.connections
    return ConnectionImports(
        engine.registry, connections, ledger, engine.clock, folders=folders, problems={}
    )


@in_event_loop
async def test_expired_tokens_of_an_older_server_are_refreshed_by_the_connector(
    tmp_path: Path,
) -> None:
    (tmp_path / "old.conf").write_text("[work]\ntoken = stale-1\nrefresh = refresh-1\n")
    connector = OldConnector(None, [ApiKey()])
    async with ConnectorEngine(tmp_path, connector) as engine:
        imports = imports_of(engine, ExportLedger(tmp_path / "exports.json"), tmp_path)
        assert await imports.run()
        tokens = await engine.connections.get(CONNECTOR, "work")
        assert tokens.access_token == SecretStr("fresh-1")


@in_event_loop
async def test_a_sign_in_notes_that_its_connector_refreshes_the_tokens(tmp_path: Path) -> None:
    for connector, refreshes in ((OldConnector, True), (UserinfoConnector, False)):
        folder = tmp_path / connector.__name__
        async with ConnectorEngine(folder, connector(None, [ApiKey()])) as engine:
            assert (await engine.start(input="key-1")).state == "completed"
            (row,) = engine.store.rows(CONNECTOR).values()
            assert row.refreshes is refreshes


@in_event_loop
async def test_a_connector_that_is_still_starting_is_not_asked_for_fresh_tokens(
    tmp_path: Path,
) -> None:
    connector = OldConnector(None, [ApiKey()])
    async with ConnectorEngine(tmp_path, connector) as engine:
        registered = engine.registry.connectors[CONNECTOR]
        engine.record.set_state("starting")
        with pytest.raises(Unavailable, match="connector_acme is not ready") as refused:
            await connector_calls.refresh(registered, TokenSet(SecretStr("stale-1")))
        assert refused.value.retry_after == 1


@in_event_loop
async def test_what_was_taken_over_and_ended_is_not_taken_over_again(tmp_path: Path) -> None:
    (tmp_path / "old.conf").write_text("[work]\ntoken = stale-1\nrefresh = refresh-1\n")
    state = tmp_path / "state"
    state.mkdir()
    connector = OldConnector(None, [ApiKey()])
    async with ConnectorEngine(state, connector) as engine:
        ledger = ExportLedger(state / "exports.json")
        await imports_of(engine, ledger, state, tmp_path).run()
        assert engine.connections.has_any(CONNECTOR)
        await engine.connections.delete(CONNECTOR, "work")
        again = ExportLedger(state / "exports.json")
        await imports_of(engine, again, state, tmp_path).run()
        assert not engine.connections.has_any(CONNECTOR)

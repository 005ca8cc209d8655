"""Waits until the entries of a stream are stored: the event log writes them with a delay."""

import sqlite3
from contextlib import closing

from xo_cowork_core.sdk.testing import LiveServer, eventually

SECONDS = 30.0


def wait_until_saved(server: LiveServer, stream_id: str, last_id: int) -> None:
    """Wait until the entries of a running turn up to this one are on disk."""

    def saved() -> bool:
        with closing(sqlite3.connect(server.state / "state.db")) as connection:
            query = "SELECT last_id FROM streams WHERE stream_id = ?"
            return connection.execute(query, (stream_id,)).fetchone()[0] >= last_id

    eventually(saved, SECONDS, f"entry {last_id} on disk")

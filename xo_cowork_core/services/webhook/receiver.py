"""The receiver of one address and secret, and whether it has said that it wants no more notices."""

import hashlib
import sqlite3

from pydantic import SecretStr

from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.storage.database import Database


class Receiver:
    """`address` stands for its address, which may contain a secret, in the queue."""

    def __init__(self, database: Database, clock: Clock, url: SecretStr, secret: SecretStr) -> None:
        self._database = database
        self._clock = clock
        self.address = _digest(url)
        # another secret is a sign that a person has set the receiver up again
        self._key = _digest(url, secret)

    async def is_gone(self) -> bool:
        """Return whether it has answered 410 since its address and secret are these."""
        statement = "SELECT 1 FROM webhook_gone WHERE receiver = ?"

        def read(connection: sqlite3.Connection) -> bool:
            return connection.execute(statement, (self._key,)).fetchone() is not None

        return await self._database.read(read)

    async def set_gone(self) -> None:
        """Record that it has answered 410. Only the last receiver is remembered."""
        values = (self._key, stamp(self._clock.now()))

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM webhook_gone")
            connection.execute("INSERT INTO webhook_gone (receiver, gone_at) VALUES (?, ?)", values)

        await self._database.write(write)


def _digest(*values: SecretStr) -> str:
    text = "\n".join(value.get_secret_value() for value in values)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

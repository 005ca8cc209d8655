"""Writes the text of messages, their full-text rows and their counts by day.

Every function runs inside the caller's transaction. The messages of a session are packed into
blocks in order: which messages share a block depends on these messages alone, so a session that
grew has the same blocks as one that was indexed at once.
"""

import sqlite3
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence

import orjson

from xo_cowork_core.services.index.indexed_messages import IndexedMessage
from xo_cowork_core.services.index.schema import BLOCK_MESSAGES
from xo_cowork_core.services.index.session_keys import session_key_of

BLOCK_CHARACTERS = 24_000
BULK_SEGMENTS = 64
Block = Sequence[IndexedMessage]
StoredBlock = tuple[int, int, bytes]  # id, number of its first message, digests
# of zlib: the highest takes three times as long and saves nothing more
COMPRESSION_LEVEL = 4


def write_messages(
    connection: sqlite3.Connection, sessions: Mapping[str, Sequence[IndexedMessage]]
) -> None:
    """Replace the messages of sessions from the first block that differs, and count them by day."""
    inserted: list[tuple[int, Block]] = []
    deleted: list[int] = []
    for session_id, messages in sessions.items():
        session_key = session_key_of(connection, session_id)
        stored, blocks = _stored_blocks(connection, session_key), list(_blocks(messages))
        same = _count_same(stored, blocks)
        deleted += [block_id for block_id, _, _ in stored[same:]]
        inserted += [(session_key, block) for block in blocks[same:]]
        _write_counts(connection, session_id, messages)
    # in the order of their rowids: at a smaller one FTS5 writes out a segment
    for block_id in sorted(deleted):
        _delete_block(connection, block_id)
    for session_key, block in inserted:
        _insert_block(connection, session_key, block)


def delete_messages(connection: sqlite3.Connection, session_id: str) -> None:
    """Delete a session's messages and counts."""
    write_messages(connection, {session_id: ()})


def start_bulk(connection: sqlite3.Connection) -> None:
    """Let FTS5 merge only when `BULK_SEGMENTS` segments exist, before many messages come."""
    _configure(connection, automerge=0, crisismerge=BULK_SEGMENTS)


def end_bulk(connection: sqlite3.Connection) -> None:
    """Let FTS5 merge a little at each write."""
    _configure(connection, automerge=4, crisismerge=16)


def is_bulk(connection: sqlite3.Connection) -> bool:
    """Whether `start_bulk` was called last, perhaps by a server that was killed since."""
    row = connection.execute("SELECT v FROM messages_fts_config WHERE k = 'automerge'").fetchone()
    return row is not None and row[0] == 0


def _configure(connection: sqlite3.Connection, **settings: int) -> None:
    connection.executemany(
        "INSERT INTO messages_fts (messages_fts, rank) VALUES (?, ?)", settings.items()
    )


def message_text(connection: sqlite3.Connection, rowid: int) -> str:
    """Return the text of one message; empty when it is gone."""
    block_id, place = divmod(rowid, BLOCK_MESSAGES)
    texts = _texts(connection, block_id)
    return texts[place] if place < len(texts) else ""


def unpack_seconds(packed: bytes) -> list[float]:
    """Read what `messages_daily.seconds` holds."""
    seconds = array("d")
    seconds.frombytes(packed)
    return seconds.tolist()


def _stored_blocks(connection: sqlite3.Connection, session_key: int) -> list[StoredBlock]:
    return connection.execute(
        "SELECT block_id, first, digests FROM message_blocks WHERE session_key = ? ORDER BY first",
        (session_key,),
    ).fetchall()


def _count_same(stored: Sequence[StoredBlock], blocks: Sequence[Block]) -> int:
    """Return how many blocks are stored as they are, from the first on."""
    same = 0
    for (_, first, digests), block in zip(stored, blocks, strict=False):
        if first != block[0].number or digests != _digests(block):
            break
        same += 1
    return same


def _blocks(messages: Sequence[IndexedMessage]) -> Iterator[Block]:
    start = size = 0
    for number, message in enumerate(messages, start=1):
        size += len(message.text)
        if number - start == BLOCK_MESSAGES or size >= BLOCK_CHARACTERS:
            yield messages[start:number]
            start, size = number, 0
    if start < len(messages):
        yield messages[start:]


def _delete_block(connection: sqlite3.Connection, block_id: int) -> None:
    # a full-text table without content must be given the text that it forgets
    texts = enumerate(_texts(connection, block_id), start=block_id * BLOCK_MESSAGES)
    connection.executemany(
        "INSERT INTO messages_fts (messages_fts, rowid, text) VALUES ('delete', ?, ?)", texts
    )
    for table in ("message_blocks", "message_texts"):
        connection.execute(
            f"DELETE FROM {table} WHERE block_id = ?",  # noqa: S608
            (block_id,),
        )


def _insert_block(connection: sqlite3.Connection, session_key: int, block: Block) -> None:
    texts = [message.text for message in block]
    cursor = connection.execute(
        "INSERT INTO message_texts (texts) VALUES (?)",
        (zlib.compress(orjson.dumps(texts), COMPRESSION_LEVEL),),
    )
    block_id = int(cursor.lastrowid or 0)
    connection.execute(
        "INSERT INTO message_blocks VALUES (?, ?, ?, ?)",
        (block_id, session_key, block[0].number, _digests(block)),
    )
    connection.executemany(
        "INSERT INTO messages_fts (rowid, text) VALUES (?, ?)",
        enumerate(texts, start=block_id * BLOCK_MESSAGES),
    )


def _texts(connection: sqlite3.Connection, block_id: int) -> list[str]:
    row = connection.execute(
        "SELECT texts FROM message_texts WHERE block_id = ?", (block_id,)
    ).fetchone()
    return orjson.loads(zlib.decompress(row[0])) if row else []


def _digests(block: Block) -> bytes:
    return b"".join([message.digest for message in block])


def _write_counts(
    connection: sqlite3.Connection, session_id: str, messages: Sequence[IndexedMessage]
) -> None:
    days: dict[str, tuple[list[int], array[float]]] = {}
    for message in messages:
        count, seconds = days.setdefault(message.day, ([0], array("d")))
        count[0] += 1
        if message.seconds is not None:
            seconds.append(message.seconds)
    connection.execute("DELETE FROM messages_daily WHERE session_id = ?", (session_id,))
    connection.executemany(
        "INSERT INTO messages_daily VALUES (?, ?, ?, ?)",
        [(session_id, day, n[0], seconds.tobytes()) for day, (n, seconds) in days.items()],
    )

"""Tables of `index-<VERSION>.db`, a cache: deleting the file only costs a rebuild.

Change `VERSION` with every change of a table; the file of another version is not read.
`usage_daily`, `tools_daily` and `messages_daily` are `calls` and messages summed up by session and
day, so that a report reads few rows. `dirty_projects` names the projects whose sessions or sums
changed since their files were written; `mark` differs after each change.

The text of messages is stored compressed, `BLOCK_MESSAGES` messages together. The full-text table
has no content of its own: message number n of block b has the rowid b * BLOCK_MESSAGES + n. Its
`hashsize` (8 MiB) lets the words of one batch become one segment.
"""

VERSION = 12
BLOCK_MESSAGES = 16
# secure_delete: nothing here needs wiping; wal_autocheckpoint: a cold build writes many pages
PRAGMAS = (
    "secure_delete=OFF",
    "cache_size=-8000",
    "wal_autocheckpoint=4000",
)
STEPS = (
    """
    CREATE TABLE files (
        path TEXT PRIMARY KEY,
        agent_name TEXT NOT NULL,
        inode INTEGER NOT NULL,
        size INTEGER NOT NULL,
        changed_ns INTEGER NOT NULL,
        session_id TEXT,
        last TEXT NOT NULL DEFAULT '',
        needs TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX files_by_session ON files (session_id);
    CREATE TABLE session_keys (
        session_key INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL UNIQUE
    );
    CREATE TABLE sessions (
        session_key INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL UNIQUE,
        agent_name TEXT NOT NULL,
        agent_id TEXT,
        directory TEXT,
        title TEXT NOT NULL,
        time_created TEXT NOT NULL,
        time_updated TEXT NOT NULL,
        message_count INTEGER NOT NULL,
        is_pinned INTEGER NOT NULL DEFAULT 0,
        hidden INTEGER NOT NULL DEFAULT 0,
        record_digest BLOB NOT NULL DEFAULT x''
    );
    CREATE INDEX sessions_by_time ON sessions (hidden, time_updated DESC);
    CREATE INDEX sessions_by_agent ON sessions (hidden, agent_name, time_updated DESC);
    CREATE INDEX sessions_by_project ON sessions (hidden, agent_id, time_updated DESC);
    CREATE TABLE message_blocks (
        block_id INTEGER PRIMARY KEY,
        session_key INTEGER NOT NULL,
        first INTEGER NOT NULL,
        digests BLOB NOT NULL
    );
    CREATE UNIQUE INDEX message_blocks_by_session ON message_blocks (session_key, first);
    CREATE TABLE message_texts (
        block_id INTEGER PRIMARY KEY,
        texts BLOB NOT NULL
    );
    CREATE VIRTUAL TABLE messages_fts USING fts5 (
        text, content='', tokenize="unicode61 remove_diacritics 2"
    );
    INSERT INTO messages_fts (messages_fts, rank) VALUES ('hashsize', 8388608);
    CREATE TABLE messages_daily (
        session_id TEXT NOT NULL,
        day TEXT NOT NULL,
        messages INTEGER NOT NULL,
        seconds BLOB NOT NULL,
        PRIMARY KEY (day, session_id)
    ) WITHOUT ROWID;
    CREATE INDEX messages_daily_by_session ON messages_daily (session_id);
    CREATE TABLE models (
        model_key INTEGER PRIMARY KEY,
        agent_name TEXT NOT NULL,
        model_id TEXT NOT NULL,
        provider_id TEXT NOT NULL,
        UNIQUE (agent_name, model_id, provider_id)
    );
    CREATE TABLE calls (
        call_id INTEGER PRIMARY KEY,
        place INTEGER NOT NULL,
        key INTEGER NOT NULL,
        session_key INTEGER NOT NULL,
        model_key INTEGER NOT NULL,
        time_ms INTEGER NOT NULL,
        input INTEGER NOT NULL,
        output INTEGER NOT NULL,
        reasoning INTEGER NOT NULL,
        cache_read INTEGER NOT NULL,
        cache_write INTEGER NOT NULL,
        cost REAL,
        tools TEXT NOT NULL,
        counted INTEGER NOT NULL DEFAULT 1,
        UNIQUE (place, key)
    );
    CREATE INDEX calls_by_key ON calls (key);
    CREATE INDEX calls_by_session ON calls (session_key);
    CREATE INDEX calls_by_time ON calls (time_ms);
    CREATE TABLE usage_daily (
        session_id TEXT NOT NULL,
        day TEXT NOT NULL,
        agent_name TEXT NOT NULL,
        model_id TEXT NOT NULL,
        provider_id TEXT NOT NULL,
        input INTEGER NOT NULL,
        output INTEGER NOT NULL,
        reasoning INTEGER NOT NULL,
        cache_read INTEGER NOT NULL,
        cache_write INTEGER NOT NULL,
        cost REAL NOT NULL,
        calls INTEGER NOT NULL,
        open_input INTEGER NOT NULL,
        open_output INTEGER NOT NULL,
        open_reasoning INTEGER NOT NULL,
        open_cache_read INTEGER NOT NULL,
        open_cache_write INTEGER NOT NULL,
        PRIMARY KEY (day, session_id, agent_name, model_id, provider_id)
    ) WITHOUT ROWID;
    CREATE INDEX usage_daily_by_session ON usage_daily (session_id);
    CREATE TABLE tools_daily (
        day TEXT NOT NULL,
        session_id TEXT NOT NULL,
        tool TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (day, session_id, tool)
    ) WITHOUT ROWID;
    CREATE INDEX tools_daily_by_session ON tools_daily (session_id);
    CREATE TABLE dirty_projects (
        agent_id TEXT PRIMARY KEY,
        mark INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TRIGGER session_inserted AFTER INSERT ON sessions WHEN new.agent_id IS NOT NULL BEGIN
        REPLACE INTO dirty_projects VALUES (new.agent_id, random());
    END;
    CREATE TRIGGER session_deleted AFTER DELETE ON sessions WHEN old.agent_id IS NOT NULL BEGIN
        REPLACE INTO dirty_projects VALUES (old.agent_id, random());
    END;
    CREATE TRIGGER session_moved AFTER UPDATE OF agent_id, hidden ON sessions
    WHEN old.agent_id IS NOT new.agent_id OR old.hidden <> new.hidden BEGIN
        REPLACE INTO dirty_projects SELECT old.agent_id, random() WHERE old.agent_id IS NOT NULL;
        REPLACE INTO dirty_projects SELECT new.agent_id, random() WHERE new.agent_id IS NOT NULL;
    END
    """,
)

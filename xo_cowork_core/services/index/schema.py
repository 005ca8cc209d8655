"""Tables of `index.db`, a cache: deleting the file only costs a rebuild.

Change `VERSION` with every change of a table; the file of another version is rebuilt. `used`,
`tooled` and `spoken` are `calls` and `messages` summed up by day, so that a report reads few rows.
`recounted` names the projects whose sessions or sums changed since somebody took note of it; `mark`
is another one with each change.
"""

VERSION = 9
# nothing here is worth wiping before it is deleted, and a cold build writes 40 MB
PRAGMAS = ("secure_delete=OFF", "cache_size=-8000", "wal_autocheckpoint=4000")
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
    CREATE TABLE sessions (
        session_id TEXT PRIMARY KEY,
        agent_name TEXT NOT NULL,
        agent_id TEXT,
        directory TEXT,
        title TEXT NOT NULL,
        time_created TEXT NOT NULL,
        time_updated TEXT NOT NULL,
        message_count INTEGER NOT NULL,
        is_pinned INTEGER NOT NULL DEFAULT 0,
        hidden INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX sessions_by_time ON sessions (hidden, time_updated DESC);
    CREATE INDEX sessions_by_agent ON sessions (hidden, agent_name, time_updated DESC);
    CREATE INDEX sessions_by_project ON sessions (hidden, agent_id, time_updated DESC);
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        digest BLOB NOT NULL,
        text TEXT NOT NULL,
        UNIQUE (session_id, number)
    );
    CREATE TABLE spoken (
        session_id TEXT NOT NULL,
        day TEXT NOT NULL,
        messages INTEGER NOT NULL,
        seconds BLOB NOT NULL,
        PRIMARY KEY (day, session_id)
    ) WITHOUT ROWID;
    CREATE INDEX spoken_by_session ON spoken (session_id);
    CREATE VIRTUAL TABLE words USING fts5 (
        text, content='messages', content_rowid='id', columnsize=0,
        tokenize="unicode61 remove_diacritics 2"
    );
    CREATE TABLE calls (
        key INTEGER NOT NULL,
        place INTEGER NOT NULL,
        session_id TEXT NOT NULL,
        agent_name TEXT NOT NULL,
        time TEXT NOT NULL,
        model_id TEXT NOT NULL,
        provider_id TEXT NOT NULL,
        input INTEGER NOT NULL,
        output INTEGER NOT NULL,
        reasoning INTEGER NOT NULL,
        cache_read INTEGER NOT NULL,
        cache_write INTEGER NOT NULL,
        cost REAL,
        tools TEXT NOT NULL,
        counted INTEGER NOT NULL DEFAULT 1,
        PRIMARY KEY (place, key)
    ) WITHOUT ROWID;
    CREATE INDEX calls_by_key ON calls (key);
    CREATE INDEX calls_by_session ON calls (session_id);
    CREATE INDEX calls_by_time ON calls (time);
    CREATE TABLE used (
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
    CREATE INDEX used_by_session ON used (session_id);
    CREATE TABLE tooled (
        day TEXT NOT NULL,
        session_id TEXT NOT NULL,
        tool TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (day, session_id, tool)
    ) WITHOUT ROWID;
    CREATE INDEX tooled_by_session ON tooled (session_id);
    CREATE TABLE recounted (
        agent_id TEXT PRIMARY KEY,
        mark INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TRIGGER session_in AFTER INSERT ON sessions WHEN new.agent_id IS NOT NULL BEGIN
        REPLACE INTO recounted VALUES (new.agent_id, random());
    END;
    CREATE TRIGGER session_out AFTER DELETE ON sessions WHEN old.agent_id IS NOT NULL BEGIN
        REPLACE INTO recounted VALUES (old.agent_id, random());
    END;
    CREATE TRIGGER session_moved AFTER UPDATE OF agent_id, hidden ON sessions
    WHEN old.agent_id IS NOT new.agent_id OR old.hidden <> new.hidden BEGIN
        REPLACE INTO recounted SELECT old.agent_id, random() WHERE old.agent_id IS NOT NULL;
        REPLACE INTO recounted SELECT new.agent_id, random() WHERE new.agent_id IS NOT NULL;
    END;
    CREATE TRIGGER used_in AFTER INSERT ON used BEGIN
        REPLACE INTO recounted SELECT agent_id, random() FROM sessions
        WHERE session_id = new.session_id AND agent_id IS NOT NULL;
    END;
    CREATE TRIGGER used_out AFTER DELETE ON used BEGIN
        REPLACE INTO recounted SELECT agent_id, random() FROM sessions
        WHERE session_id = old.session_id AND agent_id IS NOT NULL;
    END
    """,
)

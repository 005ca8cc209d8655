"""Tables of `state.db`, in steps that are applied once each. Add steps; never change one."""

# nothing else can restore these rows; the entries of streams are pruned after a day
DURABLE_TABLES = (
    "streams",
    "sessions",
    "messages",
    "interrupted_answers",
    "project_sessions",
    "idempotency",
    "session_flags",
    "trash",
    "swarm_days",
    "swarm_workspace",
    "webhook_gone",
)
STEPS = (
    """
    CREATE TABLE streams (
        stream_id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL,
        agent_name TEXT NOT NULL,
        agent_id TEXT,
        text TEXT NOT NULL,
        attachments TEXT NOT NULL DEFAULT '[]',
        host_history INTEGER NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        last_id INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        cut INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX streams_by_session ON streams (session_id, started_at);
    CREATE INDEX streams_by_end ON streams (ended_at);
    CREATE TABLE blocks (
        stream_id TEXT NOT NULL REFERENCES streams (stream_id),
        first_id INTEGER NOT NULL,
        last_id INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (stream_id, first_id)
    ) WITHOUT ROWID;
    CREATE TABLE sessions (
        session_id TEXT PRIMARY KEY,
        agent_name TEXT NOT NULL,
        agent_id TEXT,
        directory TEXT,
        title TEXT NOT NULL,
        time_created TEXT NOT NULL,
        time_updated TEXT NOT NULL
    );
    CREATE TABLE messages (
        session_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        message_id TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (session_id, number)
    ) WITHOUT ROWID;
    CREATE TABLE project_sessions (
        project_name TEXT PRIMARY KEY,
        session_id TEXT NOT NULL,
        user_id TEXT,
        time_updated TEXT NOT NULL
    );
    CREATE TABLE idempotency (
        key TEXT PRIMARY KEY,
        request TEXT NOT NULL,
        status INTEGER,
        headers TEXT,
        body BLOB,
        boot TEXT NOT NULL,
        created_at TEXT NOT NULL
    );
    CREATE INDEX idempotency_by_age ON idempotency (created_at)
    """,
    """
    ALTER TABLE sessions ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE session_flags (
        session_id TEXT PRIMARY KEY,
        title TEXT,
        directory TEXT,
        is_pinned INTEGER NOT NULL DEFAULT 0,
        deleted_at TEXT
    ) WITHOUT ROWID;
    CREATE TABLE trash (
        session_id TEXT NOT NULL,
        original TEXT NOT NULL,
        kept TEXT NOT NULL,
        deleted_at TEXT NOT NULL,
        PRIMARY KEY (session_id, original)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE interrupted_answers (
        message_id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL,
        prompted_at TEXT NOT NULL,
        closed_at TEXT NOT NULL,
        body BLOB NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE swarm_questions (
        stream_id TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        project_id TEXT NOT NULL,
        user_id TEXT NOT NULL
    );
    CREATE TABLE swarm_messages (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        message_key TEXT NOT NULL UNIQUE,
        account TEXT NOT NULL,
        body TEXT NOT NULL,
        created_at TEXT NOT NULL
    );
    CREATE TABLE swarm_days (
        account TEXT NOT NULL,
        day TEXT NOT NULL,
        reported_at TEXT NOT NULL,
        PRIMARY KEY (account, day)
    ) WITHOUT ROWID;
    CREATE TABLE swarm_workspace (id TEXT PRIMARY KEY) WITHOUT ROWID
    """,
    """
    CREATE TABLE webhook_messages (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        message_key TEXT NOT NULL UNIQUE,
        account TEXT NOT NULL,
        body TEXT NOT NULL,
        created_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE webhook_gone (receiver TEXT PRIMARY KEY, gone_at TEXT NOT NULL) WITHOUT ROWID
    """,
)

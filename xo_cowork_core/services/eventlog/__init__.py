"""Event log: the numbered entries of every stream, in memory and in SQLite, and their readers."""

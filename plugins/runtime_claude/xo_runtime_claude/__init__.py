"""Claude Code as a runtime: one warm command-line process per active session."""

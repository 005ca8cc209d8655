"""Run one turn: on an app-server, or as one `codex exec` process."""

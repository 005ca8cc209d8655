"""The session files that the CLI writes, read as sessions, messages and usage."""

"""Read sessions, messages and usage from Codex's rollout files."""

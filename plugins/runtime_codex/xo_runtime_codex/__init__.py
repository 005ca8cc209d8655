"""Codex as a runtime: one shared app-server for many sessions."""

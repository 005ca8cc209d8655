"""Translate Codex's own shapes: items, tools, usage, errors, attachments, request parameters."""

"""Signing in to Codex with a device code, and installing it on request."""

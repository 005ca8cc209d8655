"""Secrets of plugins: their env files."""

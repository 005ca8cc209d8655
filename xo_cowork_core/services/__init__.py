"""Behaviour: no HTTP, no plugin names."""

"""Fixtures that any test may use."""

from xo_cowork_core.sdk.testing.fixtures import live_server, scripted

__all__ = ["live_server", "scripted"]

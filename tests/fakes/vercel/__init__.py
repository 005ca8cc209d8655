"""A stand-in of Vercel: sign-in, REST API and MCP server."""

from tests.fakes.vercel.server import FakeVercel

__all__ = ["FakeVercel"]

"""Fixtures for the tests of the connectors' services."""

from tests.support.connectors.fixtures import server

__all__ = ["server"]

"""Fixtures for the tests of the connectors' services."""

from tests.support.connector_fixtures import server

__all__ = ["server"]

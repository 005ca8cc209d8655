"""A stand-in of Manus's API."""

from tests.fakes.manus.server import FakeManus

__all__ = ["FakeManus"]

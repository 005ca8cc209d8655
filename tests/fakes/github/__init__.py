"""A stand-in of GitHub: sign-in, API and git, under its production host names."""

from tests.fakes.github.server import FakeGitHub

__all__ = ["FakeGitHub"]

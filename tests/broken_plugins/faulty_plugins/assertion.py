"""Asserts at import: stevedore lets this one through."""

assert 1 == 2, "the world is not as it was"

plugin = object()

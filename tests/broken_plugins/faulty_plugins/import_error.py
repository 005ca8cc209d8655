"""Imports a module that does not exist."""

import a_module_that_nobody_has  # noqa: F401

plugin = object()

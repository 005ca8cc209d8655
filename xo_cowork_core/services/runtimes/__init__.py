"""Runtimes: the registry of plugins, the choice of a runtime, and its abilities outside turns."""

"""XO Cowork API: the control plane inside an agent workspace."""


def __getattr__(name: str) -> str:
    """Read `__version__` when it is asked for: the watcher of a server has no use for it, and
    reading it takes more time than all that the watcher does."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415  # see the docstring

    return version("xo-cowork-core")

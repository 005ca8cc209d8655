"""XO Cowork API: the control plane inside an agent workspace."""

from importlib.metadata import version

__version__ = version("xo-cowork-core")

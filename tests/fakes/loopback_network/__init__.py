"""The outside services of a test behind their production host names: a proxy on the loopback."""

from tests.fakes.loopback_network.network import LoopbackNetwork, PlainServer

__all__ = ["LoopbackNetwork", "PlainServer"]

"""Ports of 127.0.0.1 on which a test listens later, or a second time."""

import random
import socket

# below those that the kernel gives to connections: none of them takes the port meanwhile
PORTS = range(20_000, 32_000)
TRIES = 100


def free_port() -> int:
    """Return a port that nothing uses. Raises AssertionError when there is none."""
    for port in random.sample(PORTS, TRIES):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"none of {TRIES} ports is free")

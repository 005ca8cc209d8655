"""Own the gateway: connection, process, health, and requests to its HTTP port."""

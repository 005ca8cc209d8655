"""Own the app-server processes: JSON-RPC, loaded threads, and the pool of servers."""

"""MCP servers of connectors for agents: which ones a turn gets, and the way to them."""

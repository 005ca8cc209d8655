"""A stand-in for the MCP server of a service: streamable HTTP, with tools for tests."""

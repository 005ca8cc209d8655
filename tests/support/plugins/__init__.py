"""Plugins that tests add to a server."""

"""Restart and update of the server, on a person's request."""

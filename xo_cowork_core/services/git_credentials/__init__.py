"""Credentials for git in agents' commands: a helper for each turn, which asks this server.

Nothing is written to disk, and no token of a connection is in an agent's environment.
"""

"""ASGI middleware in front of every route, and the limits of an HTTP connection."""

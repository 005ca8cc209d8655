"""The route family `server`: health, metrics and plugins of the server."""

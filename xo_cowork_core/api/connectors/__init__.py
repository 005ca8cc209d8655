"""The route family `connectors`: signing in to outside services, and the state of connections."""

"""What a plugin reaches of the connections: those of its own connectors."""

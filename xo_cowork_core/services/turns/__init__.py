"""Chat turns: from a prompt to a running turn, its pending interactions and its stored rows."""

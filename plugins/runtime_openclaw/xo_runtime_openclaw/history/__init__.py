"""Read sessions and messages, from the gateway or from OpenClaw's files."""

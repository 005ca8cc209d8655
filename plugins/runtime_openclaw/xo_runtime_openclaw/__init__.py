"""OpenClaw as a runtime: one gateway, reached over its control protocol."""

"""Read and change OpenClaw's configuration: agents, channels, providers."""

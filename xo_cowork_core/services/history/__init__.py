"""What the host stores of sessions: their rows and flags, and messages of runtimes without a
store."""

"""One turn: the records that the CLI prints, translated to events, and the answers to it."""

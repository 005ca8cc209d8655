"""The index: one SQLite file over all runtimes' histories, for lists, search and usage."""

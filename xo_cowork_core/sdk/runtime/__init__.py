"""The interface of a runtime: its turns, its abilities and its stored history."""

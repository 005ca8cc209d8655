"""Files and SQLite, nothing else: no behaviour, no HTTP, no plugins."""

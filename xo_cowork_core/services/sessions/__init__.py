"""Sessions: `sessions` lists all runtimes', `history` keeps messages for runtimes without a
store, `fold` makes a message of a turn's entries, `titles` a title of a text."""

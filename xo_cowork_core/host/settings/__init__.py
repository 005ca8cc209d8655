"""The server's settings: the table of fields, their types, their sources and their checks."""

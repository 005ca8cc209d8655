"""Files in the state folder through which other programs read the connections.

Written for the connectors that export theirs, and read once from the places of an older server.
"""

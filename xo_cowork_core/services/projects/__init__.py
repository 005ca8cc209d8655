"""Project folders: their list, scaffold, memory, todos and timeline, and the records in `.xo`.

`recorder` writes those records from the events of turns and from the figures of the index.
"""

"""Behaviour of the server, without HTTP and without plugin names. Layers: see `setup.cfg`."""

"""Clients, readers, baselines and counters of the row groups, and the rows themselves."""

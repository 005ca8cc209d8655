"""The index: one SQLite file over all runtimes' histories, for lists, search and usage.

`scan` finds changed files, `feed` reads what is new in them, `rows` writes it, `index` owns the
task that does so and answers queries; `search` builds the full-text ones.
"""

"""Process supervision: every process that a plugin starts, and all its descendants, are ended.

`supervisor` is the entry point. `launch` starts a child; `process`, `streams` and `pipes` are one;
`tags` and `selectors` identify its descendants among the machine's processes; `procfs` and
`process_tree` read and signal them on Linux; `tracker` and `ledger` record them, in memory and on
disk. `server_watcher` runs `watcher_program`, which ends them when this server is killed; that
program imports some of these modules, so they import the standard library alone.
"""

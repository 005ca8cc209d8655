"""Process supervision: every process that a plugin starts, and all its descendants, are ended.

`supervisor` is the entry point. `launch` starts a child; `process`, `streams` and `pipes` are one;
`tags` and `selectors` identify its descendants among the machine's processes; `procfs` and
`process_tree` read and signal them on Linux; `tracker` and `ledger` record them, in memory and on
disk.
"""

from xo_cowork_core.services.processes.supervisor import ProcessSupervisor

__all__ = ["ProcessSupervisor"]

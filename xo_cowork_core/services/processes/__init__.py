"""Supervision of every process that plugins start: what is started ends when it must.

`supervisor` is the door; `process` and `pipes` are one child; `marks`, `search`, `procfs` and
`proctree` find all that it started; `census` and `ledger` remember them; `hunt` ends them.
"""

from xo_cowork_core.services.processes.supervisor import ProcessSupervisor

__all__ = ["ProcessSupervisor"]

"""Describes the machine and its load, on which every number depends."""

import os
import platform
import sys
from pathlib import Path


def describe_machine() -> dict[str, str]:
    """Describe the machine and its load now, in a few words each."""
    one, five, _ = os.getloadavg()
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()),
        "processor": _processor(),
        "load": f"{one:.2f} (1 min) {five:.2f} (5 min), {_runnable()} runnable",
    }


def _processor() -> str:
    lines = _lines("/proc/cpuinfo")
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def _runnable() -> str:
    fields = " ".join(_lines("/proc/loadavg")).split()
    return fields[3].partition("/")[0] if len(fields) > 3 else "?"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []

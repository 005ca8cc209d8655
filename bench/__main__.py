"""Measure and print one table: `python -m bench [GROUP …] [--quick]`."""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bench.groups import (
    abort,
    codex,
    crowd,
    drives,
    files,
    first,
    flat,
    index,
    openclaw,
    plugins,
    secrets,
    start,
    stream,
)
from bench.measuring.machine import describe_machine
from bench.measuring.plan import Plan
from bench.measuring.rows import Row, table

Measure = Callable[[Plan], Iterator[Row]]
GROUPS: Mapping[str, Measure] = {
    "start": start.measure,
    "first": first.measure,
    "stream": stream.measure,
    "crowd": crowd.measure,
    "flat": flat.measure,
    "files": files.measure,
    "drives": drives.measure,
    "secrets": secrets.measure,
    "codex": codex.measure,
    "openclaw": openclaw.measure,
    "abort": abort.measure,
    "index": index.measure,
    "plugins": plugins.measure,
}
WANTED_FILES = 8192
BROKEN = "broken"


def main() -> int:
    """Run the requested groups; return 0 when all were measured, whatever the numbers."""
    arguments = parse()
    _raise_file_limit()
    facts = describe_machine()
    _say("  ".join(f"{name} {text}" for name, text in facts.items()))
    begun = time.monotonic()
    rows = [
        row for name in arguments.groups or GROUPS for row in measured(name, Plan(arguments.quick))
    ]
    _say(table(rows))
    after = describe_machine()["load"]
    _say(f"load afterwards {after}, took {time.monotonic() - begun:.0f} s")
    if arguments.json:
        report = {"machine": facts | {"load_after": after}, "rows": [row.record() for row in rows]}
        arguments.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return 1 if any(row.unit == BROKEN for row in rows) else 0


def measured(name: str, plan: Plan) -> Iterator[Row]:
    """Measure one group; an error becomes a row, so that the other groups are still measured."""
    try:
        for row in GROUPS[name](plan):
            yield replace(row, load=os.getloadavg()[0])
    except (OSError, RuntimeError, AssertionError, ValueError, LookupError) as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        yield Row(f"{name}: the rest", BROKEN, note=why)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=" ".join(GROUPS))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter, within a minute")
    parser.add_argument("--json", type=Path, help="write the rows into this file, too")
    arguments = parser.parse_args()
    unknown = set(arguments.groups) - set(GROUPS)
    if unknown:
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    return arguments


def _raise_file_limit() -> None:
    """Let this process and the servers it starts have a thousand readers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())

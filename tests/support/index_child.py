"""Indexes a home until it is killed: `index_child.py ROOT`. Prints `ready` when it is open."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.index_home import IndexedHome


async def run_index(root: Path) -> None:
    running = IndexedHome(root).index()
    await running.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        await running.index.rescan(10)


asyncio.run(run_index(Path(sys.argv[1])))

"""A minimal server: supervises one daemon-leaving child of each kind until SIGTERM. Arguments:
the state folder, the folder in which processes write their pids."""

import asyncio
import signal
import sys
from pathlib import Path

from xo_cowork_core.services.processes.supervisor import ProcessSupervisor

HERE = Path(__file__).parent


async def serve() -> None:
    terminated = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
    supervisor = ProcessSupervisor(Path(sys.argv[1]))
    await supervisor.start()
    processes = supervisor.for_plugin("host")
    for line in ("own_session.py", "ignores_sigterm.py", "daemon.py stay", "daemon.py stay bare"):
        script, *words = line.split()
        argv = [sys.executable, str(HERE / script), sys.argv[2], *words]
        await processes.spawn(argv, cwd=HERE, environment={})
    await terminated.wait()
    await supervisor.stop()


asyncio.run(serve())

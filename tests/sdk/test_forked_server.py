"""A forked server is what a new interpreter would be, and its process behaves as a child does."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import LiveServer, descendants, eventually, install_plugin
from xo_cowork_core.sdk.testing.server_process import ServerCommand, can_fork, shared_fork_server

END_SECONDS = 20.0
THREADS = 8
PAUSE_SECONDS = 0.0001
REPORTER = """
import asyncio, json, logging, os, resource, signal, sys, time
from contextlib import asynccontextmanager
from pathlib import Path

from xo_cowork_core.sdk import hookimpl

def mask():
    old = os.umask(0)
    os.umask(old)
    return old

class Plugin:
    @hookimpl
    @asynccontextmanager
    async def xo_lifespan(self, context):
        handlers = {str(n): str(signal.getsignal(n)) for n in signal.valid_signals()}
        descriptors = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                       if os.path.exists(f"/proc/self/fd/{n}")]
        report = {
            "environment": dict(os.environ),
            "arguments": sys.argv[1:],
            "main": sys.modules["__main__"].__spec__.name,
            "path": sys.path,
            "cwd": os.getcwd(),
            "session": os.getsid(0) == os.getpid() == os.getpgid(0),
            "umask": mask(),
            "limits": {str(n): resource.getrlimit(n) for n in range(resource.RLIM_NLIMITS)}
            if hasattr(resource, "RLIM_NLIMITS") else resource.getrlimit(resource.RLIMIT_NOFILE),
            "signals": {n: h if "function" not in h else "function" for n, h in handlers.items()},
            "loggers": [str(h) for h in logging.getLogger().handlers],
            "level": logging.getLogger("xo_cowork").level,
            "timezone": time.tzname,
            "streams": [os.readlink(f"/proc/self/fd/{n}") for n in range(3)],
            # of the state folder the databases and the lock: other files are written meanwhile
            "files": sorted(name for name in descriptors if name.startswith("/")
                            and ("/.xo-cowork" not in name or ".db" in name or ".lock" in name)),
            "testing": sorted(m for m in sys.modules if m.split(".")[0] in {"pytest", "_pytest"}),
            "encoding": sys.stdout.encoding,
        }
        (context.paths.home / "report.json").write_text(json.dumps(report))
        yield

plugin = Plugin()
"""

ENDING = """
import atexit, sys, threading
from contextlib import asynccontextmanager
from pathlib import Path

from xo_cowork_core.sdk import hookimpl

ended = Path.home() / "ended"

def note(line):
    with ended.open("a") as file:
        file.write(line + "\\n")

def wait_for_main():
    threading.main_thread().join()
    note("a thread")

class Plugin:
    @hookimpl
    @asynccontextmanager
    async def xo_lifespan(self, context):
        atexit.register(note, "atexit")
        threading.Thread(target=wait_for_main).start()
        yield
        sys.stdout.write("not flushed")

plugin = Plugin()
"""


def report(server: LiveServer) -> dict[str, object]:
    """Return the state of the server's process, with its own folder replaced by `ROOT`."""
    file = server.home / "report.json"
    eventually(lambda: file.exists() and file.stat().st_size > 0, 10, "the report")
    return json.loads(file.read_text().replace(str(server.root), "ROOT"))


def test_a_forked_server_equals_a_fresh_one(
    live_server: Callable[..., LiveServer], tmp_path: Path
) -> None:
    folder = install_plugin(tmp_path, "plugin_reporter", REPORTER)
    environment = {"XO_PLUGINS": "plugin_reporter", "A_VARIABLE": "of this test"}
    forked, fresh = (
        report(live_server(environment, [folder], fresh=fresh)) for fresh in (False, True)
    )
    assert forked == fresh
    assert forked["testing"] == []


def test_a_forked_server_ends_as_a_fresh_one(
    live_server: Callable[..., LiveServer], tmp_path: Path
) -> None:
    folder = install_plugin(tmp_path, "plugin_ending", ENDING)
    ends: list[tuple[int, str, str]] = []
    for fresh in (False, True):
        server = live_server({"XO_PLUGINS": "plugin_ending"}, [folder], fresh=fresh)
        code = server.terminate()
        ends.append((code, (server.home / "ended").read_text(), server.log[-11:]))
    assert ends == [(0, "a thread\natexit\n", "not flushed")] * 2


def test_a_forked_server_documents_its_routes_as_a_fresh_one(
    live_server: Callable[..., LiveServer],
) -> None:
    forked, fresh = (
        live_server(fresh=fresh).client.get("/openapi.json").text for fresh in (False, True)
    )
    assert forked == fresh


def test_two_forked_servers_share_nothing(live_server: Callable[..., LiveServer]) -> None:
    one, other = live_server({"XO_PLUGINS": "none"}), live_server({"XO_PLUGINS": "none"})
    assert one.pid != other.pid
    assert one.kill() == -signal.SIGKILL
    assert other.running
    assert other.client.get("/health").status_code == 200


def test_several_threads_may_wait_for_a_forked_server(
    live_server: Callable[..., LiveServer],
) -> None:
    def wait_for_end(server: LiveServer) -> None:
        # with short pauses, so that they meet where one of them gets the exit code
        until = time.monotonic() + END_SECONDS
        while server.running:
            assert time.monotonic() < until
            time.sleep(PAUSE_SECONDS)

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(4):
            server = live_server({"XO_PLUGINS": "none"})
            waiting = [pool.submit(wait_for_end, server) for _ in range(THREADS)]
            assert server.kill() == -signal.SIGKILL
            for each in waiting:
                each.result()


def test_the_exit_code_of_a_refused_start_is_reported() -> None:
    server = LiveServer(environment={"XO_PLUGINS": "none", "PORT": "no-number"})
    with pytest.raises(AssertionError, match="PORT"):
        server.start()
    assert server.terminate() == 1
    server.close()


def test_a_forked_server_is_a_process_below_the_test(
    live_server: Callable[..., LiveServer],
) -> None:
    server = live_server({"XO_PLUGINS": "none"})
    assert server.pid in {process.pid for process in descendants(os.getpid())}
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: not server.running, 15, "the exit is seen")
    assert server.terminate() == -signal.SIGKILL


@pytest.mark.parametrize("variable", ["PYTHONHASHSEED", "LD_PRELOAD", "LC_ALL"])
def test_what_an_interpreter_reads_at_its_start_needs_a_new_one(variable: str) -> None:
    assert can_fork(["XO_PLUGINS"], [])
    assert not can_fork([variable], [])


@pytest.mark.parametrize("module", ["xo_runtime_demo", "json.py", "sitecustomize.py"])
def test_a_module_that_takes_the_place_of_an_installed_one_needs_a_new_interpreter(
    tmp_path: Path, module: str
) -> None:
    (tmp_path / "some_plugin").mkdir()
    assert can_fork([], [tmp_path])
    (tmp_path / module).mkdir()
    assert not can_fork([], [tmp_path])


def process_state(pid: str) -> str:
    """Return the state letter of a process, empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def test_forked_servers_end_with_their_test_process(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from xo_cowork_core.sdk.testing import LiveServer
server = LiveServer(environment={"XO_PLUGINS": "none"})
server.start()
print(server.pid, server.root, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", script]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    pid, _, root = killed.stdout.strip().partition(" ")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    # a process of the tests that adopts descendants keeps the ended server as a zombie
    eventually(lambda: process_state(pid) in {"", "Z"}, 10, "the server ended")
    subprocess.run(["rm", "-r", root], check=True)


def test_a_child_that_cannot_begin_is_reported(tmp_path: Path) -> None:
    server = shared_fork_server()
    assert server
    command = ServerCommand(["serve"], {}, tmp_path / "not there", [], tmp_path / "log")
    assert server.fork(command).wait(10) == 1

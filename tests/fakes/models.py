"""Starts the fake model APIs, and commands that prompts for them contain."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def fake_model_api(name: str, log: Path | None = None, port: int = 0) -> Iterator[int]:
    """Run the fake in this folder and give its port."""
    server = Path(__file__).parent / name / "server.py"
    more = ["--log", str(log)] if log else []
    command = [sys.executable, str(server), "--port", str(port), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            yield json.loads(process.stdout.readline())["port"]
        finally:
            process.terminate()


def working(name: str, seconds: float) -> str:
    """Return a shell command that appends to a file five times a second."""
    return f"for i in $(seq {int(seconds * 5)}); do echo worked >> {name}; sleep 0.2; done"

"""Starts the fake model APIs."""

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

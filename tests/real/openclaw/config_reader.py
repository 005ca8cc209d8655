"""Asks the real OpenClaw whether it accepts a configuration file.

`openclaw config validate` takes 1.5 s of CPU, so most files are given to one Node process that uses
the same reader from OpenClaw's published SDK.
"""

import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

READER = Path(__file__).with_suffix(".mjs")
ANSWER_SECONDS = 60.0
STOP_SECONDS = 10.0


class ConfigReader:
    """A Node process that reads configurations. Use `config_reader`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def check(self, file: Path) -> None:
        """Raise AssertionError with OpenClaw's reasons unless it accepts the file."""
        requests, answers = self._process.stdin, self._process.stdout
        assert requests and answers
        requests.write(f"{file}\n")
        requests.flush()
        assert select.select([answers], [], [], ANSWER_SECONDS)[0], "the reader does not answer"
        answer = json.loads(answers.readline())
        assert answer["valid"], f"{answer['issues']}\n{file.read_text()}"


@contextmanager
def config_reader(binary: Path, folder: Path) -> Iterator[ConfigReader]:
    """Run the reader of the OpenClaw whose command is `binary`, with `folder` as its home."""
    script = folder / READER.name
    shutil.copyfile(READER, script)
    # Node finds the packages of an import in `node_modules` beside the script
    (folder / "node_modules").symlink_to(binary.parent.parent / "node_modules")
    with subprocess.Popen(
        [binary.parent / "node", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=variables(binary, folder),
        text=True,
    ) as process:
        try:
            yield ConfigReader(process)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def check_with_command(binary: Path, file: Path, home: Path) -> None:
    """Raise AssertionError unless `openclaw config validate` accepts the file."""
    done = subprocess.run(
        [str(binary), "config", "validate", "--json"],
        env={**variables(binary, home), "OPENCLAW_CONFIG_PATH": str(file)},
        capture_output=True,
        timeout=ANSWER_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode() + file.read_text()


def list_with_command(binary: Path, file: Path, home: Path) -> list[dict[str, Any]]:
    """Return what `openclaw agents list` says of the agents of a file."""
    done = subprocess.run(
        [str(binary), "agents", "list", "--json"],
        env={**variables(binary, home), "OPENCLAW_CONFIG_PATH": str(file)},
        capture_output=True,
        timeout=ANSWER_SECONDS,
        check=True,
    )
    return json.loads(done.stdout)


def variables(binary: Path, home: Path) -> dict[str, str]:
    """Return the environment of OpenClaw's programs."""
    path = os.pathsep.join([str(binary.parent), os.environ["PATH"]])
    return {"PATH": path, "HOME": str(home)}

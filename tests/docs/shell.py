"""Runs the pages' commands as a reader would: a page's blocks in order, in one shell."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.docs.pages import Block, Page
from xo_cowork_core.sdk.testing import LiveServer

ADDRESS = "http://127.0.0.1:5002"
BETWEEN = "-----8<-----"
SECONDS = 100
TIME_IS_UP = 28
CURL = """\
#!/bin/sh
{curl} --fail-with-body "$@" || {{
    code=$?
    [ $code = {time_is_up} ] || echo "curl $*" >> {failures}
    exit $code
}}
"""


def runnable(page: Page, mark: str) -> list[Block]:
    return [b for b in page.blocks if b.language == "sh" and mark in b.words]


def run_page(page: Page, server: LiveServer, folder: Path) -> list[str]:
    """Run the page's `run` blocks against a server and return what each printed."""
    failures = folder / "failures"
    environment = server.variables() | {"PATH": _path_with_strict_curl(folder, failures)}
    script = f"\nprintf %s '{BETWEEN}'\n".join(b.text for b in runnable(page, "run"))
    done = run_script(script.replace(ADDRESS, server.base_url), folder, environment)
    assert done.returncode == 0, f"{page.path.name}: {done.stdout}\n{done.stderr}"
    assert not failures.exists(), f"{page.path.name}: {failures.read_text()}\n{done.stdout}"
    return done.stdout.split(BETWEEN)


def run_script(
    script: str, folder: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", "-eu", "-c", script],
        check=False,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def outputs(page: Page) -> list[tuple[int, str]]:
    """Return the documented output of a page's `run` blocks: the block's number and the text."""
    found: list[tuple[int, str]] = []
    number = -1
    for block in page.blocks:
        if block in runnable(page, "run"):
            number += 1
        elif "output" in block.words:
            found.append((number, block.text))
    return found


def matches(expected: str, printed: str) -> bool:
    """Compare; `…` matches anything."""
    pieces = [re.escape(piece) for piece in expected.strip().split("…")]
    return re.fullmatch(".*?".join(pieces), printed.strip(), re.DOTALL) is not None


def write_files(blocks: Sequence[Block], folder: Path) -> None:
    for block in blocks:
        path = folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)


def _path_with_strict_curl(folder: Path, failures: Path) -> str:
    """A PATH on which the server's commands are found, and a curl that prints each error."""
    curl = shutil.which("curl")
    assert curl, "these tests need curl"
    binaries = folder / "bin"
    binaries.mkdir()
    strict = binaries / "curl"
    strict.write_text(CURL.format(curl=curl, failures=failures, time_is_up=TIME_IS_UP))
    strict.chmod(0o755)
    places = [str(binaries), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return os.pathsep.join(places)

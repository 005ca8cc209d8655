"""`POST /app/update` of a server that runs from a real git checkout, and its refusals."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import xo_cowork_core
from tests.support.answers import expect_error
from xo_cowork_core.sdk.testing import LiveServer, eventually

SOURCE = Path(xo_cowork_core.__file__).parent


def git(folder: Path, *arguments: str) -> None:
    names = {f"GIT_{who}_NAME": "A Test" for who in ("AUTHOR", "COMMITTER")}
    emails = {f"GIT_{who}_EMAIL": "test@example.test" for who in ("AUTHOR", "COMMITTER")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **names, **emails}
    command = ["git", "-C", str(folder), *arguments]
    subprocess.run(command, env=environment, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone of a remote repository that has this server."""
    remote, author, clone = (tmp_path / name for name in ("remote.git", "author", "clone"))
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    git(tmp_path, "clone", "--quiet", f"file://{remote}", str(author))
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE, author / "xo_cowork_core", ignore=ignored)
    (author / ".gitignore").write_text("__pycache__\n")
    publish(author)
    git(tmp_path, "clone", "--quiet", f"file://{remote}", str(clone))
    return clone


def publish(author: Path) -> None:
    git(author, "add", "-A")
    git(author, "commit", "--quiet", "-m", "change")
    git(author, "push", "--quiet", "origin", "HEAD:main")


def test_a_server_updates_its_checkout_and_runs_the_new_version(checkout: Path) -> None:
    author = checkout.with_name("author")
    with LiveServer(environment={"XO_PLUGINS": "none"}, python_path=[checkout]) as server:
        assert "nothing to pull" in expect_error(server.client.post("/app/update"), 409)
        version = author / "xo_cowork_core" / "__init__.py"
        version.write_text('__version__ = "9.9.9"\n')
        publish(author)
        (checkout / "notes").write_text("mine")
        assert "local changes" in expect_error(server.client.post("/app/update"), 409)
        (checkout / "notes").unlink()
        pid = server.pid
        answer = server.client.post("/app/update")
        assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
        eventually(lambda: server.log.count("listening on ") == 2, 30, "the new server")
        assert server.client.get("/").json()["version"] == "9.9.9"
        assert server.pid == pid

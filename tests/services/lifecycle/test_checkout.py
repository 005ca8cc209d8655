"""Updates of real git checkouts with remotes on `file://`: forward, clean, or not at all."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import Conflict, UpstreamFailed
from xo_cowork_core.services.lifecycle.checkout import Checkout
from xo_cowork_core.services.lifecycle.server_control import ServerControl
from xo_cowork_core.services.lifecycle.updater import Updater

SERVING = "xo_cowork_core/host/serving.py"


class Repositories:
    """A remote repository, the clone of its author, and the clone of a server."""

    def __init__(self, folder: Path) -> None:
        self.remote, self.author, self.server = (
            folder / name for name in ("remote.git", "author", "server")
        )
        self.git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        self.git(folder, "clone", "--quiet", self.url, str(self.author))
        for file in ("xo_cowork_core/__init__.py", "xo_cowork_core/host/__init__.py", SERVING):
            path = self.author / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        (self.author / ".gitignore").write_text("ignored\n__pycache__\n")
        self.publish("first")
        self.git(folder, "clone", "--quiet", self.url, str(self.server))

    @property
    def url(self) -> str:
        return f"file://{self.remote}"

    def git(self, folder: Path, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.remote.parent),
            **{f"GIT_{who}_NAME": "A Test" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "test@example.test" for who in ("AUTHOR", "COMMITTER")},
        }
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def publish(self, text: str, file: str = "note") -> None:
        (self.author / file).write_text(text)
        self.git(self.author, "add", "-A")
        self.git(self.author, "commit", "--quiet", "-m", text[:20] or "empty")
        self.git(self.author, "push", "--quiet", "origin", "HEAD:main")

    @property
    def head(self) -> str:
        return self.git(self.server, "rev-parse", "HEAD")

    def content(self) -> dict[str, str]:
        """Everything in the server's folder that is not git's own."""
        paths = (path for path in self.server.rglob("*") if path.is_file())
        return {
            str(path): path.read_text()
            for path in paths
            if ".git/" not in str(path) and "__pycache__" not in str(path)
        }


@pytest.fixture
def repositories(tmp_path: Path) -> Repositories:
    return Repositories(tmp_path)


def updater_for(repositories: Repositories, problem: str = "") -> tuple[Updater, ServerControl]:
    control = ServerControl(lambda: problem)
    return Updater(Checkout(repositories.server), control), control


async def expect_refusal(repositories: Repositories, reason: str) -> None:
    """Expect that an update is refused, and changes neither the commit nor a file."""
    head, content = repositories.head, repositories.content()
    updater, control = updater_for(repositories)
    with pytest.raises(Conflict, match=reason):
        await updater.update()
    assert (repositories.head, repositories.content()) == (head, content)
    assert not control.is_restarting


@in_event_loop
async def test_a_clean_checkout_goes_forward_and_the_server_restarts(
    repositories: Repositories,
) -> None:
    repositories.publish("second")
    (repositories.server / "ignored").write_text("mine")
    updater, control = updater_for(repositories)
    await updater.update()
    assert (repositories.server / "note").read_text() == "second"
    assert (repositories.server / "ignored").read_text() == "mine"
    assert control.is_restarting


@in_event_loop
async def test_with_nothing_to_pull_nothing_restarts(repositories: Repositories) -> None:
    await expect_refusal(repositories, "nothing to pull")


def change_file(repositories: Repositories) -> None:
    (repositories.server / "note").write_text("mine")


def stage_file(repositories: Repositories) -> None:
    change_file(repositories)
    repositories.git(repositories.server, "add", "note")


def add_file(repositories: Repositories) -> None:
    (repositories.server / "my notes").write_text("mine")


def delete_file(repositories: Repositories) -> None:
    (repositories.server / "note").unlink()


@pytest.mark.parametrize("work", [change_file, stage_file, add_file, delete_file])
def test_local_work_is_never_touched(
    repositories: Repositories, work: Callable[[Repositories], None]
) -> None:
    @in_event_loop
    async def run() -> None:
        repositories.publish("second")
        work(repositories)
        await expect_refusal(repositories, "local changes")

    run()


def commit(repositories: Repositories) -> None:
    (repositories.server / "mine").write_text("mine")
    repositories.git(repositories.server, "add", "-A")
    repositories.git(repositories.server, "commit", "--quiet", "-m", "mine")


@in_event_loop
async def test_a_branch_with_commits_of_its_own_is_refused(repositories: Repositories) -> None:
    commit(repositories)
    await expect_refusal(repositories, "nothing to pull")
    repositories.publish("second")
    await expect_refusal(repositories, "commits that the remote branch lacks")


@in_event_loop
async def test_a_rewritten_remote_branch_is_refused(repositories: Repositories) -> None:
    repositories.publish("second")
    await updater_for(repositories)[0].update()
    author = repositories.author
    repositories.git(author, "reset", "--quiet", "--hard", "HEAD~1")
    (author / "note").write_text("another second")
    repositories.git(author, "commit", "--quiet", "-am", "another")
    repositories.git(author, "push", "--quiet", "--force", "origin", "HEAD:main")
    await expect_refusal(repositories, "commits that the remote branch lacks")


@in_event_loop
async def test_without_a_branch_or_a_remote_branch_it_is_refused(
    repositories: Repositories,
) -> None:
    repositories.publish("second")
    repositories.git(repositories.server, "checkout", "--quiet", "-b", "mine")
    await expect_refusal(repositories, "follows no remote branch")
    repositories.git(repositories.server, "checkout", "--quiet", "--detach")
    await expect_refusal(repositories, "on no branch")


@in_event_loop
async def test_a_folder_that_is_no_checkout_is_refused(
    repositories: Repositories, tmp_path: Path
) -> None:
    # a folder inside another checkout is none of its own
    (repositories.server / "inner").mkdir()
    for root in (tmp_path, repositories.server / "inner", tmp_path / "missing"):
        with pytest.raises(Conflict, match="git checkout"):
            await Checkout(root).require_updatable()


@in_event_loop
async def test_a_remote_that_is_gone_is_a_fault_of_the_upstream(
    repositories: Repositories,
) -> None:
    head = repositories.head
    repositories.remote.rename(repositories.remote.with_name("elsewhere"))
    updater, control = updater_for(repositories)
    with pytest.raises(UpstreamFailed):
        await updater.update()
    assert repositories.head == head
    assert not control.is_restarting


@in_event_loop
async def test_a_version_that_does_not_start_is_taken_back(repositories: Repositories) -> None:
    repositories.publish("import a_package_that_is_not_installed\n", SERVING)
    await expect_refusal(repositories, "does not start with the installed packages")


@in_event_loop
async def test_settings_with_which_no_server_starts_are_said_before_anything_changes(
    repositories: Repositories,
) -> None:
    repositories.publish("second")
    head = repositories.head
    updater, _ = updater_for(repositories, "PORT=x is not allowed")
    with pytest.raises(Conflict, match="PORT=x"):
        await updater.update()
    assert repositories.head == head


@in_event_loop
async def test_hooks_of_the_repository_are_not_run(
    repositories: Repositories, tmp_path: Path
) -> None:
    hook = repositories.server / ".git" / "hooks" / "post-merge"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/run\n")
    hook.chmod(0o755)
    repositories.publish("second")
    await updater_for(repositories)[0].update()
    assert not (tmp_path / "run").exists()

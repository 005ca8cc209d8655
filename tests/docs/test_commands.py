"""The pages' commands work unchanged on a server that just started."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, page
from tests.docs.shell import ADDRESS, matches, outputs, run_page, run_script
from xo_cowork_core.sdk.testing import LiveServer

Start = Callable[..., LiveServer]


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "docs/frontend.md",
        "docs/images.md",
        "docs/projects.md",
        "docs/runtimes.md",
    ],
)
def test_the_commands_of_a_page_run_unchanged(
    name: str, live_server: Start, tmp_path: Path
) -> None:
    printed = run_page(page(name), live_server(), tmp_path)
    assert printed and all(printed)
    for number, expected in outputs(page(name)):
        assert matches(expected, printed[number]), printed[number]


def test_the_readme_streams_a_turn_that_writes_a_file(live_server: Start, tmp_path: Path) -> None:
    server = live_server()
    run_page(page("README.md"), server, tmp_path)
    assert list(server.projects.rglob("demo/note.md"))


def test_the_readme_has_two_curls() -> None:
    blocks = [block.text for block in page("README.md").blocks if block.words == ("run",)]
    assert len(blocks) == 1
    assert blocks[0].count("curl ") == 2


def test_resuming_in_the_frontend_page_skips_what_was_seen(
    live_server: Start, tmp_path: Path
) -> None:
    _, resumed, *_ = run_page(page("docs/frontend.md"), live_server(), tmp_path)
    assert resumed.startswith("id: 6\n")


def test_the_repeated_prompt_of_the_frontend_page_starts_one_turn(
    live_server: Start, tmp_path: Path
) -> None:
    *_, twice = run_page(page("docs/frontend.md"), live_server(), tmp_path)
    streams = re.findall(r'"stream_id":"([^"]+)"', twice)
    assert len(streams) == 2
    assert len(set(streams)) == 1


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node to run JavaScript")
def test_the_javascript_reader_draws_a_turn_and_answers_it(
    live_server: Start, tmp_path: Path
) -> None:
    server = live_server()
    blocks = [b.text for b in page("docs/frontend.md").blocks if b.language == "js"]
    script = tmp_path / "reader.mjs"
    script.write_text("\n".join(blocks).replace(ADDRESS, server.base_url))
    done = subprocess.run(
        ["node", script], check=False, capture_output=True, text=True, timeout=100
    )
    assert done.stdout == "I wrote demo/note.md.\n", done.stderr
    assert (server.projects / "demo" / "note.md").read_text() == "hello"


def test_the_recipe_for_an_image_passes_its_own_check(tmp_path: Path) -> None:
    recipe = next(b.text for b in page("docs/images.md").blocks if b.language == "dockerfile")
    variables = re.findall(r"(?<= )(\w+)=(\S+)", re.findall(r"^ENV .*$", recipe, re.MULTILINE)[0])
    given = {name: value for name, value in variables if name != "PATH"}
    assert {"STAGE", "HOST"} <= given.keys()
    checks = re.findall(r"^RUN (xo-cowork .*)$", recipe, re.MULTILINE)
    assert checks
    for check in checks:
        environment = {"PATH": f"{ROOT}/.venv/bin:/usr/bin:/bin", "HOME": str(tmp_path), **given}
        done = run_script(check, tmp_path, environment)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_page_command_that_fails_is_noticed(live_server: Start, tmp_path: Path) -> None:
    broken = tmp_path / "page.md"
    broken.write_text(f"```sh run\ncurl -s {ADDRESS}/api/sessions/none | cat\n```\n")
    with pytest.raises(AssertionError, match="Session not found"):
        run_page(page(str(broken)), live_server(), tmp_path)


def test_make_run_ends_in_the_server() -> None:
    dry = run_script("make --dry-run run", ROOT, {"PATH": "/usr/bin:/bin"})
    assert dry.stdout.splitlines()[-1].endswith(".venv/bin/xo-cowork serve")

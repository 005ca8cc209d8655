"""The plugin author's page, followed to the letter: its plugin is written, installed and tried.

The environment is a copy made of links, so that the one that runs these tests stays as it is. Its
servers are `fresh`: a forked one has the imports of an environment without the plugin, or of the
version before it was edited.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import Block, page
from tests.docs.shell import matches, outputs, run_page, run_script, runnable, write_files
from xo_cowork_core.sdk.testing import Chat, LiveServer

PAGE = page("docs/plugins.md")
CODE = "xo-runtime-parrot/xo_runtime_parrot/plugin.py"
CONTRACT_SECONDS = 240
Start = Callable[..., LiveServer]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's checkout with an environment of its own."""
    folder = tmp_path_factory.mktemp("page") / "xo-cowork"
    folder.mkdir()
    subprocess.run(["cp", "-as", sys.prefix, folder / ".venv"], check=True, timeout=100)
    script = folder / ".venv" / "bin" / "xo-cowork"
    text = script.read_text().replace(str(Path(sys.prefix) / "bin"), str(script.parent))
    script.unlink()
    script.write_text(text)
    script.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def installed(checkout: Path) -> str:
    """Install the plugin, offline, and return the output of `plugins list`."""
    install = runnable(PAGE, "install")[0]
    done = run_script(install.text, checkout, _environment(checkout) | {"UV_OFFLINE": "1"})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def grown(checkout: Path, installed: str) -> None:
    """The second plugin in the place of the first."""
    write_files([block for block in PAGE.blocks if block.file], checkout.parent)


def test_the_installed_plugin_is_listed(installed: str) -> None:
    rows = [line.split() for line in installed.splitlines()]
    (row,) = [row for row in rows if row[:1] == ["runtime_parrot"]]
    assert row[1:4] == ["loaded", "xo-runtime-parrot", "0.1.0"]


@pytest.mark.usefixtures("installed")
def test_the_first_plugin_answers_as_the_page_shows(
    checkout: Path, live_server: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(checkout / ".venv" / "bin" / "python"))
    (printed,) = run_page(PAGE, live_server(fresh=True), tmp_path)
    ((_, expected),) = outputs(PAGE)
    assert matches(expected, printed), printed


@pytest.mark.usefixtures("installed")
def test_the_page_shows_what_the_command_writes(checkout: Path) -> None:
    (shown,) = [block for block in PAGE.blocks if _generated(block)]
    assert (checkout.parent / _generated(shown)).read_text() == shown.text


@pytest.mark.timeout(CONTRACT_SECONDS + 60)
@pytest.mark.usefixtures("installed")
def test_the_first_plugin_passes_its_own_tests(checkout: Path) -> None:
    _certify(checkout, runnable(PAGE, "install")[1])


@pytest.mark.usefixtures("grown")
def test_the_second_plugin_has_a_route_a_setting_a_secret_and_a_lifespan(
    checkout: Path, live_server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(checkout / ".venv" / "bin" / "python"))
    environment = {"PARROT_KEY": "k", "PARROT_PROGRAM": "no-such-program"}
    server = live_server(environment=environment, fresh=True)
    rows = server.client.get("/api/plugins").json()["plugins"]
    row = next(row for row in rows if row["name"] == "runtime_parrot")
    assert (row["state"], row["error"]) == ("ready", "")
    assert "PARROT_KEY" in row["secrets_schema"]["properties"]
    assert server.client.get("/api/parrot/keys").json() == {"keys": ["PARROT_KEY"]}
    assert "the parrot is in runtime_parrot" in server.log
    refused = Chat(server, "polly").send("hello")
    assert refused.status_code == 503
    assert "no-such-program isn't installed" in refused.json()["detail"]


@pytest.mark.timeout(CONTRACT_SECONDS + 60)
@pytest.mark.usefixtures("grown")
def test_the_second_plugin_passes_the_pages_own_tests(checkout: Path) -> None:
    _certify(checkout, runnable(PAGE, "install")[2])


def _certify(checkout: Path, block: Block) -> None:
    """Run a command of the page that runs the contract."""
    done = subprocess.run(
        block.text.split(),
        check=False,
        cwd=checkout,
        env=_environment(checkout),
        capture_output=True,
        text=True,
        timeout=CONTRACT_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-8000:]


def _generated(block: Block) -> str:
    """Return the path of a file that a command of the page writes; empty for other blocks."""
    marks = [word for word in block.words if word.startswith("generated=")]
    return marks[0].removeprefix("generated=") if marks else ""


def _environment(checkout: Path) -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(checkout.parent)}

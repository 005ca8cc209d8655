"""`xo-cowork plugins new` in a clean environment: what it writes installs, loads and passes."""

import re
import shutil
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installed_host import InstalledHost, create_environment

GREEN_SECONDS = 180
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "oauth_connector.py"


@pytest.fixture(scope="module")
def host(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledHost]:
    """An environment of a plugin author: the core and its tools for tests."""
    host = create_environment(tmp_path_factory.mktemp("author") / "venv", wheels)
    host.install("xo-cowork-core[testing]")
    yield host
    shutil.rmtree(host.folder)


@pytest.mark.timeout(GREEN_SECONDS + 60)
@pytest.mark.parametrize(("kind", "cases"), [("runtime", 30), ("connector", 20)])
def test_a_new_plugin_is_installed_and_passes_its_contract_within_three_minutes(
    host: InstalledHost, tmp_path: Path, kind: str, cases: int
) -> None:
    start = time.monotonic()
    distribution = f"xo-{kind}-night-owl"
    folder = tmp_path / distribution
    created = host.run(
        "xo-cowork", "plugins", "new", kind, "night-owl", "--folder", str(folder), home=tmp_path
    )
    assert created.returncode == 0, created.stderr
    host.install("--editable", str(folder))
    listed = host.run("xo-cowork", "plugins", "list", home=tmp_path)
    rows = [line.split()[:4] for line in listed.stdout.splitlines()]
    assert [f"{kind}_night_owl", "loaded", distribution, "0.1.0"] in rows
    command = ("python", "-m", "pytest", "-q", str(folder))
    tests = host.run(*command, home=tmp_path, timeout=GREEN_SECONDS)
    assert tests.returncode == 0, tests.stdout[-4000:]
    (passed,) = re.findall(r"(\d+) passed", tests.stdout)
    assert int(passed) >= cases
    assert "were skipped because the subject declares no: " in tests.stdout
    assert time.monotonic() - start < GREEN_SECONDS


def test_the_example_of_a_connector_is_what_the_command_writes(
    host: InstalledHost, tmp_path: Path
) -> None:
    host.run("xo-cowork", "plugins", "new", "connector", "acme", home=tmp_path)
    written = tmp_path / "xo-connector-acme" / "xo_connector_acme" / "plugin.py"
    assert written.read_text() == EXAMPLE.read_text()


def test_it_states_the_versions_of_the_core_that_it_was_made_for(
    host: InstalledHost, tmp_path: Path
) -> None:
    folder = tmp_path / "made"
    host.run("xo-cowork", "plugins", "new", "runtime", "x", "--folder", str(folder), home=tmp_path)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == ["xo-cowork-core>=0.1,<0.2"]
    assert project["entry-points"]["xo_cowork.plugins"] == {
        "runtime_x": "xo_runtime_x.plugin:plugin"
    }


def test_a_name_that_cannot_be_a_package_is_refused(host: InstalledHost, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    refused = host.run(
        "xo-cowork", "plugins", "new", "runtime", "--folder", str(folder), "--", "-x", home=tmp_path
    )
    assert refused.returncode == 2
    assert "is not a name" in refused.stderr
    assert not folder.exists()


def test_a_folder_with_content_stays_as_it_is(host: InstalledHost, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    refused = host.run(
        "xo-cowork", "plugins", "new", "runtime", "x", "--folder", str(tmp_path), home=tmp_path
    )
    assert refused.returncode == 2
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_an_unknown_kind_is_refused_with_those_that_there_are(
    host: InstalledHost, tmp_path: Path
) -> None:
    refused = host.run("xo-cowork", "plugins", "new", "skill", "x", home=tmp_path)
    assert refused.returncode == 2
    assert "runtime" in refused.stderr
